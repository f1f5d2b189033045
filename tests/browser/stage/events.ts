// Numbered events of one dataset, from two sides: as the page received them, and as the server tells anybody.
import type { Page } from '@playwright/test';

export interface Message {
  channel?: string;
  event?: string;
  seq?: number;
}

/** Every message on the page's WebSockets, in order, and how many sockets there were. */
export class Frames {
  readonly messages: Message[] = [];
  sockets = 0;

  constructor(page: Page) {
    page.on('websocket', (socket) => {
      this.sockets += 1;
      socket.on('framereceived', ({ payload }) => this.messages.push(JSON.parse(String(payload)) as Message));
    });
  }

  /** What came on the channel of a dataset. */
  of(dataset: string): Message[] {
    return this.messages.filter(({ channel }) => channel === `dataset/${dataset}`);
  }

  /** Numbers of the dataset's events, without its snapshots. */
  numbers(dataset: string): number[] {
    return this.of(dataset).flatMap(({ event, seq }) =>
      event === 'snapshot' || seq === undefined ? [] : [seq],
    );
  }

  /** The number at which the page began to listen. */
  began(dataset: string): number | undefined {
    return this.of(dataset).find(({ event }) => event === 'snapshot')?.seq;
  }
}

/** The numbers of all events of a dataset so far: the server-sent feed replays them, then says where it is. */
export async function numbersSoFar(base: string, dataset: string): Promise<number[]> {
  const headers = { 'last-event-id': '0', accept: 'text/event-stream' };
  const signal = AbortSignal.timeout(30_000);
  const answer = await fetch(`${base}/api/v1/datasets/${dataset}/events`, { headers, signal });
  const numbers: number[] = [];
  let text = '';
  for await (const piece of pieces(answer)) {
    text += new TextDecoder().decode(piece);
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      if (/^event: ?snapshot$/m.test(block)) return numbers;
      const [, id] = /^id: ?(\d+)$/m.exec(block) ?? [];
      if (id) numbers.push(Number(id));
    }
  }
  throw new Error('the feed ended before its snapshot');
}

async function* pieces(answer: Response): AsyncGenerator<Uint8Array> {
  const reader = answer.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) yield read.value;
}
