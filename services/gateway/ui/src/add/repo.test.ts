import { expect, test } from 'vitest';
import { readRepo } from './repo';

test.each([
  ['owner/name', 'owner/name', undefined],
  ['  owner/name ', 'owner/name', undefined],
  ['"owner/name"', 'owner/name', undefined],
  ['squad', 'squad', undefined],
  ['datasets/owner/name', 'owner/name', undefined],
  ['https://huggingface.co/datasets/owner/name', 'owner/name', undefined],
  ['https://huggingface.co/datasets/owner/name/', 'owner/name', undefined],
  ['huggingface.co/datasets/owner/name?row=1#x', 'owner/name', undefined],
  ['https://huggingface.co/datasets/owner/name/tree/v1.0/data', 'owner/name', 'v1.0'],
  [
    'https://huggingface.co/datasets/owner/name/tree/refs%2Fconvert%2Fparquet',
    'owner/name',
    'refs/convert/parquet',
  ],
  ['https://huggingface.co/datasets/squad', 'squad', undefined],
  ['https://huggingface.co/datasets/squad/tree/main', 'squad', 'main'],
  ['not a repo!', 'not a repo!', undefined],
])('%s is %s at %s', (typed, repo, revision) => expect(readRepo(typed)).toEqual({ repo, revision }));
