/** `NAME.json` beside an exported model: its classes, colours and files. */

import { maxWindowPixels } from "./labels/window_size";
import { PageError } from "./page_error";

export interface Description {
  licence: string | null;
  class_names: string[];
  palette: number[][];
  ignore_class: number;
  long_side: number;
  num_classes: number;
  /** Ids of the classes that the model knows. */
  learned: number[];
  sha256: string;
}

/** Checks the content of the file and takes from it what the page needs. */
export function readDescription(content: unknown, fileName: string): Description {
  const wrong = (what: string) =>
    new PageError(
      `The description of the model is not one that this page can read: ${what}. ` +
        "Export the model again with `make web`.",
    );
  if (!isRecord(content)) throw wrong("it is not an object");
  if (content.format_version !== 1) throw wrong("format_version is not 1");
  const count = content.num_classes;
  const names = content.class_names;
  const palette = content.palette;
  if (!isWhole(count) || count < 1 || count > 255) {
    throw wrong("num_classes is not in 1..255");
  }
  if (!Array.isArray(names) || names.length !== count || !names.every(isString)) {
    throw wrong(`class_names are not ${count} names`);
  }
  const colours = Array.isArray(palette) && palette.length === count;
  if (!colours || !palette.every(isColour)) throw wrong(`palette has no ${count} colours`);
  const learned = content.classes_learned ?? names.map((_, id) => id);
  if (!Array.isArray(learned) || !learned.every((id) => isWhole(id) && id < count)) {
    throw wrong("classes_learned are not ids of classes");
  }
  const longSide = content.long_side ?? null;
  if (longSide !== null && !isWhole(longSide)) throw wrong("long_side is no number");
  const scale = content.input_scale;
  if (typeof scale !== "number" || !(scale >= 1 && scale <= 64)) {
    throw wrong("input_scale is not in 1..64");
  }
  const largest = Math.floor(Math.sqrt(maxWindowPixels(count, scale)));
  if (!longSide || longSide > largest) {
    throw new PageError(
      `The model has ${longSide ? `long_side ${longSide}` : "no long_side"}, so that ` +
        "large photos would have to be cut into tiles, which this page cannot do. Set " +
        `\`model.long_side\` to at most ${largest} and export the model again with ` +
        "`model.export_to(..., head_logits=True)`.",
    );
  }
  const files = content.files;
  const entry = isRecord(files) ? files[fileName] : undefined;
  if (!isRecord(entry) || entry.output !== "head_logits" || entry.size !== null) {
    throw wrong(`it lists no ${fileName} with the logits of the head for any size`);
  }
  const hash = isRecord(entry.sha256) ? entry.sha256[fileName] : undefined;
  if (!isString(hash)) throw wrong("sha256 is missing");
  return {
    licence: isString(content.licence) ? content.licence : null,
    class_names: names,
    palette,
    ignore_class: isWhole(content.ignore_class) ? content.ignore_class : 255,
    long_side: longSide,
    num_classes: count,
    learned: [...learned].sort((a, b) => a - b),
    sha256: hash,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isColour(value: unknown): value is number[] {
  return Array.isArray(value) && value.length === 3 && value.every(isWhole);
}
