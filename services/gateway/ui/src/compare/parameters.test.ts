import { expect, it } from 'vitest';
import type { FilledConfig } from '../dataset/tokenizations/form';
import { differences, whatDiffers } from './parameters';

const config: FilledConfig = {
  tokenizer_name: 'org/a',
  max_length: 512,
  stride: 0,
  min_token_length: 3,
  filter_special_tokens: true,
  filter_stop_words: true,
  stop_words_language: 'en',
  add_special_tokens: true,
  packing: 'none',
  append_eos: false,
  batch_size: 1000,
};
const a = { config, tokenizer_revision: '0123456789' };

it('finds no difference between equal results, however they were batched', () => {
  expect(differences(a, { ...a, config: { ...config, batch_size: 10, split: null } })).toEqual([]);
});

it('names what differs in the words of the form', () => {
  const b = {
    config: { ...config, tokenizer_name: 'org/b', filter_stop_words: false, split: 'test' },
    tokenizer_revision: 'fedcba9876',
  };
  expect(differences(a, b)).toEqual([
    { name: 'Tokenizer', a: 'org/a', b: 'org/b' },
    { name: 'Filter stop words', a: 'yes', b: 'no' },
    { name: 'Split', a: 'default', b: 'test' },
  ]);
  expect(whatDiffers(a, b)[1]).toBe('Filter stop words: no (not yes)');
});

it('compares commits of one tokenizer, and not of two', () => {
  const later = { config, tokenizer_revision: 'fedcba9876' };
  expect(differences(a, later)).toEqual([{ name: 'Tokenizer revision', a: '01234567', b: 'fedcba98' }]);
});
