/** The element with an id; the page has all of them. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element “${id}”`);
  return found as T;
}

/** A new element with a class and text. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** A colour of the palette for style sheets. */
export function css(colour: number[] | undefined): string {
  return colour ? `rgb(${colour.join(" ")})` : "transparent";
}
