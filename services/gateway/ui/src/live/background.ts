// A worker beside the page that holds its WebSocket. Each message that a page's own thread takes costs it a task; here
// they are collected, so that fifty cards which speak every second cost it hardly more than one.
import { Bundle } from './bundle';

/** What the page asks; every connection has a number. */
export type Asked = { connection: number } & ({ open: string } | { send: string } | { close: true });
/** What the page is told of a connection. */
export type Told = { connection: number } & ({ opened: true } | { messages: unknown[] } | { closed: true });

const BUNDLE_MS = 500;

const sockets = new Map<number, WebSocket>();

function tell(told: Told): void {
  self.postMessage(told);
}

function open(connection: number, url: string): void {
  const socket = new WebSocket(url);
  const bundle = new Bundle<unknown>(BUNDLE_MS, (messages) => tell({ connection, messages }));
  sockets.set(connection, socket);
  socket.onopen = () => tell({ connection, opened: true });
  socket.onmessage = ({ data }: MessageEvent<unknown>) => bundle.push(data);
  socket.onclose = () => {
    bundle.flush();
    sockets.delete(connection);
    tell({ connection, closed: true });
  };
}

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  if ('open' in data) open(data.connection, data.open);
  else if ('send' in data) sockets.get(data.connection)?.send(data.send);
  else sockets.get(data.connection)?.close();
};
