// The tokenization form as data: its fields with their defaults and help, and how they become a request.
//
// Numbers stay texts until they are sent, so that a half-typed one is not changed under the cursor.

export type Packing = 'none' | 'concat';

export interface TokenizeForm {
  tokenizer_name: string;
  tokenizer_revision: string;
  max_length: string;
  stride: string;
  min_token_length: string;
  filter_special_tokens: boolean;
  filter_stop_words: boolean;
  stop_words_language: string;
  add_special_tokens: boolean;
  text_column: string;
  split: string;
  chat_template: string;
  packing: Packing;
  append_eos: boolean;
  batch_size: string;
}

export type FieldName = keyof TokenizeForm;

/** The server's own defaults. No tokenizer is one: it would be fetched from the Hub before anyone asked. */
export const DEFAULTS: TokenizeForm = {
  tokenizer_name: '',
  tokenizer_revision: '',
  max_length: '1024',
  stride: '512',
  min_token_length: '3',
  filter_special_tokens: true,
  filter_stop_words: true,
  stop_words_language: 'en',
  add_special_tokens: true,
  text_column: '',
  split: '',
  chat_template: '',
  packing: 'none',
  append_eos: false,
  batch_size: '1000',
};

export const LABELS: Record<FieldName, string> = {
  tokenizer_name: 'Tokenizer',
  tokenizer_revision: 'Tokenizer revision',
  max_length: 'Window (max_length)',
  stride: 'Stride',
  min_token_length: 'Minimum token length',
  filter_special_tokens: 'Filter special tokens',
  filter_stop_words: 'Filter stop words',
  stop_words_language: 'Stop-word language',
  add_special_tokens: 'Add special tokens',
  text_column: 'Text column',
  split: 'Split',
  chat_template: 'Chat template',
  packing: 'Packing',
  append_eos: 'End token after each document',
  batch_size: 'Batch size',
};

export const HELP: Record<FieldName, string> = {
  tokenizer_name: 'Model repository on the Hub whose tokenizer.json is used.',
  tokenizer_revision: 'Branch, tag or commit; empty for the default branch. Either is pinned to a commit.',
  max_length: 'Most tokens of a sequence, special tokens of the template included.',
  stride: 'Tokens that a window shares with the one before; less than the window, 0 when packing.',
  min_token_length: 'Tokens of fewer characters are dropped; 0 and 1 drop none.',
  filter_special_tokens: 'Drops special tokens that stand in the text.',
  filter_stop_words: 'Drops frequent words such as “the”.',
  stop_words_language: 'Two letters (ISO 639-1), such as en.',
  add_special_tokens: "Puts the tokenizer's own around each window, such as [CLS] … [SEP].",
  text_column: 'Empty: a column named text or content, else the only text column.',
  split: 'Empty: train, else the only split.',
  chat_template: "Jinja, for columns of conversations; empty for the tokenizer's own.",
  packing: "Concat fills every row to the window's length with documents one after another.",
  append_eos: 'Marks where a packed document ends.',
  batch_size: 'Documents encoded at once, up to 10,000; the result is the same.',
};

/** What goes to the server; fields left empty take its defaults. */
export interface TokenizeRequest {
  tokenizer_name: string;
  tokenizer_revision?: string;
  max_length?: number;
  stride?: number;
  min_token_length?: number;
  filter_special_tokens: boolean;
  filter_stop_words: boolean;
  stop_words_language?: string;
  add_special_tokens: boolean;
  text_column?: string;
  split?: string;
  chat_template?: string;
  packing: Packing;
  append_eos: boolean;
  batch_size?: number;
}

const NUMBERS = ['max_length', 'stride', 'min_token_length', 'batch_size'] as const;
const TEXTS = ['tokenizer_revision', 'stop_words_language', 'text_column', 'split'] as const;

export type FieldErrors = Partial<Record<FieldName, string>>;

/** The request, or which fields cannot be sent. Everything else the server checks, and says it by field. */
export function toRequest(form: TokenizeForm): { request: TokenizeRequest } | { errors: FieldErrors } {
  const { filter_special_tokens, filter_stop_words, add_special_tokens, packing, append_eos } = form;
  const request: TokenizeRequest = {
    tokenizer_name: form.tokenizer_name.trim(),
    filter_special_tokens,
    filter_stop_words,
    add_special_tokens,
    packing,
    append_eos,
  };
  const errors: FieldErrors = {};
  for (const field of NUMBERS) {
    const text = form[field].trim();
    if (text === '') continue;
    if (/^\d{1,10}$/.test(text)) request[field] = Number(text);
    else errors[field] = 'must be a whole number';
  }
  for (const field of TEXTS) {
    const text = form[field].trim();
    if (text !== '') request[field] = text;
  }
  if (form.chat_template !== '') request.chat_template = form.chat_template;
  return Object.keys(errors).length > 0 ? { errors } : { request };
}

/** The form after one field changed: packed rows do not overlap, and their documents end with a token. */
export function changed<F extends FieldName>(
  form: TokenizeForm,
  field: F,
  value: TokenizeForm[F],
): TokenizeForm {
  const next = { ...form, [field]: value };
  if (field !== 'packing') return next;
  return value === 'concat'
    ? { ...next, stride: '0', append_eos: true }
    : { ...next, stride: form.stride === '0' ? DEFAULTS.stride : form.stride, append_eos: false };
}

/** Settings as the server keeps them. */
export interface FilledConfig {
  tokenizer_name: string;
  tokenizer_revision?: string | null | undefined;
  max_length: number;
  stride: number;
  min_token_length: number;
  filter_special_tokens: boolean;
  filter_stop_words: boolean;
  stop_words_language: string;
  add_special_tokens: boolean;
  text_column?: string | null | undefined;
  split?: string | null | undefined;
  chat_template?: string | null | undefined;
  packing: Packing;
  append_eos: boolean;
  batch_size: number;
}

/** The form filled in with the settings of a tokenization. */
export function formOf(config: FilledConfig): TokenizeForm {
  return {
    ...config,
    tokenizer_revision: config.tokenizer_revision ?? '',
    max_length: String(config.max_length),
    stride: String(config.stride),
    min_token_length: String(config.min_token_length),
    text_column: config.text_column ?? '',
    split: config.split ?? '',
    chat_template: config.chat_template ?? '',
    batch_size: String(config.batch_size),
  };
}

/** The request that makes the same tokenization again. */
export function requestOf(config: FilledConfig): TokenizeRequest {
  const filled = toRequest(formOf(config));
  if ('request' in filled) return filled.request;
  throw new Error('settings that the server keeps are whole');
}

/** The server's refusals by field. A preview names `text` too, which is no field of the form. */
export function fieldErrors(
  errors: readonly { field: string; description: string }[] | undefined,
): FieldErrors {
  const known = (errors ?? []).filter((error) => error.field in LABELS);
  return Object.fromEntries(known.map((error) => [error.field, error.description]));
}
