// The one WebSocket of the page. It outlives screens and connections: channels are counted by their listeners, and
// after a break everything is subscribed again from the last number received, so that no numbered event is missed.
import { backoff } from './backoff';
import { Channel, type Listener } from './channel';
import { isChannelMessage, parseMessage } from './messages';

/** A ping this often; a socket that says nothing in the time below after one is dead. */
const PING_MS = 20_000;
const PONG_MS = 10_000;
/** The server refuses more. */
const MAX_CHANNELS = 64;
/** A screen that is left and one that is entered often want the same channel. */
const LINGER_MS = 1500;

export type Connection =
  | { phase: 'connecting' }
  | { phase: 'live' }
  /** `since` is when the last sign of life came. */
  | { phase: 'lost'; since: number; attempt: number };

/** The part of a WebSocket that is used, so that a test can play the server. */
export interface SocketLike {
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send: (text: string) => void;
  close: () => void;
}

export interface SocketOptions {
  open: () => SocketLike;
  random?: () => number;
}

const OPEN = 1;

export class LiveSocket {
  readonly #options: SocketOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #watchers = new Set<() => void>();
  #socket: SocketLike | undefined;
  #connection: Connection = { phase: 'connecting' };
  #attempt = 0;
  #lastSign = Date.now();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #pong: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** For `useSyncExternalStore`. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
  readonly connection = (): Connection => this.#connection;

  /** Listens to a channel; the first listener subscribes, and the last one that leaves unsubscribes. */
  subscribe(name: string, listener: Listener): () => void {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      this.#makeRoom();
      channel = new Channel(name);
      this.#channels.set(name, channel);
      this.#ask(channel);
    }
    const { listeners } = channel;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      setTimeout(() => this.#leaveIfUnheard(name), LINGER_MS);
    };
  }

  start(): void {
    if (this.#socket !== undefined) return;
    clearTimeout(this.#retry);
    const socket = this.#options.open();
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket && typeof data === 'string') this.#received(data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** Connects at once instead of when the wait is over: the network came back, or somebody looks at the page again. */
  readonly hurry = (): void => {
    if (this.#socket === undefined) {
      this.#attempt = 0;
      this.start();
    } else if (this.#socket.readyState === OPEN) {
      // It may have died in a computer that slept.
      this.#sendPing();
    }
  };

  #opened(): void {
    this.#attempt = 0;
    this.#lastSign = Date.now();
    for (const channel of this.#channels.values()) this.#ask(channel);
    this.#schedulePing();
    this.#set({ phase: 'live' });
  }

  #received(text: string): void {
    this.#lastSign = Date.now();
    clearTimeout(this.#pong);
    const message = parseMessage(text);
    if (message === undefined || !isChannelMessage(message)) return;
    const channel = this.#channels.get(message.channel);
    if (channel === undefined || channel.listeners.size === 0) return;
    switch (channel.judge(message)) {
      case 'deliver':
        channel.deliver(message);
        break;
      case 'gap':
        this.#ask(channel);
        break;
      case 'drop':
        break;
    }
  }

  #lost(): void {
    this.#drop();
    const wait = backoff(this.#attempt, (this.#options.random ?? Math.random)());
    this.#attempt += 1;
    this.#set({ phase: 'lost', since: this.#lastSign, attempt: this.#attempt });
    this.#retry = setTimeout(() => this.start(), wait);
  }

  /** Forgets the socket; what it still says is not heard. */
  #drop(): void {
    clearTimeout(this.#ping);
    clearTimeout(this.#pong);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #ask(channel: Channel): void {
    this.#send({ type: 'subscribe', channel: channel.name, since: channel.since });
  }

  #leaveIfUnheard(name: string): void {
    if (this.#channels.get(name)?.listeners.size !== 0) return;
    this.#channels.delete(name);
    this.#send({ type: 'unsubscribe', channel: name });
  }

  /** Channels that linger go first when the server would refuse one more. */
  #makeRoom(): void {
    if (this.#channels.size < MAX_CHANNELS) return;
    for (const name of this.#channels.keys()) {
      if (this.#channels.size < MAX_CHANNELS) return;
      this.#leaveIfUnheard(name);
    }
  }

  #schedulePing(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => this.#sendPing(), PING_MS);
  }

  #sendPing(): void {
    this.#send({ type: 'ping' });
    clearTimeout(this.#pong);
    this.#pong = setTimeout(() => this.#lost(), PONG_MS);
    this.#schedulePing();
  }

  #send(message: object): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    for (const watcher of this.#watchers) watcher();
  }
}
