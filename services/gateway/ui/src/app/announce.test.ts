import { beforeEach, expect, test } from 'vitest';
import { Announcer } from './announce';

let now: number;
let timers: { at: number; run: () => void }[];
let said: [number, string][];
let announcer: Announcer;

beforeEach(() => {
  [now, timers, said] = [1_000_000, [], []];
  const clock = {
    now: () => now,
    setTimeout: (run: () => void, ms: number) => timers.push({ at: now + ms, run }),
  };
  announcer = new Announcer((text) => said.push([now - 1_000_000, text]), clock);
});

function until(at: number): void {
  for (const timer of timers.splice(0)) {
    now = timer.at;
    timer.run();
  }
  now = 1_000_000 + at;
}

test('not more than once in ten seconds, and then the newest with the number of the others', () => {
  announcer.announce('one.');
  now += 1000;
  announcer.announce('two.');
  announcer.announce('three.');
  announcer.announce('two.');
  until(20_000);
  announcer.announce('four.');
  expect(said).toEqual([
    [0, 'one.'],
    [10_000, 'two. And 1 more.'],
    [20_000, 'four.'],
  ]);
});
