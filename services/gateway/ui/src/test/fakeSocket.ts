// A WebSocket whose server is the test.
import type { SocketLike } from '../live/socket';

export class FakeSocket implements SocketLike {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (socket === undefined) throw new Error('nothing connected yet');
    return socket;
  }

  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];

  constructor() {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The server takes the connection. */
  accept(): this {
    this.readyState = 1;
    this.onopen?.();
    return this;
  }

  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The connection breaks. */
  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  take(): Record<string, unknown>[] {
    return this.sent.splice(0);
  }
}
