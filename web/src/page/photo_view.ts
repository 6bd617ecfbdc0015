/** The photo, the colours of its classes, and the cursor over them. */

import { sharesOf, withThreshold, type Share } from "../labels/shares";
import type { Description } from "../description";
import { contours } from "../pictures/contours";
import type { Result } from "../worker/messages";
import { css, element } from "./dom";

const STEP = 0.01; // of the longer side, for one press of an arrow key
const LARGE_STEP = 0.05;
const OTHERS = 45; // opacity of the other classes beside the one selected, of 255

export class PhotoView {
  private readonly picture = element("picture");
  private readonly photo = element<HTMLCanvasElement>("photo");
  private readonly colours = element<HTMLCanvasElement>("colours");
  private readonly lines = element<HTMLCanvasElement>("lines");
  private readonly tip = element("tip");
  private readonly cross = element("cross");
  private readonly spoken = element("spoken");
  private result: Result | null = null;
  private description: Description | null = null;
  private ids: Uint8Array = new Uint8Array(0); // with the threshold
  private cursor: { x: number; y: number } | null = null;
  private threshold = 0;
  private selected: number | null = null;

  constructor(private readonly pointedAt: (id: number | null) => void) {
    this.listen();
  }

  show(result: Result, description: Description): void {
    this.result = result;
    this.description = description;
    this.selected = null;
    this.hideCursor();
    const { height, width } = result.view;
    for (const canvas of [this.photo, this.colours, this.lines]) {
      canvas.height = height;
      canvas.width = width;
    }
    this.photo.getContext("2d")!.drawImage(result.picture, 0, 0);
    result.picture.close();
    const { style } = element("frame");
    style.setProperty("--ratio", `${width} / ${height}`);
    // As high as the window allows, and not wider than the column.
    style.setProperty("--fit", `calc(min(74vh, 900px) * ${width / height})`);
    this.update(this.threshold);
  }

  /** Applies a threshold and returns the shares of the area. */
  update(threshold: number): Share[] {
    this.threshold = threshold;
    if (!this.result || !this.description) return [];
    const { ids, confidence } = this.result;
    this.ids = withThreshold(ids, confidence, threshold, this.description.ignore_class);
    this.paint();
    this.paintLines();
    this.describeCursor(false);
    return sharesOf(this.ids);
  }

  setOpacity(opacity: number): void {
    this.colours.style.opacity = String(opacity);
  }

  /** Shows one class alone, or all. */
  select(id: number | null): void {
    this.selected = id;
    this.paint();
  }

  private paint(): void {
    if (!this.result || !this.description) return;
    const { height, width } = this.result.view;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const table = new Uint32Array(256); // little-endian, as on all devices of today
    this.description.palette.forEach(([red = 0, green = 0, blue = 0], id) => {
      const faint = this.selected !== null && this.selected !== id;
      const alpha = faint ? OTHERS : 255;
      table[id] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    });
    table[this.description.ignore_class] = 0;
    for (let i = 0; i < pixels.length; i++) pixels[i] = table[this.ids[i]!]!;
    this.colours.getContext("2d")!.putImageData(image, 0, 0);
  }

  private paintLines(): void {
    const { height, width } = this.result!.view;
    const border = contours(this.ids, { height, width });
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < pixels.length; i++) if (border[i]) pixels[i] = 0xbfffffff;
    this.lines.getContext("2d")!.putImageData(image, 0, 0);
  }

  private listen(): void {
    const move = (event: PointerEvent) => {
      const box = this.picture.getBoundingClientRect();
      this.moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      this.cross.hidden = event.pointerType === "mouse";
      this.describeCursor(event.pointerType !== "mouse");
    };
    this.picture.addEventListener("pointermove", move);
    this.picture.addEventListener("pointerdown", move);
    this.picture.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.hideCursor();
    });
    this.picture.addEventListener("blur", () => this.hideCursor());
    this.picture.addEventListener("keydown", (event) => this.press(event));
  }

  private press(event: KeyboardEvent): void {
    if (!this.result) return;
    if (event.key === "Escape") {
      this.hideCursor();
      return;
    }
    const directions: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const direction = directions[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { height, width } = this.result.view;
    const step = Math.max(height, width) * (event.shiftKey ? LARGE_STEP : STEP);
    const from = this.cursor ?? { x: 0.5, y: 0.5 };
    const first = this.cursor === null;
    this.moveTo(
      from.x + (first ? 0 : (direction[0] * step) / width),
      from.y + (first ? 0 : (direction[1] * step) / height),
    );
    this.cross.hidden = false;
    this.describeCursor(true);
  }

  private moveTo(x: number, y: number): void {
    const inside = (value: number) => Math.min(Math.max(value, 0), 0.999999);
    this.cursor = { x: inside(x), y: inside(y) };
  }

  private hideCursor(): void {
    this.cursor = null;
    this.tip.hidden = this.cross.hidden = true;
    this.pointedAt(null);
  }

  /** Names the class at the cursor. */
  private describeCursor(speak: boolean): void {
    if (!this.result || !this.description || !this.cursor) return;
    const { height, width } = this.result.view;
    const { x, y } = this.cursor;
    const at = Math.floor(y * height) * width + Math.floor(x * width);
    const id = this.ids[at]!;
    const guess = this.result.ids[at]!;
    const isVoid = id === this.description.ignore_class;
    const name = this.description.class_names[guess]!;
    const percent = `${Math.round(this.result.confidence[at]! * 100)} %`;
    const value = isVoid ? `perhaps ${name}, ${percent}` : percent;

    this.tip.hidden = false;
    this.tip.querySelector(".tip-name")!.textContent = isVoid ? "no label" : name;
    this.tip.querySelector(".tip-value")!.textContent = value;
    const colour = isVoid ? undefined : this.description.palette[id];
    this.tip.style.setProperty("--colour", css(colour));
    const box = this.picture.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.tip;
    const left = Math.min(x * box.width + 16, box.width - offsetWidth - 4);
    const below = y * box.height + 18;
    const fits = below + offsetHeight < box.height;
    const top = fits ? below : y * box.height - offsetHeight - 14;
    this.tip.style.left = `${Math.max(4, left)}px`;
    this.tip.style.top = `${Math.max(4, top)}px`;
    this.cross.style.left = `${x * 100}%`;
    this.cross.style.top = `${y * 100}%`;
    this.pointedAt(id);
    if (speak) this.spoken.textContent = isVoid ? `no label, ${value}` : `${name}, ${value}`;
  }
}
