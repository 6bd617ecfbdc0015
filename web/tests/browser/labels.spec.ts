/** The labels are those of Keras. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { choose, EXPECTED, expect, open, save, slide, test } from "./page_steps";
import { difference, readPng, type Png } from "./read_png";

const PHOTOS = ["china", "astronaut"];
const NAME = "ecenet_ade20k";

// Rounding in the last digits changes a pixel whose two best classes are level.
const ROUNDING = 1e-4;
// Half precision of the weights changes more.
const HALF = 0.01;

function labels(name: string): Png {
  return readPng(readFileSync(join(EXPECTED, `${name}.png`)));
}

function report(what: string, share: number): void {
  test.info().annotations.push({ type: what, description: String(share) });
  console.log(`${what}: ${(share * 100).toFixed(4)} % differ`);
}

for (const photo of PHOTOS) {
  test(`weights in single precision, ${photo}`, async ({ page, host }) => {
    for (const suffix of ["onnx", "json"]) {
      host.replaced.set(`model/${NAME}.${suffix}`, join(EXPECTED, `single/${NAME}.${suffix}`));
    }
    await open(page, host.address);
    await choose(page, join(EXPECTED, `${photo}.png`));
    const found = readPng(await save(page, "Label PNG"));
    expect(found.colourType).toBe(3);
    const share = difference(found, labels(`${photo}_keras`));
    report(`${photo}, page beside Keras`, share);
    expect(share).toBeLessThan(ROUNDING);

    await slide(page, "Least confidence", 50);
    const certain = readPng(await save(page, "Label PNG"));
    const void_ = difference(certain, labels(`${photo}_keras_half`));
    report(`${photo}, with a threshold of 50 %`, void_);
    expect(void_).toBeLessThan(ROUNDING);
    expect(certain.values.some((id) => id === 255)).toBe(true);
  });

  test(`the model as built, in half precision, ${photo}`, async ({ page, host }) => {
    await open(page, host.address);
    await choose(page, join(EXPECTED, `${photo}.png`));
    const found = readPng(await save(page, "Label PNG"));
    const file = difference(found, labels(`${photo}_file`));
    report(`${photo}, page beside the same file in Python`, file);
    expect(file).toBeLessThan(ROUNDING);
    const keras = difference(found, labels(`${photo}_keras`));
    report(`${photo}, page beside Keras, weights in half precision`, keras);
    expect(keras).toBeLessThan(HALF);

    await choose(page, join(EXPECTED, `${photo}.jpg`));
    const jpeg = difference(readPng(await save(page, "Label PNG")), labels(`${photo}_file`));
    report(`${photo}, decoded from JPEG by the browser`, jpeg);
    expect(jpeg).toBeLessThan(HALF);
  });
}
