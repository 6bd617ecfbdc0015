import { describe, expect, it } from "vitest";

import { readDescription } from "../../src/description";

const NAME = "model.onnx";

function content(changes: object = {}): unknown {
  return {
    format_version: 1,
    licence: "CC0",
    num_classes: 2,
    class_names: ["sky", "road"],
    palette: [
      [0, 0, 0],
      [1, 2, 3],
    ],
    ignore_class: 255,
    long_side: 384,
    input_scale: 1,
    classes_learned: null,
    files: { [NAME]: { output: "head_logits", size: null, sha256: { [NAME]: "abc" } } },
    ...changes,
  };
}

describe("the description of a model", () => {
  it("is read", () => {
    const found = readDescription(content(), NAME);
    expect(found.learned).toEqual([0, 1]);
    expect(found.sha256).toBe("abc");
  });

  it.each([
    [{ format_version: 2 }, "format_version"],
    [{ num_classes: 0 }, "num_classes"],
    [{ class_names: ["sky"] }, "class_names"],
    [{ palette: [[0, 0, 0]] }, "palette"],
    [{ classes_learned: [2] }, "classes_learned"],
    [{ long_side: "large" }, "long_side"],
    [{ input_scale: 0.5 }, "input_scale"],
    [{ files: {} }, "lists no model.onnx"],
    [{ files: { [NAME]: { output: "logits", size: null } } }, "logits of the head"],
  ])("is refused: %j", (changes, message) => {
    expect(() => readDescription(content(changes), NAME)).toThrow(message);
  });

  it.each([
    { found: "no long_side", long_side: null, scale: 1, classes: 2, largest: 1414 },
    { found: "no long_side", long_side: 0, scale: 1, classes: 2, largest: 1414 },
    { found: "long_side 1415", long_side: 1415, scale: 1, classes: 2, largest: 1414 },
    { found: "long_side 800", long_side: 800, scale: 2, classes: 2, largest: 707 },
    { found: "long_side 640", long_side: 640, scale: 1, classes: 150, largest: 632 },
  ])("is refused where photos would be cut into tiles: %j", (model) => {
    const names = Array.from({ length: model.classes }, (_, id) => `class ${id}`);
    const changes = {
      num_classes: model.classes,
      class_names: names,
      palette: names.map(() => [0, 0, 0]),
      input_scale: model.scale,
    };
    const refused = content({ ...changes, long_side: model.long_side });
    expect(() => readDescription(refused, NAME)).toThrow(
      new RegExp(`has ${model.found}, .* tiles, .* at most ${model.largest} `),
    );
    const smaller = content({ ...changes, long_side: model.largest });
    expect(readDescription(smaller, NAME).long_side).toBe(model.largest);
  });
});
