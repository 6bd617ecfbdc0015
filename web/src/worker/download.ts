/** Files of the host, with progress. */

import { PageError } from "../page_error";

/** Sums the progress of several downloads. */
export class Progress {
  private loaded = 0;

  constructor(
    private readonly total: number,
    private readonly tell: (loaded: number, total: number) => void,
  ) {}

  add(bytes: number): void {
    this.loaded += bytes;
    this.tell(Math.min(this.loaded, this.total), this.total);
  }
}

export async function download(
  address: string,
  what: string,
  progress?: Progress,
): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch {
    throw new PageError(
      `${what} could not be loaded. Check the connection, then reload the page.`,
    );
  }
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || type.startsWith("text/html")) {
    const found = response.ok ? "a page in its place" : `status ${response.status}`;
    throw new PageError(
      `${what} is missing on this host: ${new URL(address).pathname} gave ${found}. ` +
        "Build the page again with `make web` and upload all of web/dist.",
    );
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body!.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      progress?.add(value.length);
    }
  } catch {
    throw new PageError(
      `The connection ended while ${what.toLowerCase()} was loaded. Reload the page.`,
    );
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Checks the SHA-256 of a file, where the browser can compute it. */
export async function checkHash(
  bytes: Uint8Array<ArrayBuffer>,
  expected: string,
  what: string,
): Promise<void> {
  if (!globalThis.crypto?.subtle) return; // on plain http
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== expected) {
    throw new PageError(
      `${what} is damaged: it differs from its hash. Reload the page, or build it ` +
        "again with `make web`.",
    );
  }
}
