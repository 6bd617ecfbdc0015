import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { defaultClientConditions, defineConfig, type Plugin } from "vite";

const MODEL = "ecenet_ade20k.onnx";
const ROOT = import.meta.dirname;
const RUNTIME = join(ROOT, "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded");

// What the page may load and run: only what comes from its own host. The service worker
// adds it to all responses, as workers take no policy from the page.
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

// Loaded when they are needed, and kept from then on.
const LAZY = /^model\/|^assets\/ort[.-]/;

export default defineConfig(({ command }) => {
  const model = join(ROOT, "public/model", MODEL);
  if (!existsSync(model) && !process.env.VITEST) {
    throw new Error(`${model} is missing. Run \`make web\`, which exports it.`);
  }
  return {
    base: "./",
    resolve: {
      // The runtime's WebAssembly as files of its own, not inside the script.
      conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
    },
    define: {
      __MODEL__: JSON.stringify({
        file: MODEL,
        bytes: sizeOf(model),
        cpuBytes: sizeOf(`${RUNTIME}.wasm`),
        gpuBytes: sizeOf(`${RUNTIME}.asyncify.wasm`),
      }),
      __POLICY__: JSON.stringify(POLICY),
    },
    server: { fs: { allow: [join(ROOT, "..")] } },
    worker: { format: "es" },
    build: {
      target: "es2022",
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1000,
      rollupOptions: {
        checks: { pluginTimings: false },
        input: { index: join(ROOT, "index.html"), sw: join(ROOT, "src/service_worker.ts") },
        output: {
          entryFileNames: ({ name }) =>
            name === "sw" ? "sw.js" : "assets/[name]-[hash].js",
        },
      },
    },
    plugins: command === "build" ? [policy(), fileList()] : [],
    test: { include: ["tests/unit/**/*.test.ts"] },
  };
});

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Writes the policy into the page. The development server needs inline scripts. */
function policy(): Plugin {
  return {
    name: "policy",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
        injectTo: "head-prepend",
      },
    ],
  };
}

/** Writes the list of all files and their hashes into the service worker. */
function fileList(): Plugin {
  return {
    name: "file-list",
    closeBundle() {
      const dist = join(ROOT, "dist");
      const worker = join(dist, "sw.js");
      if (!existsSync(worker)) return; // the build of the inner worker
      const names = readdirSync(dist, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dist.length + 1))
        .filter((name) => name !== "sw.js")
        .sort();
      const files = names.map((name) => {
        const hash = createHash("sha256").update(readFileSync(join(dist, name)));
        return [name, hash.digest("hex").slice(0, 16), LAZY.test(name)];
      });
      const text = readFileSync(worker, "utf-8");
      if (!text.includes("__FILES__")) throw new Error("sw.js has no place for the files");
      writeFileSync(worker, text.replace("__FILES__", () => JSON.stringify(files)));
    },
  };
}
