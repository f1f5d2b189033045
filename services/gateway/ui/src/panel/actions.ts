// What can be done with a dataset in its state. Pure.
import type { Dataset } from '../api/client';

export type CardAction = 'download' | 'resume' | 'retry' | 'cancel' | 'tokenize';

const WORDS: Record<CardAction, string> = {
  download: 'Download',
  resume: 'Resume',
  retry: 'Retry',
  cancel: 'Cancel',
  tokenize: 'Tokenize',
};

export function actionWord(action: CardAction): string {
  return WORDS[action];
}

/** Ended before its end by the user; files that came so far are kept. */
export function wasCancelled({ status, job }: Dataset): boolean {
  return status === 'pending' && job?.kind === 'ingest' && job.state === 'cancelled';
}

export function actionsOf(dataset: Dataset): CardAction[] {
  switch (dataset.status) {
    case 'pending':
      return [wasCancelled(dataset) ? 'resume' : 'download'];
    case 'downloading':
      return ['cancel'];
    case 'failed':
      return ['retry'];
    case 'ready': {
      const runs = dataset.tokenizations.some(({ status }) => status === 'pending' || status === 'running');
      return runs ? ['cancel'] : ['tokenize'];
    }
    case 'deleting':
      return [];
  }
}

/** The Hub refused whoever asked: another try makes sense with a token only. */
export function needsToken({ status, error }: Dataset): boolean {
  const reason: string | undefined = error?.reason;
  return status === 'failed' && (reason === 'HUB_GATED' || reason === 'HUB_TOKEN_REJECTED');
}
