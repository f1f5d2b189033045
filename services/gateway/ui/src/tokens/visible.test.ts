import { describe, expect, it } from 'vitest';
import { clipped, visibleRuns } from './visible';

const shown = (text: string, spaces = false) =>
  visibleRuns(text, { spaces })
    .map((run) => (run.kind === 'mark' ? `[${run.mark}]` : run.text))
    .join('');

describe('visibleRuns', () => {
  it('marks line ends, tabs and controls, and spaces only where asked', () => {
    expect(shown('a b\n\tc\u0000\u001b')).toBe('a b[↵][⇥]c[NUL][ESC]');
    expect(shown('a b', true)).toBe('a[·]b');
  });

  it('names what would reorder or hide text', () => {
    expect(shown('x\u202ey\u2066z\u200b')).toBe('x[U+202E]y[U+2066]z[U+200B]');
    expect(shown('\ud800')).toBe('[U+D800]');
  });

  it('keeps emoji sequences whole', () => {
    expect(shown('👩‍👩‍👧 ok')).toBe('👩‍👩‍👧 ok');
  });

  it('loses nothing', () => {
    const text = 'a\r\n\u202e \u{e0041}😀\udc00';
    expect(
      visibleRuns(text, { spaces: true })
        .map((run) => run.text)
        .join(''),
    ).toBe(text);
  });
});

describe('clipped', () => {
  it('never cuts a pair in half', () => {
    expect(clipped('a😀b', 2)).toEqual({ text: 'a', cut: true });
    expect(clipped('a😀b', 3)).toEqual({ text: 'a😀', cut: true });
    expect(clipped('ab', 2)).toEqual({ text: 'ab', cut: false });
  });
});
