/** An error whose message is written for the person who uses the page. */
export class PageError extends Error {
  override name = "PageError";
}
