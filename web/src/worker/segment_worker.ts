/** Runs the model beside the page, so that the page stays responsive. */

import { limitedSize, longestSideSize, type Size } from "../labels/longest_side";
import {
  labelsAt,
  labelsWithConfidence,
  type HeadLogits,
} from "../labels/upsampled_labels";
import { PageError } from "../page_error";
import { contours } from "../pictures/contours";
import { labelPng } from "../pictures/label_png";
import { drawOverlay } from "../pictures/overlay";
import type { LoadRequest, Request, Response, Result } from "./messages";
import { hasGpu, Model } from "./model";
import { decode, eachStrip, picture, shrink, sizeOf } from "./photo";

// Pixels of the picture on the page.
const MAX_VIEW_PIXELS = 1_000_000;

let loading: LoadRequest | null = null;
let model: Model | null = null;
let current: { id: number; photo: Blob; logits: HeadLogits; size: Size } | null = null;

function send(response: Response, transfer: Transferable[] = []): void {
  postMessage(response, { transfer });
}

async function load(request: LoadRequest, gpu: boolean): Promise<Model> {
  loading = request;
  model = await Model.load(request, gpu, {
    loading: (loaded, total) => send({ kind: "loading", loaded, total }),
    starting: () => send({ kind: "starting" }),
  });
  return model;
}

/** Loads the model; on the processor if the graphics card fails. */
async function loadAnywhere(request: LoadRequest): Promise<void> {
  const gpu = await hasGpu(request);
  let loaded: Model;
  try {
    loaded = await load(request, gpu);
  } catch (error) {
    if (!gpu) throw error;
    console.warn("The model does not start on the graphics card.", error);
    loaded = await load(request, false);
  }
  const { runtime, description } = loaded;
  send({ kind: "ready", runtime, description });
}

async function segment(id: number, photo: Blob): Promise<void> {
  if (!model) throw new PageError("The model is not loaded. Reload the page.");
  const begin = performance.now();
  send({ kind: "stage", id, stage: "read" });
  const bitmap = await decode(photo, true);
  const size = sizeOf(bitmap);
  const shown = longestSideSize(size, model.description.long_side);
  const image = shrink(bitmap, shown);
  bitmap.close();
  const view = limitedSize(size, MAX_VIEW_PIXELS);
  const shownPicture = await picture(photo, view);

  const read = performance.now();
  send({ kind: "stage", id, stage: "model" });
  const logits = await run(image, shown);

  const computed = performance.now();
  send({ kind: "stage", id, stage: "labels" });
  current = { id, photo, logits, size };
  const { ids, confidence } = labelsWithConfidence(logits, view);
  const result: Result = {
    size,
    view,
    ids,
    confidence,
    picture: shownPicture,
    seconds: {
      read: (read - begin) / 1000,
      model: (computed - read) / 1000,
      labels: (performance.now() - computed) / 1000,
    },
  };
  send({ kind: "result", id, result }, [ids.buffer, confidence.buffer, shownPicture]);
}

async function run(image: Uint8Array, shown: Size): Promise<HeadLogits> {
  try {
    return await model!.run(image, shown);
  } catch (error) {
    if (model!.runtime.provider === "wasm") throw error;
    console.warn("The model fails on the graphics card.", error);
    model = await load(loading!, false);
    send({ kind: "runtime", runtime: model.runtime });
    return model.run(image, shown);
  }
}

/** The label map of the current photo at its own size. */
function labelsOf(id: number, threshold: number): Uint8Array {
  if (current?.id !== id) throw new PageError("This photo was replaced by another.");
  const voidId = model!.description.ignore_class;
  return labelsAt(current.logits, current.size, threshold, voidId);
}

async function labels(id: number, threshold: number): Promise<void> {
  const ids = labelsOf(id, threshold);
  const file = await labelPng(ids, current!.size, model!.description.palette);
  send({ kind: "file", id, file });
}

async function overlay(id: number, threshold: number, opacity: number): Promise<void> {
  const ids = labelsOf(id, threshold);
  const { photo, size } = current!;
  const border = contours(ids, size);
  const bitmap = await decode(photo, true);
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext("2d");
  if (!context) throw new RangeError("no canvas");
  eachStrip(bitmap, (top, strip) => {
    const begin = top * size.width;
    const end = begin + strip.height * size.width;
    drawOverlay(
      strip.data,
      ids.subarray(begin, end),
      border.subarray(begin, end),
      model!.description.palette,
      opacity,
    );
    context.putImageData(strip, 0, top);
  });
  bitmap.close();
  let file: Blob;
  try {
    file = await canvas.convertToBlob({ type: "image/png" });
  } catch {
    throw new PageError(
      `This browser cannot write a picture of ${size.width} × ${size.height} pixels. ` +
        "Use a smaller photo; the label map has no such limit.",
    );
  }
  send({ kind: "file", id, file });
}

async function handle(request: Request): Promise<void> {
  switch (request.kind) {
    case "load":
      return loadAnywhere(request);
    case "segment":
      return segment(request.id, request.photo);
    case "labels":
      return labels(request.id, request.threshold);
    case "overlay":
      return overlay(request.id, request.threshold, request.opacity);
  }
}

/** One request after another: ONNX Runtime runs one at a time. */
let last: Promise<void> = Promise.resolve();
onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(() => handle(data)).catch((error: unknown) => report(data, error));
};

function report(request: Request, error: unknown): void {
  const id = request.kind === "load" ? null : request.id;
  if (error instanceof PageError) {
    send({ kind: "error", id, message: error.message, fatal: id === null });
    return;
  }
  console.error(error);
  const text = error instanceof Error ? error.message : String(error);
  const memory = /memory|allocat|RangeError|no canvas|bad_alloc/i.test(
    `${error instanceof Error ? error.name : ""} ${text}`,
  );
  const message = memory
    ? "There was not enough memory. Close other tabs, or use a smaller photo."
    : `The model stopped with an error: ${text.slice(0, 200)}`;
  send({ kind: "error", id, message, fatal: true });
}
