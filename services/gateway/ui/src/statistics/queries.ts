// The statistics of one tokenization, which never change.
import { queryOptions } from '@tanstack/react-query';
import { api, body, type DatasetStatistics } from '../api/client';

export type Statistics = DatasetStatistics;

/** Ids that one answer names: enough for the line of ranks, the most there are. */
const TOP = 1000;

export function statisticsOf(datasetId: string, tokenizationId: string) {
  return queryOptions({
    queryKey: ['statistics', datasetId, tokenizationId],
    queryFn: ({ signal }) => {
      const query = { tokenization_id: tokenizationId, top: TOP };
      return body(
        api.GET('/api/v1/datasets/{id}/statistics', { params: { path: { id: datasetId }, query }, signal }),
      );
    },
    staleTime: Infinity,
  });
}
