// When the screen changes. All that moves does so on one beat, so that many cards and their clocks are drawn together;
// the more there are, the slower it is, so that they cost no more than a few.

const FASTEST_MS = 250;
const SLOWEST_MS = 4000;
const MS_PER_CARD = 160;

/** Milliseconds between two changes when so many cards move: 250, 500, 1000, 2000 or 4000, which fall on each other. */
export function periodOf(cards: number): number {
  let period = FASTEST_MS;
  while (period < SLOWEST_MS && period < cards * MS_PER_CARD) period *= 2;
  return period;
}

let moving = 0;

/** One more card that moves, until the answer is called. */
export function countCard(): () => void {
  moving += 1;
  return () => {
    moving -= 1;
  };
}

/** The period for as many cards as move now. */
export const currentPeriod = (): number => periodOf(moving);

const due = new Map<() => void, number>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Calls once, at the next multiple of `period`; whatever is due then is called in one go, and so drawn in one. */
export function onBeat(period: number, call: () => void): void {
  const now = Date.now();
  due.set(call, now + period - (now % period));
  wait(now);
}

export function offBeat(call: () => void): void {
  due.delete(call);
}

function wait(now: number): void {
  clearTimeout(timer);
  timer = due.size === 0 ? undefined : setTimeout(beat, Math.min(...due.values()) - now);
}

function beat(): void {
  const now = Date.now();
  const calls = [...due].filter(([, at]) => at <= now).map(([call]) => call);
  for (const call of calls) due.delete(call);
  for (const call of calls) call();
  wait(now);
}
