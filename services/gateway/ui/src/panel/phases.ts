// What the phases of a job are called on the screen.
import type { JobKind } from '../api/client';

const WORDS: Record<string, string> = {
  resolving: 'Resolving',
  downloading: 'Downloading',
  converting: 'Converting',
  tokenizing: 'Tokenizing',
  finishing: 'Finishing',
  plan: 'Plan',
  work: 'Work',
  finish: 'Finish',
};

/** No phase yet: no worker has taken it. */
export function phaseWord(phase: string): string {
  if (phase === '') return 'Waiting for a worker';
  return WORDS[phase] ?? phase.charAt(0).toUpperCase() + phase.slice(1);
}

/** `attempt 2 of 3` */
export function attemptText(tries: number, maxTries: number): string {
  return `attempt ${tries} of ${maxTries}`;
}

export const KIND_WORDS: Record<JobKind, string> = { ingest: 'Download', tokenize: 'Tokenization' };
