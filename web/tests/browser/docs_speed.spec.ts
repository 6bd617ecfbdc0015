/** Seconds per photo: DOCS=1 npx playwright test docs_speed */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { choose, EXPECTED, open, test } from "./page_steps";

const ROUNDS = 3;
const TICKS = 100; // per second, on Linux

for (const threads of [1, 2]) {
  test(`${threads} threads`, async ({ page, host }) => {
    test.setTimeout(600_000);
    await open(page, `${host.address}?threads=${threads}&gpu=never`);
    await choose(page, join(EXPECTED, "china.png")); // memory is allocated
    const seconds: { read: number; model: number; labels: number }[] = [];
    const before = processorSeconds();
    for (let round = 0; round < ROUNDS; round++) {
      await choose(page, join(EXPECTED, "china.png"));
      seconds.push(JSON.parse((await page.locator("html").getAttribute("data-seconds"))!));
    }
    const cpu = (processorSeconds() - before) / ROUNDS;
    const used = await page.locator("html").getAttribute("data-threads");
    const least = (part: "read" | "model" | "labels") =>
      Math.min(...seconds.map((each) => each[part])).toFixed(2);
    console.log(
      `${used} threads, 640 x 427: read ${least("read")} s, model ${least("model")} s, ` +
        `labels ${least("labels")} s; ${cpu.toFixed(2)} CPU seconds of the browser`,
    );
  });
}

/** CPU seconds of all processes that this one has started, on Linux. */
function processorSeconds(): number {
  const parents = new Map<number, number>();
  const ticks = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf-8").split(") ")[1]!.split(" ");
      parents.set(Number(name), Number(fields[1]));
      ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
    } catch {
      continue; // ended meanwhile
    }
  }
  const isOurs = (id: number): boolean => {
    const parent = parents.get(id);
    return parent === process.pid || (parent !== undefined && parent > 1 && isOurs(parent));
  };
  let sum = 0;
  for (const [id, count] of ticks) if (isOurs(id)) sum += count;
  return sum / TICKS;
}
