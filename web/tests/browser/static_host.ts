/** A static host, as plain as there are: files below a path, no headers of our choice. */

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join, normalize } from "node:path";

export const DIST = join(import.meta.dirname, "../../dist");
const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

export class StaticHost {
  private server: Server | null = null;
  /** Files that are given in place of those of the build; `null` for none. */
  readonly replaced = new Map<string, string | null>();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  private port = 0;

  constructor(readonly folder = "/") {}

  get address(): string {
    return `http://127.0.0.1:${this.port}${this.folder}`;
  }

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, "http://host");
      this.asked.push(pathname);
      const inside = pathname.startsWith(this.folder);
      const name = normalize(pathname.slice(this.folder.length)) || ".";
      const path = name === "." ? "index.html" : name;
      const known = this.replaced.has(path) ? this.replaced.get(path) : join(DIST, path);
      if (!inside || !known || path.startsWith("..") || !existsSync(known)) {
        response.writeHead(404, { "content-type": "text/plain" }).end("not found");
        return;
      }
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-length": statSync(known).size,
      });
      createReadStream(known).pipe(response);
    });
    await new Promise<void>((done) => this.server!.listen(this.port, "127.0.0.1", done));
    this.port = (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((done) => (this.server ? this.server.close(done) : done(null)));
    this.server = null;
  }
}
