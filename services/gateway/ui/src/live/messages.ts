// The messages of the feed, as the server writes them.
import type { Dataset, DatasetStatistics, DatasetStatus, Problem, Schemas } from '../api/client';

export type FileProgress = Schemas['FileProgress'];

export interface DownloadProgress {
  job_id: string;
  /** Percent. */
  progress: number;
  downloaded: number;
  total: number;
  phase: string;
  bytes_per_second: number;
  eta_seconds?: number | null;
  attempt: number;
  /** The slowest five. */
  files: FileProgress[];
}

export interface TokenizationProgress {
  job_id: string;
  tokenization_id: string;
  /** Percent. */
  progress: number;
  tokens: number;
  sequences: number;
  samples: number;
  total_samples: number;
  samples_per_second: number;
  eta_seconds?: number | null;
}

/** A dataset on one line, on the channel `datasets`. */
export interface Summary {
  id: string;
  name: string;
  repo_id: string;
  status: DatasetStatus;
  progress?: number;
  row_count: number | null;
  size_bytes: number | null;
  tokenization_count: number;
  seq: number;
  version: number;
}

export type DatasetEvent =
  | { event: 'download_progress'; data: DownloadProgress }
  | {
      event: 'download_completed';
      data: { job_id: string; file_path: string; row_count: number; size_bytes: number };
    }
  | { event: 'download_failed'; data: { job_id: string; error: Problem } }
  | { event: 'download_cancelled'; data: { job_id: string } }
  | { event: 'tokenization_progress'; data: TokenizationProgress }
  | {
      event: 'tokenization_completed';
      data: { job_id: string; tokenization_id: string; statistics: DatasetStatistics };
    }
  | { event: 'tokenization_failed'; data: { job_id: string; tokenization_id: string; error: Problem } }
  | { event: 'tokenization_cancelled'; data: { job_id: string; tokenization_id: string } }
  | { event: 'dataset_updated'; data: { status: DatasetStatus } }
  | { event: 'dataset_deleted'; data: object };

export type ListEvent =
  | { event: 'snapshot'; data: Summary[] }
  | { event: 'dataset_updated'; data: Summary }
  | { event: 'dataset_deleted'; data: { id: string } };

export interface DatasetSnapshot {
  event: 'snapshot';
  seq: number;
  /** Events were missed that cannot be sent any more. */
  reset?: boolean;
  data: Dataset;
}

/** What a channel brings; which of them is known by the channel. */
export interface ChannelMessage {
  channel: string;
  event: string;
  seq?: number;
  reset?: boolean;
  data: unknown;
}

export interface ServerAnswer {
  type: 'subscribed' | 'unsubscribed' | 'pong' | 'error';
  channel?: string;
  reason?: string;
  detail?: string;
}

export type ServerMessage = ChannelMessage | ServerAnswer;

export function isChannelMessage(message: ServerMessage): message is ChannelMessage {
  return 'event' in message;
}

/** Reads a frame; what is not understood is left out, as a newer server may say more. */
export function parseMessage(text: string): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    if ('event' in value && 'channel' in value) return value as ChannelMessage;
    return 'type' in value ? (value as ServerAnswer) : undefined;
  } catch {
    return undefined;
  }
}
