import { expect, it } from 'vitest';
import { readable } from './spelling';

it('reads the bytes of a byte-level vocabulary', () => {
  expect(readable(['Ġthe', 'Ċ', 'cafÃ©', 'ðŁĺĢ'])).toEqual([' the', '\n', 'café', '😀']);
});

it('keeps what is no whole text, and special tokens', () => {
  expect(readable(['Ġthe', 'Ã', '<|endoftext|>', '日'])).toEqual([' the', 'Ã', '<|endoftext|>', '日']);
});

it('reads the spaces of SentencePiece, and leaves words that only look encoded alone', () => {
  expect(readable(['▁the', 'Ġ', '##ing'])).toEqual([' the', 'Ġ', '##ing']);
});
