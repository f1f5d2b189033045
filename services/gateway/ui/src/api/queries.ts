// What is asked of the server, by key. Server state lives in this cache only; pushed events patch it (live/).
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { DatasetSort } from '../search';
import { api, body, type DatasetStatus, type JobKind, type JobState } from './client';

export interface DatasetsQuery {
  page?: number | undefined;
  limit?: number | undefined;
  status?: DatasetStatus | undefined;
  q?: string | undefined;
  sort?: DatasetSort | undefined;
}

export interface JobsQuery {
  dataset_id?: string | undefined;
  state?: JobState | undefined;
  kind?: JobKind | undefined;
  page?: number | undefined;
  limit?: number | undefined;
}

export interface InspectQuery {
  repo_id: string;
  revision?: string | undefined;
  config?: string | undefined;
  split?: string | undefined;
}

/** The first words of the keys, for what has to be asked again. */
export const keys = {
  datasets: ['datasets'],
  dataset: (id: string) => ['dataset', id],
  jobs: ['jobs'],
  readers: ['readers'],
} as const;

export const datasetsQuery = (query: DatasetsQuery) =>
  queryOptions({
    queryKey: [...keys.datasets, query],
    queryFn: ({ signal }) => body(api.GET('/api/v1/datasets', { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: keys.dataset(id),
    queryFn: ({ signal }) => body(api.GET('/api/v1/datasets/{id}', { params: { path: { id } }, signal })),
  });

export const jobsQuery = (query: JobsQuery) =>
  queryOptions({
    queryKey: [...keys.jobs, query],
    queryFn: ({ signal }) => body(api.GET('/api/v1/jobs', { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const readersQuery = () =>
  queryOptions({
    queryKey: keys.readers,
    queryFn: ({ signal }) => body(api.GET('/api/v1/readers', { signal })),
  });

/**
 * A repository of the Hub, looked at and not downloaded. `ask` counts the clicks: the Hub is asked again only when the
 * user does. The token is no part of the key, so that no cache holds it.
 */
export const inspectQuery = ({ repo_id, ...query }: InspectQuery, ask: number, token: string) =>
  queryOptions({
    queryKey: ['hub', repo_id, query, ask],
    queryFn: ({ signal }) => {
      const header = token === '' ? {} : { 'X-HF-Token': token };
      return body(
        api.GET('/api/v1/hub/datasets/{repo_id}', { params: { path: { repo_id }, query, header }, signal }),
      );
    },
    staleTime: Infinity,
    gcTime: 60_000,
    retry: false,
  });
