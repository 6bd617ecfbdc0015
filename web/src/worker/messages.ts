/** What the page and its worker send each other. */

import type { Description } from "../description";
import type { Size } from "../labels/longest_side";

export interface LoadRequest {
  kind: "load";
  /** Address of the folder with the model, and of the files of the runtime. */
  base: string;
  /** Number of threads; by default that of the cores, at most 4. */
  threads: number | null;
  /** Whether a graphics card may be used, or even a slow one in software. */
  gpu: "auto" | "never" | "always";
}

export interface SegmentRequest {
  kind: "segment";
  id: number;
  photo: Blob;
}

export interface LabelsRequest {
  kind: "labels";
  id: number;
  threshold: number;
}

export interface OverlayRequest {
  kind: "overlay";
  id: number;
  threshold: number;
  opacity: number;
}

export type Request = LoadRequest | SegmentRequest | LabelsRequest | OverlayRequest;

export interface Runtime {
  /** `webgpu` or `wasm`. */
  provider: "webgpu" | "wasm";
  threads: number;
  /** Seconds until the model was ready. */
  seconds: number;
}

export interface Result {
  /** Size of the photo. */
  size: Size;
  /** Size of the picture on the page, at most that of the photo. */
  view: Size;
  ids: Uint8Array;
  confidence: Float32Array;
  picture: ImageBitmap;
  /** Seconds to read the photo, of the model, and for the labels. */
  seconds: { read: number; model: number; labels: number };
}

export type Response =
  | { kind: "loading"; loaded: number; total: number }
  | { kind: "starting" }
  | { kind: "ready"; runtime: Runtime; description: Description }
  | { kind: "runtime"; runtime: Runtime }
  | { kind: "stage"; id: number; stage: "read" | "model" | "labels" }
  | { kind: "result"; id: number; result: Result }
  | { kind: "file"; id: number; file: Blob }
  | { kind: "error"; id: number | null; message: string; fatal: boolean };
