import { describe, expect, it } from 'vitest';
import { align, differencesOf, type PlacedToken } from './align';

const tokens = (...offsets: [number, number][]): PlacedToken[] =>
  offsets.map((o) => ({ offsets: o, kept: true }));
const kinds = (text: string, a: PlacedToken[], b: PlacedToken[]) =>
  align(text, a, b).map((group) => group.difference);

describe('align', () => {
  it('finds nothing between equal tokenizations', () => {
    const both = tokens([0, 3], [3, 7]);
    expect(kinds('one two', both, both)).toEqual(['none', 'none']);
  });

  it("groups what neither side's tokens cross", () => {
    const groups = align('unhappy end', tokens([0, 2], [2, 7], [7, 11]), tokens([0, 5], [5, 7], [7, 11]));
    expect(groups).toEqual([
      { a: [0, 2], b: [0, 2], difference: 'cut' },
      { a: [2, 3], b: [2, 3], difference: 'none' },
    ]);
  });

  it('does not count the space before a word as another cut', () => {
    expect(kinds('a word', tokens([0, 1], [1, 6]), tokens([0, 1], [2, 6]))).toEqual(['none', 'none']);
  });

  it('tells a token that a filter drops on one side only', () => {
    const dropped = tokens([0, 1], [1, 6]).map((token, index) => ({ ...token, kept: index > 0 }));
    expect(kinds('a word', tokens([0, 1], [1, 6]), dropped)).toEqual(['fate', 'none']);
  });

  it('keeps tokens that split a character together', () => {
    const groups = align('€x', tokens([0, 1], [0, 1], [1, 2]), tokens([0, 1], [1, 2]));
    expect(groups[0]).toEqual({ a: [0, 2], b: [0, 1], difference: 'cut' });
    expect(groups[1]?.difference).toBe('none');
  });

  it('covers each token once, whatever comes: gaps, empty tokens, one side alone', () => {
    const cases: [PlacedToken[], PlacedToken[]][] = [
      [tokens(), tokens([0, 1], [3, 3], [4, 6])],
      [tokens([0, 0], [0, 0], [2, 4]), tokens([1, 3], [3, 3])],
      [tokens([5, 6]), tokens([0, 1])],
      [tokens([0, 6]), tokens([0, 1], [1, 2], [2, 6], [6, 6])],
    ];
    for (const [a, b] of cases) {
      const groups = align('abcdef', a, b);
      expect(differencesOf(groups, 'a')).toHaveLength(a.length);
      expect(differencesOf(groups, 'b')).toHaveLength(b.length);
      expect(groups.every((group) => group.a[1] > group.a[0] || group.b[1] > group.b[0])).toBe(true);
    }
  });
});
