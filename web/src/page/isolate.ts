/** Registers the service worker, for use without a network and for threads. */

const RELOADED = "keras-seg-web-reloaded";
const LONGEST_WAIT = 8000; // milliseconds

/**
 * Resolves when the model can be loaded. At the first visit the page is loaded again, as
 * only the service worker can isolate it, which threads need.
 *
 * @returns Whether the page will work without a network.
 */
export async function isolate(): Promise<boolean> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return false;
  const workers = navigator.serviceWorker;
  try {
    await workers.register(new URL("sw.js", document.baseURI));
    await Promise.race([controlled(workers), late()]);
  } catch (error) {
    console.warn("The page is not kept for use without a network.", error);
    return false;
  }
  if (!workers.controller) return false;
  if (!crossOriginIsolated && !storage()?.getItem(RELOADED)) {
    storage()?.setItem(RELOADED, "yes");
    if (storage()?.getItem(RELOADED)) {
      location.reload();
      await new Promise(() => undefined);
    }
  }
  if (crossOriginIsolated) storage()?.removeItem(RELOADED);
  return true;
}

async function controlled(workers: ServiceWorkerContainer): Promise<void> {
  if (workers.controller) return;
  await new Promise<void>((resolve) => {
    workers.addEventListener("controllerchange", () => resolve(), { once: true });
  });
}

function late(): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(() => reject(new Error("The service worker does not start")), LONGEST_WAIT),
  );
}

function storage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null; // blocked by the browser
  }
}
