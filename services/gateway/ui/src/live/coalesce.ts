// Progress waits here, outside of React, and goes to the screen in batches on the beat: per card the newest only.
import { onBeat, periodOf } from './beat';

export class Coalescer<T> {
  readonly #apply: (batch: ReadonlyMap<string, T>) => void;
  readonly #isDrawn: (item: T) => boolean;
  #waiting = new Map<string, T>();
  #period = periodOf(1);

  /** `isDrawn`: whether an item is one more card that moves. */
  constructor(apply: (batch: ReadonlyMap<string, T>) => void, isDrawn: (item: T) => boolean = () => true) {
    this.#apply = apply;
    this.#isDrawn = isDrawn;
  }

  push(key: string, item: T): void {
    if (this.#waiting.size === 0) onBeat(this.#period, this.flush);
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
    this.#period = periodOf([...batch.values()].filter(this.#isDrawn).length);
    this.#apply(batch);
  };
}
