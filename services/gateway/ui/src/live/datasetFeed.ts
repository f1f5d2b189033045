// One dataset's channel: progress goes to the store, the record to the cache, and ends of jobs are told.
import { announce } from '../app/LiveRegion';
import { keys } from '../api/queries';
import { queryClient } from '../api/queryClient';
import type { Dataset } from '../api/client';
import { formatCount } from '../format';
import { datasetsStore } from '../store/datasetsStore';
import { outdate, patchDataset, putDataset } from '../store/cache';
import type { DatasetMessage } from './messages';

function nameOf(id: string): string {
  const store = datasetsStore.getState();
  return (
    queryClient.getQueryData<Dataset>(keys.dataset(id))?.name ??
    store.datasets().find((dataset) => dataset.id === id)?.name ??
    'a dataset'
  );
}

export function receiveDataset(id: string, message: DatasetMessage): void {
  const store = datasetsStore.getState();
  switch (message.event) {
    case 'snapshot':
      putDataset(message.data);
      store.setRecord(message.data);
      break;
    case 'download_progress':
      store.updateDownloadProgress(id, message.data);
      break;
    case 'tokenization_progress':
      store.updateTokenizationProgress(id, message.data);
      break;
    case 'download_completed':
      store.setDownloadComplete(id, message.data);
      announce(`Download of ${nameOf(id)} is complete: ${formatCount(message.data.row_count)} rows.`);
      break;
    case 'download_failed':
      patchDataset(id, { status: 'failed', error: message.data.error });
      store.endDownload(id);
      announce(`Download of ${nameOf(id)} failed: ${message.data.error.detail}.`);
      break;
    case 'download_cancelled':
      store.endDownload(id);
      announce(`Download of ${nameOf(id)} was cancelled.`);
      break;
    case 'tokenization_completed':
      store.setTokenizationComplete(id, message.data.tokenization_id);
      announce(`A tokenization of ${nameOf(id)} is complete.`);
      break;
    case 'tokenization_failed':
      store.endTokenization(id, message.data.tokenization_id);
      announce(`A tokenization of ${nameOf(id)} failed: ${message.data.error.detail}.`);
      break;
    case 'tokenization_cancelled':
      store.endTokenization(id, message.data.tokenization_id);
      announce(`A tokenization of ${nameOf(id)} was cancelled.`);
      break;
    case 'dataset_updated':
      patchDataset(id, { status: message.data.status });
      outdate(id);
      break;
    case 'dataset_deleted':
      store.forget(id);
      break;
  }
}
