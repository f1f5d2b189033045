// What those who listen are told: the last thing that happened, at most once in ten seconds.

const PAUSE_MS = 10_000;

export interface Clock {
  now: () => number;
  setTimeout: (run: () => void, ms: number) => unknown;
}

const realClock: Clock = { now: () => Date.now(), setTimeout: (run, ms) => window.setTimeout(run, ms) };

export class Announcer {
  #last = -Infinity;
  #waiting: string[] = [];
  #timer = false;
  readonly #say: (text: string) => void;
  readonly #clock: Clock;

  constructor(say: (text: string) => void, clock: Clock = realClock) {
    this.#say = say;
    this.#clock = clock;
  }

  announce(text: string): void {
    this.#waiting = [...this.#waiting.filter((one) => one !== text), text];
    if (this.#timer) return;
    const wait = this.#last + PAUSE_MS - this.#clock.now();
    if (wait <= 0) {
      this.#flush();
      return;
    }
    this.#timer = true;
    this.#clock.setTimeout(() => {
      this.#timer = false;
      this.#flush();
    }, wait);
  }

  /** Many things at once are counted and not listed. */
  #flush(): void {
    this.#last = this.#clock.now();
    const [newest, ...older] = this.#waiting.toReversed();
    this.#waiting = [];
    if (newest === undefined) return;
    this.#say(older.length === 0 ? newest : `${newest} And ${older.length} more.`);
  }
}
