/** The page on a plain static host. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import AxeBuilder from "@axe-core/playwright";

import { choose, EXPECTED, expect, open, ready, save, slide, test } from "./page_steps";
import { readPng } from "./read_png";
import { DIST, StaticHost } from "./static_host";

const PHOTO = join(EXPECTED, "china.png");
const WIDTH = 640;
const HEIGHT = 427;

test("a photo gives a legend and two files of its size", async ({ page, host }) => {
  await open(page, host.address);
  await choose(page, PHOTO);
  const names = await page.locator("#legend .entry > span:nth-child(2)").allTextContents();
  expect(names.slice(0, 3)).toEqual(["sky", "building", "tree"]);
  const shares = await page.locator("#legend .share").allTextContents();
  const sum = shares.reduce((total, text) => total + (Number.parseFloat(text) || 0), 0);
  expect(sum).toBeGreaterThan(99);
  expect(sum).toBeLessThanOrEqual(100.5);

  const labels = readPng(await save(page, "Label PNG"));
  expect([labels.width, labels.height, labels.colourType]).toEqual([WIDTH, HEIGHT, 3]);
  const overlay = readPng(await save(page, "Overlay PNG"));
  expect([overlay.width, overlay.height]).toEqual([WIDTH, HEIGHT]);
});

test("only the host itself is asked, and all of it once", async ({ page, host, problems }) => {
  const others: string[] = [];
  page.context().on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(host.address) && !address.startsWith("blob:")) {
      others.push(address);
    }
  });
  await open(page, host.address);
  await choose(page, PHOTO);
  await page.reload();
  await ready(page);
  expect(others).toEqual([]);
  const models = host.asked.filter((path) => path.endsWith(".onnx"));
  expect(models).toHaveLength(1);
  // The policy lets neither the page nor its worker ask another host.
  const other = new StaticHost();
  await other.start();
  const ask = (address: string) => fetch(address, { mode: "no-cors" }).catch(() => null);
  await page.evaluate(ask, other.address);
  await page.workers()[0]!.evaluate(ask, other.address);
  await other.stop();
  expect(other.asked).toEqual([]);
  problems.length = 0; // the browser reports what it blocked
});

test("threads are used, as the page isolates itself", async ({ page, host }) => {
  await open(page, host.address);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const threads = Number(await page.locator("html").getAttribute("data-threads"));
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  expect(threads).toBe(Math.min(cores, 4));
  await expect(page.locator("#runtime")).toContainText("WebAssembly");
});

test("below a path, and without a network after the first visit", async ({ page }) => {
  const host = new StaticHost("/some/where/");
  await host.start();
  await open(page, host.address);
  await host.stop();
  await page.reload();
  await ready(page);
  await page.getByRole("button", { name: "A pagoda above a lake" }).click();
  await expect(page.locator("html[data-photo]")).toBeAttached();
  await expect(page.locator("#legend")).toContainText("building");
});

test.describe("without a service worker", () => {
  test.use({ serviceWorkers: "block" });

  test("the page works with one thread", async ({ page, host, problems }) => {
    await open(page, host.address);
    await expect(page.locator("#runtime")).toContainText("one thread");
    await choose(page, PHOTO);
    await expect(page.locator("#legend")).toContainText("sky");
    problems.length = 0; // the browser reports the block
  });
});

test("all of it with the keyboard", async ({ page, host }) => {
  await open(page, host.address);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the photo" })).toBeFocused();
  const reach = async (name: string) => {
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      const text = await page.evaluate(() => {
        const focused = document.activeElement;
        const picture = focused?.querySelector("img")?.alt;
        return picture ?? focused?.getAttribute("aria-label") ?? focused?.textContent ?? "";
      });
      const id = await page.evaluate(() => document.activeElement?.id ?? "");
      if (text.includes(name) || id === name) return;
    }
    throw new Error(`${name} is not reached with Tab`);
  };
  await reach("A pagoda");
  await page.keyboard.press("Enter");
  await expect(page.locator("html[data-photo]")).toBeAttached();
  await expect(page.locator("#status")).toContainText("Largest classes: sky, building");

  await reach("Photo with its classes");
  for (let i = 0; i < 4; i++) await page.keyboard.press("Shift+ArrowLeft");
  await expect(page.locator("#spoken")).toContainText(/building, \d+ %/);
  for (let i = 0; i < 12; i++) await page.keyboard.press("Shift+ArrowUp");
  await expect(page.locator("#spoken")).toContainText(/sky, \d+ %/);
  await page.keyboard.press("Escape");
  await expect(page.locator("#cross")).toBeHidden();

  await reach("threshold");
  for (let i = 0; i < 5; i++) await page.keyboard.press("PageUp");
  await expect(page.locator("#legend")).toContainText("no label");
  await reach("sky");
  await page.keyboard.press("Enter");
  await expect(page.locator(".entry[aria-pressed=true]")).toContainText("sky");
  await page.keyboard.press("Enter");
  await expect(page.locator(".entry[aria-pressed=true]")).toHaveCount(0);
});

test("pointing names the class", async ({ page, host }) => {
  await open(page, host.address);
  await choose(page, PHOTO);
  const box = (await page.locator("#picture").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.1);
  await expect(page.locator("#tip")).toContainText(/sky\s*\d+ %/);
  await expect(page.locator(".entry.here")).toContainText("sky");
  await slide(page, "Opacity of the colours", 20);
  await expect(page.locator("#colours")).toHaveCSS("opacity", "0.2");
});

test("drop, paste and the camera", async ({ page, host }) => {
  await open(page, host.address);
  for (const [kind, count] of [["drop", 1], ["paste", 2]] as const) {
    await page.evaluate(async (kind) => {
      const canvas = new OffscreenCanvas(90, 60);
      canvas.getContext("2d")!.fillRect(0, 0, 90, 60);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], "a.png"));
      const event =
        kind === "drop"
          ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
      document.body.dispatchEvent(event);
    }, kind);
    await expect(page.locator(`html[data-photo="${count}"]`)).toBeAttached();
  }
  await expect(page.locator("#facts")).toContainText("90 × 60 pixels");

  await page.getByRole("button", { name: "Camera", exact: true }).click();
  await page.getByRole("button", { name: "Take the photo" }).click();
  await expect(page.locator('html[data-photo="3"]')).toBeAttached();
  await expect(page.locator("#facts")).not.toContainText("90 × 60");
  expect(await page.locator("#camera-video").evaluate((v: HTMLVideoElement) => v.srcObject)).toBe(
    null,
  );
});

test("errors are said in plain words", async ({ page, host, problems }, info) => {
  await open(page, host.address);
  const text = info.outputPath("notes.txt");
  writeFileSync(text, "no picture");
  await page.locator("#file").setInputFiles(text);
  await expect(page.getByRole("alert")).toContainText("“notes.txt” is not a picture");
  await page.locator("#file").setInputFiles(PHOTO);
  await expect(page.locator('html[data-photo="2"]')).toBeAttached();
  await expect(page.getByRole("alert")).toBeHidden();
  expect(problems).toEqual([]);
});

test("a missing and a damaged model", async ({ browser, host }) => {
  for (const [file, message] of [
    [null, /The model is missing on this host.*ecenet_ade20k\.onnx.*404.*make web/],
    [PHOTO, "The model is damaged"],
  ] as const) {
    host.replaced.set("model/ecenet_ade20k.onnx", file);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(host.address);
    await expect(page.getByRole("alert")).toContainText(message);
    await expect(page.locator("#runtime")).toContainText("not running");
    await context.close();
  }
});

test("a browser without WebAssembly", async ({ page, host }, info) => {
  const assets = join(DIST, "assets");
  const name = readdirSync(assets).find((file) => file.startsWith("segment_worker"))!;
  const changed = info.outputPath("worker.js");
  const code = readFileSync(join(assets, name), "utf-8");
  writeFileSync(changed, `delete globalThis.WebAssembly;${code}`);
  host.replaced.set(`assets/${name}`, changed);
  await page.goto(host.address);
  await expect(page.getByRole("alert")).toContainText("This browser has no WebAssembly");
});

test("a photo of a phone is processed at its own size", async ({ page, host }) => {
  await open(page, host.address);
  const before = 4000 * 3000;
  await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(4000, 3000);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "#7ab8e8";
    context.fillRect(0, 0, 4000, 1500);
    context.fillStyle = "#4a7a38";
    context.fillRect(0, 1500, 4000, 1500);
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob()], "large.png"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
  });
  await expect(page.locator('html[data-photo="1"]')).toBeAttached();
  const labels = readPng(await save(page, "Label PNG"));
  expect(labels.width * labels.height).toBe(before);
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing, ${scheme}`, async ({ browser, host }) => {
    const context = await browser.newContext({ colorScheme: scheme });
    const page = await context.newPage();
    await open(page, host.address);
    const empty = await new AxeBuilder({ page }).analyze();
    expect(empty.violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)])).toEqual([]);
    await choose(page, PHOTO);
    const done = await new AxeBuilder({ page }).analyze();
    expect(done.violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)])).toEqual([]);
    await context.close();
  });
}
