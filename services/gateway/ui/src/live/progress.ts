// Live progress as the screens show it, made from one event after the other. Pure: the time is an argument.
import type { Job } from '../api/client';
import type { DownloadProgress, FileProgress, TokenizationProgress } from './messages';
import { etaSeconds, smooth, type Rate } from './rate';

/** So long without progress, and it says so instead of showing a frozen bar. */
export const STALL_MS = 10_000;

export interface LiveFile extends FileProgress {
  rate: Rate;
  etaSeconds: number | undefined;
  /** When it last got further, in milliseconds. */
  movedAt: number;
}

export interface LiveJob {
  jobId: string;
  phase: string;
  /** 0 to 100; absent while the end is not known. */
  percent: number | undefined;
  /** Bytes of a download, rows of a tokenization. */
  done: number;
  total: number;
  rate: Rate | undefined;
  etaSeconds: number | undefined;
  /** The try it is at, from 1, and how many there are. */
  tries: number;
  maxTries: number;
  files: LiveFile[];
  /** Converted by a download: while a large file is, nothing else moves. */
  rows: number;
  tokens: number;
  sequences: number;
  /** When it last got further, in milliseconds. */
  movedAt: number;
}

interface Step {
  jobId: string;
  phase: string;
  done: number;
  total: number;
  perSecond: number;
  tries: number;
  maxTries: number;
  files?: FileProgress[];
  rows?: number;
  tokens?: number;
  sequences?: number;
}

/** The files of an event, with the speeds that their counters show: of each since it last moved. */
export function advanceFiles(before: LiveFile[], files: FileProgress[], at: number): LiveFile[] {
  return files.map((file) => {
    const same = before.find(({ path, done }) => path === file.path && done <= file.done);
    if (same === undefined)
      return { ...file, rate: { perSecond: 0, at }, etaSeconds: undefined, movedAt: at };
    if (same.done === file.done || at <= same.movedAt) return { ...same, ...file };
    const seconds = (at - same.movedAt) / 1000;
    const rate = smooth(same.rate, (file.done - same.done) / seconds, at);
    return { ...file, rate, etaSeconds: etaSeconds(file.done, file.total, rate), movedAt: at };
  });
}

function advance(before: LiveJob | undefined, step: Step, at: number): LiveJob {
  const same = before?.jobId === step.jobId ? before : undefined;
  const { rows = 0, tokens = 0 } = step;
  const moved =
    same?.done !== step.done || same.phase !== step.phase || same.rows !== rows || same.tokens !== tokens;
  const rate = moved ? smooth(same?.rate, step.perSecond, at) : same.rate;
  return {
    jobId: step.jobId,
    phase: step.phase,
    percent: step.total > 0 ? Math.min(100, (100 * step.done) / step.total) : undefined,
    done: step.done,
    total: step.total,
    rate,
    etaSeconds: etaSeconds(step.done, step.total, rate),
    tries: step.tries,
    maxTries: step.maxTries,
    files: advanceFiles(same?.files ?? [], step.files ?? [], at),
    rows,
    tokens,
    sequences: step.sequences ?? 0,
    movedAt: moved ? at : same.movedAt,
  };
}

export function afterDownload(before: LiveJob | undefined, event: DownloadProgress, at: number): LiveJob {
  const {
    job_id: jobId,
    phase,
    downloaded: done,
    total,
    tries,
    max_tries: maxTries,
    files,
    rows,
    bytes_per_second: perSecond,
  } = event;
  return advance(before, { jobId, phase, done, total, perSecond, tries, maxTries, files, rows }, at);
}

export function afterTokenization(
  before: LiveJob | undefined,
  event: TokenizationProgress,
  at: number,
): LiveJob {
  const {
    job_id: jobId,
    samples: done,
    total_samples: total,
    tokens,
    sequences,
    samples_per_second: perSecond,
    tries,
    max_tries: maxTries,
  } = event;
  const step = { jobId, phase: 'tokenizing', done, total, perSecond, tries, maxTries, tokens, sequences };
  return advance(before, step, at);
}

/** What a record says of a job, for the time until the first event. An event that came before knows more. */
export function fromJob(before: LiveJob | undefined, job: Job, at: number): LiveJob {
  const { tries, max_tries: maxTries } = job;
  if (before?.jobId === job.id) return before.tries >= tries ? before : { ...before, tries, maxTries };
  const { phase = '', done = 0, total = 0, files = [], rows = 0, tokens = 0, sequences = 0 } = job.progress;
  return advance(
    undefined,
    { jobId: job.id, phase, done, total, perSecond: 0, tries, maxTries, files, rows, tokens, sequences },
    at,
  );
}

export function isStalled(live: Pick<LiveJob, 'movedAt'>, now: number): boolean {
  return now - live.movedAt >= STALL_MS;
}
