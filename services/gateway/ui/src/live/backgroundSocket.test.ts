import { expect, it, vi } from 'vitest';
import type { Asked, Told } from './background';
import { BackgroundSocket, type WorkerLike } from './backgroundSocket';

class FakeWorker implements WorkerLike {
  onmessage: ((event: { data: Told }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly terminate = vi.fn<() => void>();
  readonly asked: Asked[] = [];
  postMessage = (asked: Asked) => void this.asked.push(asked);
  tells(told: Told): void {
    this.onmessage?.({ data: told });
  }
}

it('is a WebSocket to the page, and deaf to the connection before', () => {
  const worker = new FakeWorker();
  const heard: unknown[] = [];
  const before = new BackgroundSocket(worker, 'ws://host', () => undefined);
  before.onopen = before.onclose = () => heard.push('the one before');
  const socket = new BackgroundSocket(worker, 'ws://host', () => undefined);
  socket.onopen = () => heard.push('open');
  socket.onmessage = ({ data }) => heard.push(data);
  socket.onclose = () => heard.push('closed');
  const [first = 0, connection = 0] = worker.asked.map((asked) => asked.connection);
  expect(first).not.toBe(connection);

  worker.tells({ connection: first, opened: true });
  worker.tells({ connection: first, closed: true });
  expect([socket.readyState, heard]).toEqual([0, []]);
  worker.tells({ connection, opened: true });
  expect(socket.readyState).toBe(1);
  socket.send('ping');
  worker.tells({ connection, messages: ['a', 'b'] });
  worker.tells({ connection, messages: ['c'] });
  socket.close();
  expect(socket.readyState).toBe(2);
  worker.tells({ connection, closed: true });
  expect([socket.readyState, heard]).toEqual([3, ['open', 'a', 'b', 'c', 'closed']]);
  expect(worker.asked.slice(2)).toEqual([
    { connection, send: 'ping' },
    { connection, close: true },
  ]);
});

it('is closed when its worker cannot work, and the next one gets another', () => {
  const worker = new FakeWorker();
  const broken = vi.fn<() => void>();
  const socket = new BackgroundSocket(worker, 'ws://host', broken);
  const closed = vi.fn<() => void>();
  socket.onclose = closed;
  worker.onerror?.();
  expect([broken, closed, worker.terminate].map((call) => call.mock.calls.length)).toEqual([1, 1, 1]);
});
