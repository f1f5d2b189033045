// The socket over breaks, gaps and repetitions, with a server that the test plays.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeSocket } from '../test/fakeSocket';
import type { ChannelMessage } from './messages';
import { LiveSocket } from './socket';

const CHANNEL = 'dataset/1';
const event = (seq: number) => ({
  channel: CHANNEL,
  event: 'dataset_updated',
  seq,
  data: { status: 'ready' },
});
const snapshot = (seq: number) => ({ channel: CHANNEL, event: 'snapshot', seq, data: {} });
const seqs = (messages: ChannelMessage[]) =>
  messages.map((message) => ('seq' in message ? message.seq : undefined));

let socket: LiveSocket;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  socket = new LiveSocket({ open: () => new FakeSocket(), random: () => 1 });
  socket.start();
});
afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

function listen(channel = CHANNEL): { heard: ChannelMessage[]; leave: () => void } {
  const heard: ChannelMessage[] = [];
  return { heard, leave: socket.subscribe(channel, (message) => heard.push(message)) };
}

test('what was subscribed before the connection is asked for when it opens', () => {
  listen();
  expect(FakeSocket.last.sent).toEqual([]);
  FakeSocket.last.accept();
  expect(FakeSocket.last.take()).toEqual([{ type: 'subscribe', channel: CHANNEL }]);
  expect(socket.connection()).toEqual({ phase: 'live' });
});

test('after a break it goes on from the last number, and hears nothing twice', () => {
  const { heard } = listen();
  FakeSocket.last.accept().says(snapshot(5));
  FakeSocket.last.says(event(6));
  FakeSocket.last.breaks();
  expect(socket.connection().phase).toBe('lost');
  vi.advanceTimersByTime(500);
  expect(FakeSocket.all).toHaveLength(2);
  FakeSocket.last.accept();
  expect(FakeSocket.last.take()).toEqual([{ type: 'subscribe', channel: CHANNEL, since: 6 }]);
  for (const message of [event(6), event(7), event(8), snapshot(8), event(9)]) FakeSocket.last.says(message);
  expect(seqs(heard)).toEqual([5, 6, 7, 8, 8, 9]);
});

test('a hole in the numbers is asked for again, and nothing beyond it is taken before', () => {
  const { heard } = listen();
  FakeSocket.last.accept().says(snapshot(1));
  FakeSocket.last.take();
  FakeSocket.last.says(event(3));
  expect(FakeSocket.last.take()).toEqual([{ type: 'subscribe', channel: CHANNEL, since: 1 }]);
  for (const message of [event(2), event(3), snapshot(3)]) FakeSocket.last.says(message);
  expect(seqs(heard)).toEqual([1, 2, 3, 3]);
});

test('a snapshot may lower the number, as after a restored backup', () => {
  const { heard } = listen();
  FakeSocket.last.accept().says(snapshot(9));
  FakeSocket.last.says({ ...snapshot(2), reset: true });
  FakeSocket.last.says(event(3));
  expect(seqs(heard)).toEqual([9, 2, 3]);
});

test('two listeners are one subscription; it ends some time after the last of them', () => {
  FakeSocket.last.accept();
  const [one, two] = [listen(), listen()];
  expect(FakeSocket.last.take()).toHaveLength(1);
  one.leave();
  vi.advanceTimersByTime(5000);
  expect(FakeSocket.last.take()).toEqual([]);
  FakeSocket.last.says(snapshot(1));
  expect([one.heard.length, two.heard.length]).toEqual([0, 1]);
  two.leave();
  vi.advanceTimersByTime(5000);
  expect(FakeSocket.last.take()).toEqual([{ type: 'unsubscribe', channel: CHANNEL }]);
});

test('leaving and coming back at once keeps the subscription', () => {
  FakeSocket.last.accept();
  listen().leave();
  listen();
  vi.advanceTimersByTime(5000);
  expect(FakeSocket.last.take()).toEqual([{ type: 'subscribe', channel: CHANNEL }]);
});

test('it waits longer each time, and not when the network comes back', () => {
  const waits: number[] = [];
  for (let n = 0; n < 8; n += 1) {
    const before = FakeSocket.all.length;
    FakeSocket.last.breaks();
    let waited = 0;
    while (FakeSocket.all.length === before && waited < 60_000) {
      vi.advanceTimersByTime(100);
      waited += 100;
    }
    waits.push(waited);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  FakeSocket.last.breaks();
  socket.hurry();
  expect(FakeSocket.all).toHaveLength(10);
});

test('a server that does not answer a ping is gone', () => {
  FakeSocket.last.accept();
  vi.advanceTimersByTime(20_000);
  expect(FakeSocket.last.take()).toEqual([{ type: 'ping' }]);
  FakeSocket.last.says({ type: 'pong' });
  vi.advanceTimersByTime(20_000);
  expect(socket.connection().phase).toBe('live');
  vi.advanceTimersByTime(10_000);
  expect(socket.connection().phase).toBe('lost');
});

test('what is not understood is left out', () => {
  const { heard } = listen();
  FakeSocket.last.accept();
  for (const data of ['', '[]', 'null', '{"type":"news"}', '{"event":"x","channel":"dataset/2"}']) {
    FakeSocket.last.onmessage?.({ data });
  }
  FakeSocket.last.onmessage?.({ data: new ArrayBuffer(1) });
  expect(heard).toEqual([]);
});

test('not more channels are held than the server allows, and those that are left go first', () => {
  FakeSocket.last.accept();
  for (let n = 0; n < 64; n += 1) listen(`dataset/${n}`).leave();
  FakeSocket.last.take();
  listen('dataset/new');
  expect(FakeSocket.last.take()).toEqual([
    { type: 'unsubscribe', channel: 'dataset/0' },
    { type: 'subscribe', channel: 'dataset/new' },
  ]);
});
