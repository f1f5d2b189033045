// How long to wait before connecting again: longer each time, and not all pages at the same moment.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** `random` is from 0 to 1; the wait is between half of the step and all of it. */
export function backoff(attempt: number, random: number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return step / 2 + (step / 2) * random;
}
