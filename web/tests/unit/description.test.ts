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
    [{ files: {} }, "lists no model.onnx"],
    [{ files: { [NAME]: { output: "logits", size: null } } }, "logits of the head"],
  ])("is refused: %j", (changes, message) => {
    expect(() => readDescription(content(changes), NAME)).toThrow(message);
  });
});
