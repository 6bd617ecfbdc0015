/** Seconds per photo: DOCS=1 npx playwright test docs_speed */

import { join } from "node:path";

import { choose, EXPECTED, open, test } from "./page_steps";

const ROUNDS = 5;

for (const threads of [1, 2]) {
  test(`${threads} threads`, async ({ page, host }) => {
    await open(page, `${host.address}?threads=${threads}&gpu=never`);
    const model: number[] = [];
    const rest: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      await choose(page, join(EXPECTED, "china.png"));
      const text = (await page.locator("html").getAttribute("data-seconds"))!;
      const seconds = JSON.parse(text) as { read: number; model: number; labels: number };
      if (round === 0) continue; // memory is allocated
      model.push(seconds.model);
      rest.push(seconds.read + seconds.labels);
    }
    const used = await page.locator("html").getAttribute("data-threads");
    const least = (values: number[]) => Math.min(...values).toFixed(2);
    const median = (values: number[]) =>
      [...values].sort((a, b) => a - b)[ROUNDS >> 1]!.toFixed(2);
    console.log(
      `${used} threads, 640 x 427: model ${least(model)} s (median ${median(model)}), ` +
        `photo and labels ${least(rest)} s (median ${median(rest)})`,
    );
  });
}
