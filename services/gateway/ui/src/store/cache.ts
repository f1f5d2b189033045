// Changes to the cache of server state that come by push and by the page's own actions.
import type { QueryKey } from '@tanstack/react-query';
import type { Dataset, DatasetPage } from '../api/client';
import { datasetQuery, keys } from '../api/queries';
import { queryClient } from '../api/queryClient';

/** Many events at once are one new question. */
const GATHER_MS = 300;

const outdated = new Map<string, QueryKey>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks again soon for what is on the screen; the rest when it is shown. */
export function askAgain(...queryKeys: QueryKey[]): void {
  for (const key of queryKeys) outdated.set(JSON.stringify(key), key);
  timer ??= setTimeout(() => {
    timer = undefined;
    const now = [...outdated.values()];
    outdated.clear();
    for (const queryKey of now) void queryClient.invalidateQueries({ queryKey });
  }, GATHER_MS);
}

/** A dataset changed in a way that only the server can tell in full. */
export function outdate(id: string): void {
  askAgain(keys.dataset(id), keys.datasets, keys.jobs);
}

/** Changes a dataset wherever it is; all others stay the same objects, so that only its card is drawn again. */
function change(id: string, how: (dataset: Dataset) => Dataset): void {
  queryClient.setQueryData<Dataset>(keys.dataset(id), (dataset) => dataset && how(dataset));
  queryClient.setQueriesData<DatasetPage>({ queryKey: keys.datasets }, (page) => {
    if (!page?.items.some((item) => item.id === id)) return page;
    return { ...page, items: page.items.map((item) => (item.id === id ? how(item) : item)) };
  });
}

export function patchDataset(id: string, patch: Partial<Dataset>): void {
  const names = Object.keys(patch) as (keyof Dataset)[];
  change(id, (dataset) =>
    names.every((name) => dataset[name] === patch[name]) ? dataset : { ...dataset, ...patch },
  );
}

/** The whole record, unless a newer one is there. */
export function putDataset(record: Dataset): void {
  queryClient.setQueryData<Dataset>(keys.dataset(record.id), (dataset) => newer(dataset, record));
  change(record.id, (dataset) => newer(dataset, record));
}

function newer(known: Dataset | undefined, record: Dataset): Dataset {
  return known !== undefined && known.event_seq > record.event_seq ? known : record;
}

export function forgetDataset(id: string): void {
  queryClient.removeQueries({ queryKey: keys.dataset(id), type: 'inactive' });
  queryClient.setQueriesData<DatasetPage>({ queryKey: keys.datasets }, (page) => {
    if (!page?.items.some((item) => item.id === id)) return page;
    return { ...page, items: page.items.filter((item) => item.id !== id), total: page.total - 1 };
  });
  askAgain(keys.datasets, keys.jobs);
}

/** Asks for one record now, and puts it wherever the dataset is shown; the others need not be drawn again. */
export async function refreshDataset(id: string): Promise<void> {
  askAgain(keys.jobs);
  const record = await queryClient
    .query({ ...datasetQuery(id), staleTime: 0, retry: false })
    .catch(() => undefined);
  if (record !== undefined) putDataset(record);
}
