// The page's end of a WebSocket in the worker beside it.
import type { Asked, Told } from './background';
import type { SocketLike } from './socket';

/** The part of a Worker that is used, so that a test can play it. */
export interface WorkerLike {
  postMessage: (asked: Asked) => void;
  onmessage: ((event: { data: Told }) => void) | null;
  onerror: (() => void) | null;
  terminate: () => void;
}

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

let connections = 0;

export class BackgroundSocket implements SocketLike {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly #worker: WorkerLike;
  readonly #connection = (connections += 1);

  /** Takes the worker over from the connection before, as a page has one at a time; `broken` says that it is of no use. */
  constructor(worker: WorkerLike, url: string, broken: () => void) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => {
      if (data.connection === this.#connection) this.#told(data);
    };
    worker.onerror = () => {
      broken();
      worker.terminate();
      this.#told({ connection: this.#connection, closed: true });
    };
    worker.postMessage({ connection: this.#connection, open: url });
  }

  send(text: string): void {
    this.#worker.postMessage({ connection: this.#connection, send: text });
  }

  close(): void {
    if (this.readyState < CLOSING) this.readyState = CLOSING;
    this.#worker.postMessage({ connection: this.#connection, close: true });
  }

  #told(told: Told): void {
    if ('opened' in told) {
      this.readyState = OPEN;
      this.onopen?.();
    } else if ('messages' in told) {
      for (const data of told.messages) this.onmessage?.({ data });
    } else {
      this.readyState = CLOSED;
      this.onclose?.();
    }
  }
}
