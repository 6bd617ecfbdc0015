import { beforeEach, describe, expect, it, vi } from "vitest";

import { isolate } from "../../src/page/isolate";

const PAGE = "http://host/some/where/";

class Workers extends EventTarget {
  controller: { scriptURL: string } | null = null;
  register = async () => undefined;

  control(scriptURL: string): void {
    this.controller = { scriptURL };
    this.dispatchEvent(new Event("controllerchange"));
  }
}

let workers: Workers;
let reload: ReturnType<typeof vi.fn>;

beforeEach(() => {
  workers = new Workers();
  reload = vi.fn();
  const stored = new Map<string, string>();
  vi.stubEnv("PROD", true);
  vi.stubGlobal("navigator", { serviceWorker: workers });
  vi.stubGlobal("document", { baseURI: PAGE });
  vi.stubGlobal("location", { reload });
  vi.stubGlobal("crossOriginIsolated", false);
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  return () => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  };
});

const settled = () => new Promise((resolve) => setTimeout(resolve));

async function expectReloadByOwnWorker(): Promise<void> {
  void isolate();
  await settled();
  expect(reload).not.toHaveBeenCalled();
  workers.control(`${PAGE}sw.js`);
  await settled();
  expect(reload).toHaveBeenCalledOnce();
}

describe("the page", () => {
  it("is loaded again once its service worker controls it", async () => {
    await expectReloadByOwnWorker();
  });

  it("does not take the worker of a folder above for its own", async () => {
    workers.control("http://host/sw.js");
    await expectReloadByOwnWorker();
  });

  it("is not loaded again where it is isolated", async () => {
    vi.stubGlobal("crossOriginIsolated", true);
    workers.control(`${PAGE}sw.js`);
    expect(await isolate()).toBe(true);
    expect(reload).not.toHaveBeenCalled();
  });
});
