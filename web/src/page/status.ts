/** What the page says: work in progress, results and errors. */

import { element } from "./dom";

const work = element("work");
const bar = element<HTMLProgressElement>("work-bar");
const text = element("work-text");
const status = element("status");
const message = element("message");

/** Shows work in progress; without `share` it is not known how much is left. */
export function showWork(what: string, share?: number): void {
  work.hidden = false;
  text.textContent = what;
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
}

export function hideWork(): void {
  work.hidden = true;
}

/** Tells screen readers; not more often than something changes. */
export function announce(what: string): void {
  if (status.textContent !== what) status.textContent = what;
}

export function showError(what: string): void {
  element("message-text").textContent = what;
  message.hidden = false;
  announce("");
}

export function hideError(): void {
  message.hidden = true;
}

element("message-close").addEventListener("click", hideError);
