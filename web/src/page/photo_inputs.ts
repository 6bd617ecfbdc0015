/** The ways to choose a photo: a file, drop, paste, a sample. */

import astronaut from "../../../examples/photos/astronaut.jpg?url";
import china from "../../../examples/photos/china.jpg?url";

import { create, element } from "./dom";

const SAMPLES = [
  { file: "china.jpg", address: china, text: "A pagoda above a lake" },
  { file: "astronaut.jpg", address: astronaut, text: "An astronaut before a flag" },
];

export function listenForPhotos(
  use: (photo: Blob) => void,
  fail: (message: string) => void,
): void {
  for (const id of ["file", "capture"]) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      const [photo] = input.files ?? [];
      if (photo) use(photo);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  for (const button of document.querySelectorAll("[data-action=choose]")) {
    button.addEventListener("click", () => element("file").click());
  }

  const stage = element("stage");
  let depth = 0; // dragenter and dragleave also come from the elements inside
  const over = (change: number) => {
    depth = Math.max(0, depth + change);
    stage.classList.toggle("over", depth > 0);
  };
  window.addEventListener("dragenter", () => over(1));
  window.addEventListener("dragleave", () => over(-1));
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    const [photo] = event.dataTransfer?.files ?? [];
    if (photo) use(photo);
    else fail("What was dropped is no file. Save the picture first, then drop the file.");
  });
  window.addEventListener("paste", (event) => {
    const [photo] = event.clipboardData?.files ?? [];
    if (photo) use(photo);
    else fail("The clipboard holds no picture. Copy a picture, not its address.");
  });

  element("samples").append(...SAMPLES.map((sample) => sampleEntry(sample, use, fail)));
}

function sampleEntry(
  sample: (typeof SAMPLES)[number],
  use: (photo: Blob) => void,
  fail: (message: string) => void,
): HTMLLIElement {
  const button = create("button", "sample");
  button.type = "button";
  const picture = create("img");
  picture.src = sample.address;
  picture.alt = sample.text;
  picture.width = 132;
  picture.height = 92;
  button.append(picture);
  button.addEventListener("click", async () => {
    try {
      const response = await fetch(sample.address);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const content = await response.blob();
      use(new File([content], sample.file, { type: "image/jpeg" }));
    } catch {
      fail("The sample photo could not be loaded. Check the connection.");
    }
  });
  const item = create("li");
  item.append(button);
  return item;
}
