import { beforeEach, describe, expect, it, vi } from "vitest";

const HOST = "http://host";
const POLICY = "content-security-policy";

type BuildFile = [path: string, hash: string, lazy: boolean];

// The worker is made for another global scope, so that it is loaded without its types.
const LOADERS = Object.values(import.meta.glob("../../src/service_worker.ts"));

/** The files that the host has been asked for. */
let asked: string[];
/** What the host redirects to another page. */
let redirected: Set<string>;
/** What the browser stores for the host: all of its workers see it. */
let stores: Map<string, Map<string, Response>>;

const storage = {
  open: async (name: string) => {
    const cache = stores.get(name) ?? new Map<string, Response>();
    stores.set(name, cache);
    return {
      match: async (key: string) => cache.get(key)?.clone(),
      put: async (key: string, response: Response) => void cache.set(key, response),
      keys: async () => [...cache.keys()].map((url) => ({ url })),
      delete: async ({ url }: { url: string }) => cache.delete(url),
    };
  },
};

/** As browsers give a redirect that a page is to follow itself. */
const REDIRECT = {
  type: "opaqueredirect",
  status: 0,
  statusText: "",
  ok: false,
  headers: new Headers(),
  body: null,
} as Response;

async function fakeFetch(url: string, { redirect }: RequestInit): Promise<Response> {
  asked.push(url);
  if (redirect === "manual" && redirected.has(url)) return REDIRECT;
  return new Response(`content of ${redirected.has(url) ? "another page" : url}`);
}

/** A worker that is installed and active in a folder of the host. */
class Worker {
  private readonly listeners = new Map<string, (event: unknown) => void>();

  static async start(folder: string, files: BuildFile[]): Promise<Worker> {
    const worker = new Worker();
    vi.stubGlobal("self", {
      registration: { scope: `${HOST}${folder}` },
      clients: { claim: async () => undefined },
      addEventListener: (kind: string, listener: (event: unknown) => void) =>
        worker.listeners.set(kind, listener),
    });
    vi.stubGlobal("__FILES__", files);
    vi.resetModules();
    await LOADERS[0]!();
    await worker.wait("install");
    await worker.wait("activate");
    return worker;
  }

  private async wait(kind: string): Promise<void> {
    const work: Promise<unknown>[] = [];
    this.listeners.get(kind)!({ waitUntil: (each: Promise<unknown>) => work.push(each) });
    await Promise.all(work);
  }

  /** The answer to a request; `null` if it is left to the browser. */
  async answer(path: string, init?: RequestInit): Promise<Response | null> {
    const found: Promise<Response>[] = [];
    const work: Promise<unknown>[] = [];
    this.listeners.get("fetch")!({
      request: new Request(`${HOST}${path}`, init),
      respondWith: (response: Promise<Response>) => found.push(response),
      waitUntil: (each: Promise<unknown>) => work.push(each),
    });
    const response = (await found[0]) ?? null;
    await Promise.all(work);
    return response;
  }
}

const FILES: BuildFile[] = [
  ["assets/index.js", "1", false],
  ["index.html", "2", false],
  ["model/my model.onnx", "3", true],
];

beforeEach(() => {
  asked = [];
  redirected = new Set();
  stores = new Map();
  vi.stubGlobal("caches", storage);
  vi.stubGlobal("fetch", fakeFetch);
  return () => vi.unstubAllGlobals();
});

describe("the service worker", () => {
  it.each(["/", "/index.html", "/?threads=1", "/assets/index.js", "/model/my%20model.onnx"])(
    "isolates its own files: %s",
    async (path) => {
      const worker = await Worker.start("/", FILES);
      const { headers } = (await worker.answer(path))!;
      expect(headers.get(POLICY)).toContain("default-src 'none'");
      expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    },
  );

  it.each(["/docs/", "/docs/index.html", "/other.html", "/assets/", "/sw.js", "/100%/"])(
    "leaves other paths of the host to it: %s",
    async (path) => {
      const worker = await Worker.start("/", FILES);
      expect(await worker.answer(path)).toBeNull();
    },
  );

  it("leaves files outside its folder, and what is sent, to the host", async () => {
    const worker = await Worker.start("/some/where/", FILES);
    expect(await worker.answer("/index.html")).toBeNull();
    expect(await worker.answer("/some/where/", { method: "POST" })).toBeNull();
    expect(await worker.answer("/some/where/")).not.toBeNull();
  });

  it("asks the host once for each file", async () => {
    const worker = await Worker.start("/", FILES);
    for (const path of ["/", "/model/my%20model.onnx", "/model/my%20model.onnx"]) {
      await worker.answer(path);
    }
    const files = ["assets/index.js", "index.html", "model/my%20model.onnx"];
    expect(asked).toEqual(files.map((file) => `${HOST}/${file}`));
  });

  it("passes on a redirect of the page, and does not keep where it leads", async () => {
    const worker = await Worker.start("/", FILES);
    stores.clear(); // as a browser does that lacks room
    redirected.add(`${HOST}/`);
    expect(await worker.answer("/", { redirect: "manual" })).toBe(REDIRECT);
    redirected.clear();
    const response = (await worker.answer("/", { redirect: "manual" }))!;
    expect(await response.text()).toBe(`content of ${HOST}/`);
  });

  it("keeps the files of copies in other folders of the host", async () => {
    const first = await Worker.start("/v1/", FILES);
    const second = await Worker.start("/v2/", FILES);
    await Worker.start("/", FILES);
    asked = [];
    for (const [worker, folder] of [[first, "/v1/"], [second, "/v2/"]] as const) {
      const text = await (await worker.answer(folder))!.text();
      expect(text).toBe(`content of ${HOST}${folder}index.html`);
    }
    expect(asked).toEqual([]);
  });

  it("loads only what has changed, and deletes what it replaces", async () => {
    await Worker.start("/v1/", FILES);
    asked = [];
    const [script, page, model] = FILES as [BuildFile, BuildFile, BuildFile];
    await Worker.start("/v1/", [script, [page[0], "new", false], model]);
    expect(asked).toEqual([`${HOST}/v1/index.html`]);
    const kept = [...stores.values()].flatMap((cache) => [...cache.keys()]);
    const expected = ["assets/index.js?v=1", "index.html?v=new"];
    expect(kept).toEqual(expected.map((file) => `${HOST}/v1/${file}`));
  });
});
