/** What the tests do on the page. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { test as base, expect, type Download, type Page } from "@playwright/test";

import { StaticHost } from "./static_host";

export const EXPECTED = join(import.meta.dirname, "../expected");

/** With a host of its own for each test; errors on the page fail it. */
export const test = base.extend<{ host: StaticHost; problems: string[] }>({
  host: async ({}, use) => {
    const host = new StaticHost();
    await host.start();
    await use(host);
    await host.stop();
  },
  problems: [
    async ({ page }, use) => {
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(message.text());
      });
      await use(problems);
      expect(problems).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await ready(page);
}

/** Waits for the model, or fails with the error that the page shows. */
export async function ready(page: Page): Promise<void> {
  const model = page.locator("html[data-model=ready]");
  const alert = page.getByRole("alert");
  await expect(model.or(alert).first()).toBeAttached();
  if (await alert.isVisible()) throw new Error(await alert.innerText());
  await expect(model).toBeAttached();
}

/** Chooses a photo and waits for its result. */
export async function choose(page: Page, path: string): Promise<void> {
  const before = Number(await page.locator("html").getAttribute("data-photo"));
  await page.locator("#file").setInputFiles(path);
  await expect(page.locator(`html[data-photo="${before + 1}"]`)).toBeAttached();
}

export async function content(download: Promise<Download>): Promise<Buffer> {
  return readFileSync(await (await download).path());
}

export async function save(page: Page, button: string): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  return content(download);
}

/** Sets a slider to a value, as dragging it does. */
export async function slide(page: Page, label: string, value: number): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(String(value));
}
