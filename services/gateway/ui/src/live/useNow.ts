// The time, by one clock for all who show it.
import { useSyncExternalStore } from 'react';
import { currentPeriod, offBeat, onBeat } from './beat';

/** A clock that ticks only while somebody looks, and with many who look on the beat of their cards. */
function clock(period: number): () => number {
  const watchers = new Set<() => void>();
  let now = Date.now();
  const wait = () => onBeat(Math.max(period, currentPeriod()), tick);
  const tick = () => {
    now = Date.now();
    wait();
    for (const one of watchers) one();
  };
  const watch = (watcher: () => void) => {
    if (watchers.size === 0) {
      now = Date.now();
      wait();
    }
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) offBeat(tick);
    };
  };
  return () => useSyncExternalStore(watch, () => now);
}

/** Once a second: for what is counted in seconds. */
export const useNow = clock(1000);
/** Twice a minute: for ages. */
export const useSlowNow = clock(30_000);
