import { expect, it } from 'vitest';
import { describe as described, looksSpecial, partsOf, spansOfPreview, spansOfRow } from './spans';

const drawn = (piece: string) =>
  partsOf(piece)
    .map((part) => (part.kind === 'text' ? part.text : part.kind === 'mark' ? part.mark : `{${part.byte}}`))
    .join('');

it('shows a space as a dot and a line end as an arrow', () => {
  expect(drawn(' world\n')).toBe('·world↵');
});

it('shows bytes of a split character as bytes, and text that only looks so as text', () => {
  expect(drawn(' <0xE2><0x82>')).toBe('·{226}{130}');
  expect(drawn('<0x41>')).toBe('<0x41>');
});

it('knows the bytes of a stored row', () => {
  const [euro, rest] = spansOfRow({ input_ids: [7, 8], pieces: ['€', ' <0xE2>'] });
  expect(euro?.bytes).toEqual([0xe2, 0x82, 0xac]);
  expect(rest?.bytes).toEqual([0x20, 0xe2]);
});

it("takes the preview's word for bytes: written text is text", () => {
  const bytes = [...new TextEncoder().encode('<0xE2>')];
  const [span] = spansOfPreview([{ id: 1, piece: '<0xE2>', bytes, special: false, dropped_by: null }]);
  expect(span?.parts).toEqual([{ kind: 'text', text: '<0xE2>' }]);
});

it('recognises special tokens by their usual spellings only', () => {
  for (const piece of [
    '<|im_end|>',
    '<|endoftext|>',
    '<s>',
    '</s>',
    '[CLS]',
    '<start_of_turn>',
    '<｜end▁of▁sentence｜>',
  ]) {
    expect(looksSpecial(piece), piece).toBe(true);
  }
  for (const piece of ['<div>', '[1]', '[a]', '< s >', 'word', '<|', '<| a b |>']) {
    expect(looksSpecial(piece), piece).toBe(false);
  }
});

it('says id, bytes and fate', () => {
  const [span] = spansOfPreview([
    { id: 262, piece: ' the', bytes: [32, 116, 104, 101], special: false, dropped_by: 'stop_word' },
  ]);
  expect(span && described(span)).toBe('id 262 · bytes 20 74 68 65 · dropped: stop word');
});
