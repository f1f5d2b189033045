// A speed that can be read: smoothed over some seconds, however often its samples come.

/** After so many seconds an old speed counts for about a third. */
const MEMORY_SECONDS = 5;

export interface Rate {
  perSecond: number;
  /** When it was last measured, in milliseconds. */
  at: number;
}

export function smooth(before: Rate | undefined, perSecond: number, at: number): Rate {
  const sample = Number.isFinite(perSecond) && perSecond > 0 ? perSecond : 0;
  if (before === undefined || before.perSecond === 0) return { perSecond: sample, at };
  const seconds = Math.max(0, at - before.at) / 1000;
  const weight = 1 - Math.exp(-seconds / MEMORY_SECONDS);
  return { perSecond: before.perSecond + weight * (sample - before.perSecond), at };
}

/** Seconds until the rest is done; unknown without a speed or an end. */
export function etaSeconds(done: number, total: number, rate: Rate | undefined): number | undefined {
  if (rate === undefined || rate.perSecond <= 0 || total <= 0) return undefined;
  return Math.max(0, total - done) / rate.perSecond;
}
