// What the page knows beside the cache of server state: live progress by dataset, and the actions on datasets.
// Server state itself lives in the Query cache; `datasets` reads it from there.
import { create } from 'zustand';
import { api, body, done, type Dataset, type DatasetPage, type Job, type Schemas } from '../api/client';
import { datasetsQuery, keys, type DatasetsQuery } from '../api/queries';
import { queryClient } from '../api/queryClient';
import { Coalescer } from '../live/coalesce';
import type { DownloadProgress, TokenizationProgress } from '../live/messages';
import { afterDownload, afterTokenization, fromJob, type LiveJob } from '../live/progress';
import { forgetDataset, outdate, patchDataset } from './cache';

export interface LiveDataset {
  download?: LiveJob | undefined;
  /** By tokenization. */
  tokenizations: Readonly<Record<string, LiveJob>>;
}

interface Completed {
  job_id: string;
  file_path: string;
  row_count: number;
  size_bytes: number;
}

export interface DatasetsState {
  live: Readonly<Record<string, LiveDataset>>;
  /** Percent by dataset, as the panel's channel says; less than `live`, but of all datasets. */
  percents: Readonly<Record<string, number>>;

  datasets: () => Dataset[];
  fetchDatasets: (query: DatasetsQuery) => Promise<DatasetPage>;
  createDataset: (dataset: Schemas['NewDataset']) => Promise<Dataset>;
  deleteDataset: (id: string) => Promise<void>;
  startDownload: (id: string, options?: Schemas['Download']) => Promise<string>;
  startTokenization: (
    id: string,
    config: Schemas['TokenizeConfig'],
  ) => Promise<Schemas['TokenizationStarted']>;
  cancel: (id: string) => Promise<void>;
  /** The work of a job that failed or was cancelled once more, with the same selection or configuration. */
  retryJob: (job: Job) => Promise<string>;

  updateDownloadProgress: (id: string, progress: DownloadProgress) => void;
  setDownloadComplete: (id: string, completed: Completed) => void;
  updateTokenizationProgress: (id: string, progress: TokenizationProgress) => void;
  setTokenizationComplete: (id: string, tokenizationId: string) => void;
  updatePercent: (id: string, percent: number | undefined) => void;
  /** A record as the server has it now: what runs is shown, and what ended is not. */
  setRecord: (dataset: Dataset) => void;
  endDownload: (id: string) => void;
  endTokenization: (id: string, tokenizationId: string) => void;
  forget: (id: string) => void;
}

type Waiting =
  | { kind: 'download'; id: string; event: DownloadProgress }
  | { kind: 'tokenization'; id: string; event: TokenizationProgress }
  | { kind: 'percent'; id: string; percent: number | undefined };

const NOTHING: LiveDataset = { tokenizations: {} };
const ACTIVE = new Set(['queued', 'running']);

export const useDatasetsStore = create<DatasetsState>()((set, get) => {
  const waiting = new Coalescer<Waiting>((batch) =>
    set((state) => afterBatch(state, batch.values(), Date.now())),
  );

  const change = (id: string, live: LiveDataset) => {
    set((state) => ({ live: { ...state.live, [id]: live } }));
  };
  const end = (key: string, id: string, ended: (live: LiveDataset) => LiveDataset) => {
    waiting.drop((one) => one === key || one === `percent ${id}`);
    const live = get().live[id];
    if (live !== undefined) change(id, ended(live));
    outdate(id);
  };

  return {
    live: {},
    percents: {},

    datasets: () => {
      const pages = queryClient.getQueriesData<DatasetPage>({ queryKey: keys.datasets });
      const byId = new Map(
        pages.flatMap(([, page]) => page?.items ?? []).map((dataset) => [dataset.id, dataset]),
      );
      return [...byId.values()];
    },
    fetchDatasets: (query) => queryClient.query(datasetsQuery(query)),
    createDataset: async (dataset) => {
      const created = await body(api.POST('/api/v1/datasets', { body: dataset }));
      outdate(created.id);
      return created;
    },
    deleteDataset: async (id) => {
      await done(api.DELETE('/api/v1/datasets/{id}', { params: { path: { id } } }));
      get().forget(id);
    },
    startDownload: async (id, options = {}) => {
      const call = api.POST('/api/v1/datasets/{id}/download', { params: { path: { id } }, body: options });
      const { job_id } = await body(call);
      outdate(id);
      return job_id;
    },
    startTokenization: async (id, config) => {
      const call = api.POST('/api/v1/datasets/{id}/tokenize', { params: { path: { id } }, body: config });
      const started = await body(call);
      outdate(id);
      return started;
    },
    retryJob: async ({ id, dataset_id }) => {
      const { job_id } = await body(api.POST('/api/v1/jobs/{id}/retry', { params: { path: { id } } }));
      outdate(dataset_id);
      return job_id;
    },
    cancel: async (id) => {
      await done(api.POST('/api/v1/datasets/{id}/cancel', { params: { path: { id } } }));
      outdate(id);
    },

    updateDownloadProgress: (id, event) => waiting.push(`download ${id}`, { kind: 'download', id, event }),
    updateTokenizationProgress: (id, event) => {
      waiting.push(`tokenization ${event.tokenization_id}`, { kind: 'tokenization', id, event });
    },
    updatePercent: (id, percent) => waiting.push(`percent ${id}`, { kind: 'percent', id, percent }),
    setDownloadComplete: (id, { file_path, row_count, size_bytes }) => {
      patchDataset(id, { status: 'ready', file_path, row_count, size_bytes, error: null });
      get().endDownload(id);
    },
    setTokenizationComplete: (id, tokenizationId) => get().endTokenization(id, tokenizationId),
    setRecord: (dataset) => {
      const before = get().live[dataset.id];
      const after = withRecord(before ?? NOTHING, dataset, Date.now());
      if (before !== undefined || after !== NOTHING) change(dataset.id, after);
    },
    endDownload: (id) => end(`download ${id}`, id, (live) => ({ ...live, download: undefined })),
    endTokenization: (id, tokenizationId) => {
      end(`tokenization ${tokenizationId}`, id, (live) => {
        return { ...live, tokenizations: without(live.tokenizations, tokenizationId) };
      });
    },
    forget: (id) => {
      waiting.drop((key) => key.endsWith(` ${id}`));
      set(({ live, percents }) => ({ live: without(live, id), percents: without(percents, id) }));
      forgetDataset(id);
    },
  };
});

/** The store by the name of the design, for code outside of components. */
export const datasetsStore = useDatasetsStore;

/** All that waited, as one change: each subscriber is asked once. */
function afterBatch(state: DatasetsState, batch: Iterable<Waiting>, at: number): Partial<DatasetsState> {
  const live: Record<string, LiveDataset> = { ...state.live };
  const percents = new Map(Object.entries(state.percents));
  for (const one of batch) {
    const before = live[one.id] ?? NOTHING;
    switch (one.kind) {
      case 'download':
        live[one.id] = { ...before, download: afterDownload(before.download, one.event, at) };
        break;
      case 'tokenization': {
        const { tokenization_id: id } = one.event;
        const after = afterTokenization(before.tokenizations[id], one.event, at);
        live[one.id] = { ...before, tokenizations: { ...before.tokenizations, [id]: after } };
        break;
      }
      case 'percent':
        if (one.percent === undefined) percents.delete(one.id);
        else percents.set(one.id, one.percent);
        break;
    }
  }
  return { live, percents: Object.fromEntries(percents) };
}

function withRecord(live: LiveDataset, dataset: Dataset, at: number): LiveDataset {
  const { job } = dataset;
  const runs = job?.kind === 'ingest' && ACTIVE.has(job.state);
  const running = dataset.tokenizations.filter(({ status }) => status === 'pending' || status === 'running');
  const kept = running.flatMap(({ id }) => {
    const before = live.tokenizations[id];
    return before === undefined ? [] : [[id, before] as const];
  });
  const download = runs ? fromJob(live.download, job, at) : undefined;
  const same = download === live.download && kept.length === Object.keys(live.tokenizations).length;
  return same ? live : { download, tokenizations: Object.fromEntries(kept) };
}

function without<T>(map: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).filter(([one]) => one !== key));
}
