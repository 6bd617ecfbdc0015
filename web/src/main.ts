import type { Description } from "./description";
import { listenForCamera } from "./page/camera";
import { Client } from "./page/client";
import { element } from "./page/dom";
import { isolate } from "./page/isolate";
import { Legend } from "./page/legend";
import { listenForPhotos } from "./page/photo_inputs";
import { PhotoView } from "./page/photo_view";
import { saveFile } from "./page/save_file";
import { announce, hideError, hideWork, showError, showWork } from "./page/status";
import type { LoadRequest, Response, Result, Runtime } from "./worker/messages";

const STAGES = {
  read: "Reading the photo",
  model: "Running the model",
  labels: "Drawing the classes",
};

let description: Description | null = null;
let runtime: Runtime | null = null;
let offline = false;
let photo: Blob | null = null;
let photoId = 0;
let restarts = 0;

const opacity = element<HTMLInputElement>("opacity");
const threshold = element<HTMLInputElement>("threshold");
const client = new Client(receive);
const legend = new Legend((id) => view.select(id));
const view: PhotoView = new PhotoView((id) => legend.mark(id));

/** `?threads=1` and `?gpu=never` or `always` are for measurements. */
function loadRequest(): LoadRequest {
  const options = new URLSearchParams(location.search);
  const threads = Number(options.get("threads"));
  const gpu = options.get("gpu");
  return {
    kind: "load",
    base: new URL("./", document.baseURI).href,
    threads: Number.isInteger(threads) && threads > 0 ? threads : null,
    gpu: gpu === "never" || gpu === "always" ? gpu : "auto",
  };
}

function use(chosen: Blob): void {
  hideError();
  photo = chosen;
  photoId += 1;
  if (description) segment();
  else announce("The photo will be processed when the model is loaded.");
}

function segment(): void {
  if (photo) client.send({ kind: "segment", id: photoId, photo });
}

function receive(response: Response): void {
  switch (response.kind) {
    case "loading": {
      const share = response.loaded / response.total;
      const of = `${megabytes(response.loaded)} of ${megabytes(response.total)} MB`;
      showWork(`Loading the model, ${of}`, share);
      announce("Loading the model");
      return;
    }
    case "starting":
      showWork("Starting the model");
      announce("Starting the model");
      return;
    case "ready":
      description = response.description;
      hideWork();
      showRuntime(response.runtime);
      element("count").textContent = String(description.learned.length);
      if (description.licence) {
        const licence = description.licence.split(":")[0]!;
        element("licence").textContent = licence;
      }
      document.documentElement.dataset.model = "ready";
      announce("The model is ready");
      segment();
      return;
    case "runtime":
      showRuntime(response.runtime);
      return;
    case "stage":
      if (response.id !== photoId) return;
      showWork(STAGES[response.stage]);
      announce(STAGES[response.stage]);
      return;
    case "result":
      if (response.id === photoId) showResult(response.result);
      else response.result.picture.close();
      return;
    case "error":
      fail(response);
      return;
  }
}

function fail(response: Extract<Response, { kind: "error" }>): void {
  if (response.id !== null && response.id !== photoId) return;
  hideWork();
  photo = null;
  showError(response.message);
  if (!response.fatal) return;
  if (response.id !== null && restarts < 3) {
    restarts += 1; // memory that ran out is only freed with the worker
    description = null;
    client.start();
    client.send(loadRequest());
    return;
  }
  element("runtime").textContent = "The model is not running.";
}

function showRuntime(found: Runtime): void {
  runtime = found;
  const where =
    found.provider === "webgpu"
      ? "on the graphics card (WebGPU)"
      : `in WebAssembly with ${found.threads === 1 ? "one thread" : `${found.threads} threads`}`;
  const why =
    found.provider === "wasm" && !crossOriginIsolated
      ? " More threads need https or localhost, and a browser that keeps site data."
      : "";
  const kept = offline ? " The page now works without a network, too." : "";
  element("runtime").textContent = `The model runs ${where}.${why}${kept}`;
  document.documentElement.dataset.provider = found.provider;
  document.documentElement.dataset.threads = String(found.threads);
}

function showResult(result: Result): void {
  if (!description) return;
  hideWork();
  element("stage").dataset.state = "done";
  element("drop").hidden = true;
  element("frame").hidden = false;
  element("panel").hidden = false;
  element("main").classList.add("with-result");
  legend.reset();
  view.setOpacity(Number(opacity.value) / 100);
  view.show(result, description);
  const largest = update();
  const { read, model, labels } = result.seconds;
  const seconds = (read + model + labels).toFixed(1);
  const names = largest.map(({ id }) => name(id)).join(", ");
  element("facts").textContent =
    `${result.size.width} × ${result.size.height} pixels, ${seconds} s ` +
    `(model ${model.toFixed(1)} s)`;
  document.documentElement.dataset.photo = String(photoId);
  document.documentElement.dataset.seconds = JSON.stringify(result.seconds);
  announce(`Done in ${seconds} seconds. Largest classes: ${names}`);
}

function update() {
  const shares = view.update(Number(threshold.value) / 100);
  if (description) legend.show(shares, description);
  return shares.slice(0, 3);
}

function name(id: number): string {
  return description?.class_names[id] ?? "no label";
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function showSliders(): void {
  element("opacity-value").textContent = `${opacity.value} %`;
  const least = Number(threshold.value);
  element("threshold-value").textContent = least ? `${least} %` : "off";
  threshold.setAttribute("aria-valuetext", least ? `${least} %` : "off");
}

async function save(kind: "overlay" | "labels", button: HTMLButtonElement): Promise<void> {
  const chosen = photo;
  if (!chosen || button.disabled) return;
  const buttons = ["save-overlay", "save-labels"].map((id) => element<HTMLButtonElement>(id));
  for (const each of buttons) each.disabled = true;
  const least = Number(threshold.value) / 100;
  const request = { id: photoId, threshold: least, opacity: Number(opacity.value) / 100 };
  showWork("Writing the file");
  try {
    const file = await client.file({ kind, ...request });
    const stem = (chosen instanceof File && chosen.name.replace(/\.[^.]*$/, "")) || "photo";
    saveFile(file, `${stem}_${kind}.png`);
    announce("The file was written");
  } catch (error) {
    showError(error instanceof Error ? error.message : String(error));
  }
  hideWork();
  for (const each of buttons) each.disabled = false;
  button.focus();
}

opacity.addEventListener("input", () => {
  showSliders();
  view.setOpacity(Number(opacity.value) / 100);
});
let scheduled = false;
threshold.addEventListener("input", () => {
  showSliders();
  if (scheduled) return; // at most once for each frame
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    update();
  });
});
for (const kind of ["overlay", "labels"] as const) {
  const button = element<HTMLButtonElement>(`save-${kind}`);
  button.addEventListener("click", () => void save(kind, button));
}

showSliders();
listenForPhotos(use, showError);
listenForCamera(use, showError);

async function start(): Promise<void> {
  offline = await isolate();
  if (runtime) return;
  client.start();
  client.send(loadRequest());
}
void start();
