import { expect, it } from 'vitest';
import { quoted, shellWord, snippets, type Subject } from './snippets';

const at = { gateway: 'http://127.0.0.1:8080', flight: 'grpc://127.0.0.1:8815', catalog: '127.0.0.1:50051' };
const raw: Subject = { datasetId: 'd-1', name: 'org/rows', splits: ['train', 'test'] };
const tokenized: Subject = { ...raw, tokenization: { id: 't-1', tokenizer: 'gpt2' } };
const code = (subject: Subject, id: string) =>
  snippets(subject, at).find((snippet) => snippet.id === id)?.code ?? '';

it('reads sequences of the tokenization where there is one', () => {
  expect(code(tokenized, 'flight')).toContain('for_path("tokenizations", "t-1")');
  expect(code(tokenized, 'flight')).toContain('connect("grpc://127.0.0.1:8815")');
  expect(code(tokenized, 'torch')).toContain('tokenization="t-1"');
});

it('reads rows of a split where there is none', () => {
  expect(code(raw, 'flight')).toContain('for_path("datasets", "d-1", "raw", "train")');
  expect(snippets(raw, at).map((snippet) => snippet.id)).toEqual(['flight', 'cli', 'grpcurl']);
});

it('quotes names for the language they stand in', () => {
  expect(quoted('a"\\\n\u202eé')).toBe('"a\\"\\\\\\n\\u202e\\u00e9"');
  expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(code({ ...raw, splits: ['x"); import os; ("'] }, 'flight')).toContain(
    '"raw", "x\\"); import os; (\\"")',
  );
});

it('gives gRPC a body in one word', () => {
  expect(code(raw, 'grpcurl')).toContain(
    `-d '{"id":"d-1"}' 127.0.0.1:50051 tokenmill.catalog.v1.DatasetService/Get`,
  );
});
