// The typed client of the REST surface; its types come from the OpenAPI document.
import createClient, { type FetchResponse } from 'openapi-fetch';
import type { components, paths } from './schema';
import { ApiProblem } from './problem';

export type Schemas = components['schemas'];
export type Dataset = Schemas['Dataset'];
export type DatasetStatus = Schemas['DatasetStatus'];
export type DatasetPage = Schemas['DatasetPage'];
export type DatasetStatistics = Schemas['DatasetStatistics'];
export type HubDataset = Schemas['HubDataset'];
export type HubConfig = Schemas['HubConfig'];
export type HubSplit = Schemas['HubSplit'];
export type Job = Schemas['Job'];
export type JobKind = Schemas['JobKind'];
export type JobState = Schemas['JobState'];
export type Problem = Schemas['ProblemDetails'];
export type Tokenization = Schemas['Tokenization'];
export type TokenizationStatus = Schemas['TokenizationStatus'];
export type TokenizeConfig = Schemas['TokenizeConfig'];

export const api = createClient<paths>({
  // The page's own origin; absolute, as `Request` wants it outside of a browser.
  baseUrl: window.location.origin,
  // Looked up at each call, so that a test can put its own in place.
  fetch: (request) => globalThis.fetch(request),
});

/** The answer's body; an answer that is a problem is thrown as one. */
export async function body<T extends Record<string | number, unknown>, O>(
  call: Promise<FetchResponse<T, O, `${string}/${string}`>>,
): Promise<NonNullable<FetchResponse<T, O, `${string}/${string}`>['data']>> {
  const { data, error, response } = await call;
  if (!response.ok || error !== undefined) throw problemOf(error, response);
  return data as NonNullable<typeof data>;
}

/** For calls that answer with nothing. */
export async function done(call: Promise<{ error?: unknown; response: Response }>): Promise<void> {
  const { error, response } = await call;
  if (!response.ok) throw problemOf(error, response);
}

function problemOf(error: unknown, response: Response): ApiProblem {
  if (typeof error === 'object' && error !== null && 'reason' in error) return ApiProblem.from(error);
  return new ApiProblem({
    reason: 'UNREACHABLE',
    title: 'The server does not answer as it should',
    detail: `${response.status} ${response.statusText} came from something in front of the gateway.`,
    retryable: response.status >= 500,
    errors: [],
    next_step: 'check that `tokenmill up` runs',
    status: response.status,
  });
}
