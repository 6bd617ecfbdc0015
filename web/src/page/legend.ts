/** The classes found, with their shares of the area. */

import type { Description } from "../description";
import { formatShare, type Share } from "../labels/shares";
import { create, css, element } from "./dom";

export class Legend {
  private readonly list = element("legend");
  private selected: number | null = null;

  constructor(private readonly select: (id: number | null) => void) {}

  show(shares: Share[], description: Description): void {
    const voidId = description.ignore_class;
    // Void last, as in the pictures of keras_seg.
    const sorted = [...shares].sort(
      (a, b) => Number(a.id === voidId) - Number(b.id === voidId),
    );
    if (!sorted.some(({ id }) => id === this.selected)) this.choose(null);
    const focused = (document.activeElement as HTMLElement | null)?.dataset.id;
    this.list.replaceChildren(
      ...sorted.map(({ id, share }) => {
        const name = id === voidId ? "no label" : description.class_names[id]!;
        const colour = id === voidId ? undefined : description.palette[id];
        return this.entry(id, name, colour, share, id === voidId);
      }),
    );
    if (focused) this.find(Number(focused))?.focus();
  }

  /** Marks the class under the cursor. */
  mark(id: number | null): void {
    for (const entry of this.list.querySelectorAll<HTMLElement>(".entry")) {
      entry.classList.toggle("here", entry.dataset.id === String(id));
    }
  }

  reset(): void {
    this.selected = null;
  }

  private entry(
    id: number,
    name: string,
    colour: number[] | undefined,
    share: number,
    isVoid: boolean,
  ): HTMLLIElement {
    const button = create(isVoid ? "div" : "button", "entry");
    button.dataset.id = String(id);
    const swatch = create("span", "swatch");
    swatch.style.setProperty("--colour", css(colour));
    const bar = create("span", "bar");
    const part = create("span");
    part.style.setProperty("--part", `${share * 100}%`);
    bar.append(part);
    const percent = create("span", "share", formatShare(share));
    button.append(swatch, create("span", "", name), bar, percent);
    if (button instanceof HTMLButtonElement) {
      button.type = "button";
      button.setAttribute("aria-pressed", String(this.selected === id));
      button.addEventListener("click", () => this.choose(this.selected === id ? null : id));
    }
    const item = create("li");
    item.append(button);
    return item;
  }

  private choose(id: number | null): void {
    if (this.selected === id) return;
    this.selected = id;
    for (const button of this.list.querySelectorAll<HTMLElement>("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.id === String(id)));
    }
    this.select(id);
  }

  private find(id: number): HTMLElement | null {
    return this.list.querySelector(`[data-id="${id}"]`);
  }
}
