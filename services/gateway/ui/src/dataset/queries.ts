// What the pages of one dataset ask the gateway. Keys begin with what the answer is about, so that live events can
// say which of them are out of date; rows of a ready dataset never change.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, body, type Schemas } from '../api/client';
import type { TokenizeRequest } from './tokenizations/form';

export type { Dataset, Job, Tokenization } from '../api/client';
export type Preview = Schemas['Preview'];
export type RawSample = Schemas['RawSample'];
export type TokenSample = Schemas['TokenSample'];
export type Sample = RawSample | TokenSample;
export type Samples = Schemas['Samples'];

/** Which rows a table shows. */
export interface RowSource {
  datasetId: string;
  split: string | undefined;
  tokenizationId: string | undefined;
  q: string;
  /** Cells of raw rows are cut to about so many bytes. */
  cellBytes?: number;
}

export const samplesPrefix = (source: RowSource) => ['samples', source] as const;

export function samplesPage(source: RowSource, page: number, limit: number) {
  return queryOptions({
    queryKey: [...samplesPrefix(source), limit, page],
    queryFn: ({ signal }) => {
      const query = {
        page,
        limit,
        split: source.split,
        tokenization_id: source.tokenizationId,
        q: source.q === '' ? undefined : source.q,
        max_cell_bytes: source.cellBytes,
      };
      const path = { id: source.datasetId };
      return body(api.GET('/api/v1/datasets/{id}/samples', { params: { path, query }, signal }));
    },
    staleTime: Infinity,
    gcTime: 120_000,
  });
}

/** One raw row of a split. */
export function rawRow(datasetId: string, split: string | undefined, row: number) {
  const source = { datasetId, split, tokenizationId: undefined, q: '' };
  return samplesPage(source, row + 1, 1);
}

/** What a configuration makes of a text, or of a conversation as JSON; the last answer stays until the next is there. */
export function preview(request: TokenizeRequest | undefined, text: string, isChat = false) {
  return queryOptions({
    queryKey: ['preview', request, text, isChat],
    queryFn: ({ signal }) => {
      const asked = isChat ? { messages: parsed(text) } : { text };
      return body(api.POST('/api/v1/tokenize/preview', { body: { ...request, ...asked } as never, signal }));
    },
    enabled: request !== undefined && request.tokenizer_name !== '' && text !== '',
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
    retry: false,
  });
}

/** What is no JSON is sent as it is: the answer says what it should be. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
