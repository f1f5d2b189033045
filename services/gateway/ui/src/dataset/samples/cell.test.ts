import { expect, it } from 'vitest';
import { cellText } from './cell';

it('shows texts as they are and all else as JSON', () => {
  expect(cellText('a\nb')).toBe('a\nb');
  expect([null, true, 1.5].map((value) => cellText(value))).toEqual(['null', 'true', '1.5']);
  expect(cellText([{ role: 'user', content: 'x' }, null])).toBe('[{"role": "user", "content": "x"}, null]');
});

it('does no more work than it shows', () => {
  const list = Array.from({ length: 1_000_000 }, () => 'x'.repeat(10));
  expect(cellText(list, 100).length).toBeLessThan(150);
  expect(cellText('x'.repeat(1_000_000), 100)).toHaveLength(100);
  const deep: unknown = [[[[[[['x']]]]]]];
  expect(cellText(deep)).toBe('[[[[[…]]]]]');
});

it('begins near what was searched for', () => {
  const text = `${'a'.repeat(500)}Needle${'b'.repeat(500)}`;
  expect(cellText(text, 100, 'needle')).toContain('Needle');
  expect(cellText('Needle first', 100, 'needle')).toBe('Needle first');
});
