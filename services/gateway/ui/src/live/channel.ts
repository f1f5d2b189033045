// What is known of one channel: who listens, and the last number, from which a new connection goes on.
import type { ChannelMessage } from './messages';

export type Listener = (message: ChannelMessage) => void;

/** What to do with a message. */
export type Verdict = 'deliver' | 'drop' | 'gap';

export class Channel {
  readonly name: string;
  readonly listeners = new Set<Listener>();
  /** The last number that came through. */
  since: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Events of a dataset are numbered without holes, so a hole is a loss, and a number seen before is a repetition. */
  judge(message: ChannelMessage): Verdict {
    const seq = 'seq' in message ? message.seq : undefined;
    if (seq === undefined || seq === null) return 'deliver';
    if (message.event === 'snapshot') {
      // Set and not raised: after a restore from a backup the server's numbers may be lower.
      this.since = seq;
      return 'deliver';
    }
    if (this.since !== undefined) {
      if (seq <= this.since) return 'drop';
      // What is beyond the hole comes again after it, so nothing is lost by not taking it now.
      if (seq > this.since + 1) return 'gap';
    }
    this.since = seq;
    return 'deliver';
  }

  deliver(message: ChannelMessage): void {
    for (const listener of [...this.listeners]) listener(message);
  }
}
