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
    const address = new URL("sw.js", document.baseURI).href;
    await workers.register(address);
    await Promise.race([controlled(workers, address), late()]);
  } catch (error) {
    console.warn("The page is not kept for use without a network.", error);
    return false;
  }
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

/** Waits for the page's own worker; one of a folder above may control it until then. */
async function controlled(workers: ServiceWorkerContainer, address: string): Promise<void> {
  while (workers.controller?.scriptURL !== address) {
    await new Promise((resolve) => {
      workers.addEventListener("controllerchange", resolve, { once: true });
    });
  }
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
