// The time, by one clock for all who show it.
import { useSyncExternalStore } from 'react';

/** A clock that ticks only while somebody looks. */
function clock(period: number): () => number {
  const watchers = new Set<() => void>();
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const watch = (watcher: () => void) => {
    watchers.add(watcher);
    if (timer === undefined) {
      now = Date.now();
      timer = setInterval(() => {
        now = Date.now();
        for (const one of watchers) one();
      }, period);
    }
    return () => {
      watchers.delete(watcher);
      if (watchers.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
  return () => useSyncExternalStore(watch, () => now);
}

/** Once a second: for what is counted in seconds. */
export const useNow = clock(1000);
/** Twice a minute: for ages. */
export const useSlowNow = clock(30_000);
