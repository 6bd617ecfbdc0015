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
const CACHE = "keras-seg-web";
const FILES = new Map(
  __FILES__.map(([path, hash, lazy]) => [path, { hash, lazy }] as const),
);

/** The path of a file in the folder of the page, or null. */
function pathOf(address: string): string | null {
  const { origin, pathname } = new URL(address);
  const scope = new URL(worker.registration.scope);
  if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return null;
  return decodeURIComponent(pathname.slice(scope.pathname.length)) || "index.html";
}

/** Files are kept by content: a new build loads again only what has changed. */
function keyOf(path: string, hash: string): string {
  return new URL(`${path}?v=${hash}`, worker.registration.scope).href;
}

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const needed = [...FILES].filter(([, { lazy }]) => !lazy);
  await Promise.all(
    needed.map(async ([path, { hash }]) => {
      const key = keyOf(path, hash);
      if (await cache.match(key)) return;
      const address = new URL(path, worker.registration.scope);
      const response = await fetch(address, { cache: "no-cache" });
      if (!response.ok) throw new Error(`${path}: status ${response.status}`);
      await cache.put(key, response);
    }),
  );
}

async function activate(): Promise<void> {
  const cache = await caches.open(CACHE);
  const known = new Set([...FILES].map(([path, { hash }]) => keyOf(path, hash)));
  for (const request of await cache.keys()) {
    if (!known.has(request.url)) await cache.delete(request);
  }
  await worker.clients.claim();
}

async function answer(event: FetchEvent, path: string): Promise<Response> {
  const file = FILES.get(path);
  if (!file) return isolated(await fetch(event.request));
  const cache = await caches.open(CACHE);
  const key = keyOf(path, file.hash);
  const kept = await cache.match(key);
  if (kept) return isolated(kept);
  const response = await fetch(event.request.url, { cache: "no-cache" });
  if (response.ok && response.status === 200) {
    // Without room for it, the page works all the same, with a network.
    event.waitUntil(cache.put(key, response.clone()).catch(() => undefined));
  }
  return isolated(response);
}

function isolated(response: Response): Response {
  if (response.type === "opaque" || response.type === "error") return response;
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
  const path = event.request.method === "GET" ? pathOf(event.request.url) : null;
  if (path !== null) event.respondWith(answer(event, path));
});
