import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { offBeat, onBeat, periodOf } from './beat';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_100 }));
afterEach(() => void vi.useRealTimers());

it('calls what falls on the same beat in one go', () => {
  const called: string[] = [];
  onBeat(1000, () => called.push('slow'));
  vi.advanceTimersByTime(700);
  onBeat(250, () => called.push('fast'));
  const none = () => called.push('none');
  onBeat(250, none);
  offBeat(none);
  vi.advanceTimersToNextTimer();
  expect([called, Date.now()]).toEqual([['slow', 'fast'], 1_001_000]);
  expect(vi.getTimerCount()).toBe(0);
});

it('is slower the more cards there are, down to a change every four seconds', () => {
  expect([0, 1, 2, 3, 6, 7, 12, 13, 1000].map(periodOf)).toEqual([
    250, 250, 500, 500, 1000, 2000, 2000, 4000, 4000,
  ]);
});
