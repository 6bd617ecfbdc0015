/** The pictures of docs/web.md: DOCS=1 npx playwright test docs_pictures */

import { join } from "node:path";

import { expect, open, test } from "./page_steps";

const DOCS = join(import.meta.dirname, "../../../docs");

test("desk, light", async ({ browser, host }) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await open(page, host.address);
  await page.getByRole("button", { name: "A pagoda above a lake" }).click();
  await expect(page.locator("html[data-photo]")).toBeAttached();
  const box = (await page.locator("#picture").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.45, box.y + box.height * 0.4);
  await page.screenshot({ path: join(DOCS, "web_desk.jpg"), type: "jpeg", quality: 82 });
  await context.close();
});

test("phone, dark", async ({ browser, host }) => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    deviceScaleFactor: 1.5,
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await open(page, host.address);
  await page.getByRole("button", { name: "An astronaut before a flag" }).click();
  await expect(page.locator("html[data-photo]")).toBeAttached();
  const box = (await page.locator("#picture").boundingBox())!;
  await page.touchscreen.tap(box.x + box.width * 0.45, box.y + box.height * 0.7);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(DOCS, "web_phone.jpg"), type: "jpeg", quality: 82 });
  await context.close();
});
