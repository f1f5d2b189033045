import { expect, test } from 'vitest';
import * as format from './format';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [999.6, '1.00 kB'],
  [1234, '1.23 kB'],
  [99_949, '99.9 kB'],
  [99_951, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [7.4e9, '7.40 GB'],
  [5e18, '5000 PB'],
  [-1500, '-1.50 kB'],
  [null, '–'],
  [NaN, '–'],
])('%s bytes are %s', (bytes, text) => expect(format.formatBytes(bytes)).toBe(text));

test.each([
  [0, '0.0 s'],
  [0.44, '0.4 s'],
  [0.96, '1 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3600, '1 h 00 min'],
  [3725, '1 h 02 min'],
  [183_600, '2 d 3 h'],
  [undefined, '–'],
])('%s seconds are %s', (seconds, text) => expect(format.formatDuration(seconds)).toBe(text));

test.each([
  [3, 'a few seconds'],
  [12, '15 s'],
  [54.9, '55 s'],
  [58, '1 min'],
  [125, '2 min'],
  [3569, '59 min'],
  [3571, '1 h 00 min'],
  [undefined, '–'],
])('%s seconds left are about %s', (seconds, text) => expect(format.formatEta(seconds)).toBe(text));

test('all is said only when it is all', () => {
  expect(format.formatPercent(0.99999)).toBe('99.9 %');
  expect(format.formatPercent(0.99999, 0)).toBe('99 %');
  expect(format.formatPercent(1)).toBe('100.0 %');
  expect(format.formatPercent(0.07, 0)).toBe('7 %');
});

test('counts', () => {
  expect(format.formatCount(1_234_567)).toBe('1,234,567');
  expect(format.plural(1, 'row')).toBe('1 row');
  expect(format.plural(2000, 'row')).toBe('2,000 rows');
  expect(format.plural(2, 'try', 'tries')).toBe('2 tries');
});

test('ages', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  const ago = (seconds: number) => format.formatAgo(new Date(now - seconds * 1000).toISOString(), now);
  expect([10, 50, 300, 3569, 3600, 86_399, 200_000].map(ago)).toEqual([
    'just now',
    '1 min ago',
    '5 min ago',
    '59 min ago',
    '1 h ago',
    '1 d ago',
    '2 d ago',
  ]);
  // The clocks of server and browser differ.
  expect(ago(-20)).toBe('just now');
  expect(ago(30 * 86_400)).toBe('27 Oct 2026');
});
