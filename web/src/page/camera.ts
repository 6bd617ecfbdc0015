/** Photos from the camera. */

import { element } from "./dom";

const dialog = element<HTMLDialogElement>("camera");
const video = element<HTMLVideoElement>("camera-video");
const take = element<HTMLButtonElement>("camera-take");

export function listenForCamera(
  use: (photo: Blob) => void,
  fail: (message: string) => void,
): void {
  for (const button of document.querySelectorAll("[data-action=camera]")) {
    button.addEventListener("click", () => void open(fail));
  }
  take.addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")!.drawImage(video, 0, 0);
    dialog.close();
    canvas.toBlob((photo) => {
      if (photo) use(new File([photo], "camera.png", { type: "image/png" }));
      else fail("The camera gave no picture. Try again.");
    }, "image/png");
  });
  element("camera-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", stop);
}

async function open(fail: (message: string) => void): Promise<void> {
  if (!navigator.mediaDevices?.getUserMedia) {
    element("capture").click(); // the camera of the system, such as on plain http
    return;
  }
  take.disabled = true;
  dialog.showModal();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
    if (!dialog.open) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    video.srcObject = stream;
    await video.play();
    take.disabled = false;
    take.focus();
  } catch (error) {
    if (!dialog.open) return; // cancelled
    dialog.close();
    fail(explain(error));
  }
}

function stop(): void {
  const stream = video.srcObject as MediaStream | null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

function explain(error: unknown): string {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
      return (
        "The browser does not let this page use the camera. Allow it in the settings of " +
        "the page, or choose a photo."
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found. Choose a photo instead.";
    case "NotReadableError":
      return "The camera is used by another program. Close that, or choose a photo.";
    default:
      return "The camera could not be started. Choose a photo instead.";
  }
}
