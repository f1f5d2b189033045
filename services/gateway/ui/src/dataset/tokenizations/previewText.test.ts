import { expect, it } from 'vitest';
import { shortened } from './previewText';

it('keeps short texts and cuts long ones between characters', () => {
  expect(shortened('äöü', 6)).toBe('äöü');
  expect(shortened('äöü', 5)).toBe('äö');
  expect(shortened('a😀b', 4)).toBe('a');
  expect(shortened('x'.repeat(100), 10)).toHaveLength(10);
});
