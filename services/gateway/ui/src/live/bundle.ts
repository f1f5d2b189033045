// What comes one by one, handed on together: the first at once, whatever follows within the pause as one.

export class Bundle<T> {
  readonly #pauseMs: number;
  readonly #handOn: (items: T[]) => void;
  #waiting: T[] = [];
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(pauseMs: number, handOn: (items: T[]) => void) {
    this.#pauseMs = pauseMs;
    this.#handOn = handOn;
  }

  push(item: T): void {
    this.#waiting.push(item);
    if (this.#pause === undefined) this.flush();
  }

  /** Hands on what waits, and begins a new pause. */
  readonly flush = (): void => {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    if (this.#waiting.length === 0) return;
    const items = this.#waiting;
    this.#waiting = [];
    this.#pause = setTimeout(this.flush, this.#pauseMs);
    this.#handOn(items);
  };
}
