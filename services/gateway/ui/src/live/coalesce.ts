// Progress waits here, outside of React, and goes to the screen in batches on the beat: per card the newest only.
import { currentPeriod, onBeat } from './beat';

export class Coalescer<T> {
  readonly #apply: (batch: ReadonlyMap<string, T>) => void;
  #waiting = new Map<string, T>();

  constructor(apply: (batch: ReadonlyMap<string, T>) => void) {
    this.#apply = apply;
  }

  push(key: string, item: T): void {
    if (this.#waiting.size === 0) onBeat(currentPeriod(), this.flush);
    this.#waiting.set(key, item);
  }

  /** What a numbered event made obsolete. */
  drop(matches: (key: string) => boolean): void {
    for (const key of [...this.#waiting.keys()]) if (matches(key)) this.#waiting.delete(key);
  }

  readonly flush = (): void => {
    if (this.#waiting.size === 0) return;
    const batch = this.#waiting;
    this.#waiting = new Map();
    this.#apply(batch);
  };
}
