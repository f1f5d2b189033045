import { expect, it } from 'vitest';
import { changed, DEFAULTS, fieldErrors, formOf, requestOf, toRequest, type FilledConfig } from './form';

const config: FilledConfig = {
  tokenizer_name: 'org/model',
  tokenizer_revision: null,
  max_length: 512,
  stride: 0,
  min_token_length: 0,
  filter_special_tokens: false,
  filter_stop_words: false,
  stop_words_language: 'de',
  add_special_tokens: true,
  text_column: 'text',
  split: null,
  chat_template: null,
  packing: 'concat',
  append_eos: true,
  batch_size: 500,
};

it('sends what is filled in and leaves the rest to the server', () => {
  const answer = toRequest({ ...DEFAULTS, stride: '', max_length: ' 64 ' });
  expect(answer).toMatchObject({ request: { max_length: 64, min_token_length: 3 } });
  expect(Object.keys('request' in answer ? answer.request : {})).not.toContain('stride');
  expect(Object.keys('request' in answer ? answer.request : {})).not.toContain('split');
});

it('names each field that is no number', () => {
  expect(toRequest({ ...DEFAULTS, stride: '1.5', batch_size: 'x' })).toEqual({
    errors: { stride: 'must be a whole number', batch_size: 'must be a whole number' },
  });
});

it('packs without overlap and with end tokens, and undoes both', () => {
  const packed = changed(DEFAULTS, 'packing', 'concat');
  expect(packed).toMatchObject({ packing: 'concat', stride: '0', append_eos: true });
  expect(changed(packed, 'packing', 'none')).toEqual(DEFAULTS);
});

it('makes the same tokenization again', () => {
  expect(requestOf(config)).toMatchObject({
    tokenizer_name: 'org/model',
    max_length: 512,
    stride: 0,
    text_column: 'text',
  });
  expect(formOf(config).split).toBe('');
});

it("puts the server's refusals at their fields", () => {
  const errors = [
    { field: 'stride', description: 'must be below max_length' },
    { field: 'text', description: 'too long' },
  ];
  expect(fieldErrors(errors)).toEqual({ stride: 'must be below max_length' });
  expect(fieldErrors(undefined)).toEqual({});
});
