import { beforeEach, describe, expect, it, vi } from "vitest";

const HOST = "http://host";
const POLICY = "content-security-policy";
// The worker is made for another global scope, so that it is loaded without its types.
const LOADERS = Object.values(import.meta.glob("../../src/service_worker.ts"));

/** The files that the host has been asked for. */
let asked: string[];
/** What the host redirects to another page. */
let redirected: Set<string>;
let stores: Map<string, FakeCache>;

class FakeCache extends Map<string, Response> {
  match = async (key: string) => this.get(key)?.clone();
  put = async (key: string, response: Response) => void this.set(key, response);
  list = async () => [...super.keys()].map((url) => ({ url }));
}

/** What the browser stores for the origin, which all of its workers share. */
const storage = {
  open: async (name: string) => {
    const cache = stores.get(name) ?? new FakeCache();
    stores.set(name, cache);
    return {
      match: cache.match,
      put: cache.put,
      keys: cache.list,
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

  static async start(folder: string, files: [string, string, boolean][]): Promise<Worker> {
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

const FILES: [string, string, boolean][] = [
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
});
