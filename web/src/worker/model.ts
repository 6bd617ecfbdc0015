/** The model in ONNX Runtime: on the graphics card, or on the processor. */

import type { InferenceSession, Tensor } from "onnxruntime-web";
import gpuGlue from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuBinary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import cpuGlue from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import cpuBinary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import { readDescription, type Description } from "../description";
import type { Size } from "../labels/longest_side";
import { padToSmallest } from "../labels/padded_image";
import type { HeadLogits } from "../labels/upsampled_labels";
import { PageError } from "../page_error";
import { checkHash, download, Progress } from "./download";
import type { LoadRequest, Runtime } from "./messages";

const MAX_THREADS = 4;

type Ort = typeof import("onnxruntime-web");

export interface Telling {
  loading(loaded: number, total: number): void;
  starting(): void;
}

export class Model {
  private constructor(
    private readonly ort: Ort,
    private readonly session: InferenceSession,
    readonly description: Description,
    readonly runtime: Runtime,
  ) {}

  static async load(request: LoadRequest, gpu: boolean, tell: Telling): Promise<Model> {
    const begin = performance.now();
    checkBrowser();
    const name = __MODEL__.file;
    const address = (file: string) => new URL(`model/${file}`, request.base).href;
    const described = await download(
      address(name.replace(/\.onnx$/, ".json")),
      "The description of the model",
    );
    const description = readDescription(parse(described), name);
    const binary = gpu ? __MODEL__.gpuBytes : __MODEL__.cpuBytes;
    const progress = new Progress(__MODEL__.bytes + binary, tell.loading);
    const [model, runtime] = await Promise.all([
      download(address(name), "The model", progress),
      download(resolve(gpu ? gpuBinary : cpuBinary), "ONNX Runtime", progress),
    ]);
    await checkHash(model, description.sha256, "The model");
    tell.starting();

    const ort = (await (gpu
      ? import("onnxruntime-web/webgpu")
      : import("onnxruntime-web/wasm"))) as Ort;
    const threads = gpu ? 1 : threadCount(request.threads);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmBinary = runtime.buffer;
    ort.env.wasm.wasmPaths = { mjs: resolve(gpu ? gpuGlue : cpuGlue) };
    const provider = gpu ? "webgpu" : "wasm";
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      // Sizes of photos differ: memory of one size would be kept for the next.
      enableMemPattern: false,
      logSeverityLevel: 3,
    });
    const seconds = (performance.now() - begin) / 1000;
    return new Model(ort, session, description, { provider, threads, seconds });
  }

  /** The logits of an image in RGB. */
  async run(image: Uint8Array, size: Size): Promise<HeadLogits> {
    const { ort, session, description } = this;
    const padded = padToSmallest(image, size);
    const { height, width } = padded.size;
    const tensor = new ort.Tensor("uint8", padded.image, [1, height, width, 3]);
    const outputs = await session.run({ [session.inputNames[0]!]: tensor });
    const output: Tensor = outputs[session.outputNames[0]!]!;
    const values = (await output.getData()) as Float32Array;
    const [, rows, columns, classes] = output.dims as [number, number, number, number];
    output.dispose();
    if (classes !== description.num_classes || !Number.isFinite(values[0])) {
      throw new Error(`unexpected output of shape ${output.dims.join(" x ")}`);
    }
    return {
      values,
      height: rows,
      width: columns,
      classes,
      padded: padded.size,
      shown: size,
      learned: description.learned,
    };
  }
}

function checkBrowser(): void {
  const simd = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65,
    0, 253, 15, 253, 98, 11,
  ]);
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(simd)) {
    throw new PageError(
      "This browser has no WebAssembly with SIMD, which the model needs, or it is " +
        "turned off. Use a current version of Chrome, Edge, Firefox or Safari.",
    );
  }
  if (typeof OffscreenCanvas === "undefined" || typeof CompressionStream === "undefined") {
    throw new PageError(
      "This browser is too old for the page. Use a version of Chrome, Edge, Firefox or " +
        "Safari from 2023 or later.",
    );
  }
}

/** Whether there is a graphics card to use. */
export async function hasGpu({ gpu }: LoadRequest): Promise<boolean> {
  if (gpu === "never") return false;
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return false;
    const { info } = adapter as { info?: { isFallbackAdapter?: boolean } };
    return gpu === "always" || !info?.isFallbackAdapter;
  } catch {
    return false;
  }
}

/** Threads share memory, which browsers allow on isolated pages only. */
function threadCount(wanted: number | null): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return wanted ?? Math.max(1, Math.min(navigator.hardwareConcurrency || 1, MAX_THREADS));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new PageError("The description of the model is not JSON. Run `make web` again.");
  }
}

function resolve(address: string): string {
  return new URL(address, self.location.href).href;
}
