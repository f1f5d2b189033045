// Progress waits here, outside of React, and goes to the screen in batches: per card the newest only, and not more
// often than the eye can use. With many cards at once the pauses grow, so that they cost no more than a few.

const FASTEST_MS = 250;
const SLOWEST_MS = 1000;
const MS_PER_ITEM = 100;

export class Coalescer<T> {
  readonly #apply: (batch: ReadonlyMap<string, T>) => void;
  #waiting = new Map<string, T>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushed = -Infinity;
  #pause = FASTEST_MS;

  constructor(apply: (batch: ReadonlyMap<string, T>) => void) {
    this.#apply = apply;
  }

  push(key: string, item: T): void {
    this.#waiting.set(key, item);
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#flushed + this.#pause - Date.now());
    this.#timer = setTimeout(this.flush, wait);
  }

  /** What a numbered event made obsolete. */
  drop(matches: (key: string) => boolean): void {
    for (const key of [...this.#waiting.keys()]) if (matches(key)) this.#waiting.delete(key);
  }

  readonly flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    const batch = this.#waiting;
    this.#waiting = new Map();
    this.#flushed = Date.now();
    this.#pause = Math.min(SLOWEST_MS, Math.max(FASTEST_MS, batch.size * MS_PER_ITEM));
    this.#apply(batch);
  };
}
