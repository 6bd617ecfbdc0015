/**
 * Keeps the page for use without a network, and isolates it.
 *
 * A static host sends no headers of our choice. With those added here, browsers let the
 * page use threads, and workers follow the same policy as the page.
 */

declare const __POLICY__: string;
/** All files of the build: path, hash, and whether it is loaded only when needed. */
declare const __FILES__: [string, string, boolean][];

const worker = self as unknown as ServiceWorkerGlobalScope;
const FOLDER = worker.registration.scope;
/** One for each copy of the page: all copies on a host see all caches. */
const CACHE = `keras-seg-web ${FOLDER}`;

interface BuildFile {
  address: string;
  hash: string;
  lazy: boolean;
}

/** By address. */
const FILES = new Map(
  __FILES__.map(([path, hash, lazy]): [string, BuildFile] => {
    const address = new URL(path, FOLDER).href;
    return [address, { address, hash, lazy }];
  }),
);

/** The file of the build that is asked for, if it is one: the page, for its folder. */
function fileOf({ method, url }: Request): BuildFile | undefined {
  const address = new URL(url);
  address.search = address.hash = "";
  if (method !== "GET") return undefined;
  if (address.href === FOLDER) address.pathname += "index.html";
  return FILES.get(address.href);
}

/** Files are kept by content: a new build loads again only what has changed. */
function keyOf({ address, hash }: BuildFile): string {
  return `${address}?v=${hash}`;
}

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const needed = [...FILES.values()].filter(({ lazy }) => !lazy);
  await Promise.all(
    needed.map(async (file) => {
      const key = keyOf(file);
      if (await cache.match(key)) return;
      const response = await fetch(file.address, { cache: "no-cache" });
      if (!response.ok) throw new Error(`${file.address}: status ${response.status}`);
      await cache.put(key, response);
    }),
  );
}

async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  const known = new Set([...FILES.values()].map(keyOf));
  for (const request of await cache.keys()) {
    if (!known.has(request.url)) await cache.delete(request);
  }
  await worker.clients.claim();
}

async function answer(event: FetchEvent, file: BuildFile): Promise<Response> {
  const cache = await caches.open(CACHE);
  const key = keyOf(file);
  const kept = await cache.match(key);
  if (kept) return isolated(kept);
  // A page follows redirects itself, so that its address changes.
  const { url, redirect } = event.request;
  const response = await fetch(url, { cache: "no-cache", redirect });
  if (response.ok && response.status === 200) {
    // Without room for it, the page works all the same, with a network.
    event.waitUntil(cache.put(key, response.clone()).catch(() => undefined));
  }
  return isolated(response);
}

function isolated(response: Response): Response {
  if (response.status === 0) return response; // such as a redirect to follow
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("Content-Security-Policy", __POLICY__);
  const { status, statusText } = response;
  const empty = [204, 205, 304].includes(status);
  return new Response(empty ? null : response.body, { status, statusText, headers });
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  // All else is left to the browser: other pages of the host have their own policy.
  const file = fileOf(event.request);
  if (file) event.respondWith(answer(event, file));
});
