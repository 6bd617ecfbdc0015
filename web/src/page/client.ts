/** The worker with the model, and what it is asked for. */

import type { Request, Response } from "../worker/messages";

type Listener = (response: Response) => void;

export class Client {
  private worker: Worker | null = null;
  private waiting: { resolve(file: Blob): void; reject(error: Error): void } | null = null;

  constructor(private readonly listen: Listener) {}

  /** Starts a worker; one that has failed is replaced. */
  start(): void {
    this.worker?.terminate();
    this.waiting?.reject(new Error("The model was started again."));
    this.waiting = null;
    this.worker = new Worker(new URL("../worker/segment_worker.ts", import.meta.url), {
      type: "module",
    });
    this.worker.onmessage = ({ data }: MessageEvent<Response>) => this.receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      const message =
        "The part of the page that runs the model could not be started" +
        (event.message ? `: ${event.message}.` : ".") +
        " Reload the page.";
      this.receive({ kind: "error", id: null, message, fatal: true });
    };
  }

  send(request: Request): void {
    this.worker?.postMessage(request);
  }

  /** Asks for a file, and waits for it. */
  file(request: Request): Promise<Blob> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.send(request);
    });
  }

  private receive(response: Response): void {
    if (response.kind === "file") {
      this.waiting?.resolve(response.file);
      this.waiting = null;
      return;
    }
    if (response.kind === "error" && this.waiting) {
      this.waiting.reject(new Error(response.message));
      this.waiting = null;
      if (!response.fatal) return;
    }
    this.listen(response);
  }
}
