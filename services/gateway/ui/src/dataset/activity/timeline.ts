// The phases of a job on one axis of time: where each begins, how long it took, and how it ended.

export interface Phase {
  name: string;
  started_at?: string | null | undefined;
  finished_at?: string | null | undefined;
  tries: number;
}

export interface TimedJob {
  created_at: string;
  finished_at?: string | null | undefined;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  phases: readonly Phase[];
}

export interface Bar {
  name: string;
  /** Shares of the job's time, 0 to 1. */
  from: number;
  to: number;
  seconds: number | undefined;
  /** `kept`: what an earlier job did, which this one goes on from. */
  state: 'waiting' | 'running' | 'done' | 'stopped' | 'kept';
  tries: number;
}

/** One bar per phase; `now` (milliseconds) is the end of what still runs. */
export function timeline(job: TimedJob, now: number): Bar[] {
  const start = Date.parse(job.created_at);
  const jobEnd = job.finished_at ? Date.parse(job.finished_at) : undefined;
  const end = Math.max(jobEnd ?? now, start + 1);
  const share = (time: number) => Math.min(Math.max((time - start) / (end - start), 0), 1);
  return job.phases.map((phase) => {
    const { name, tries } = phase;
    if (!phase.started_at) return { name, from: 0, to: 0, seconds: undefined, state: 'waiting', tries };
    const began = Date.parse(phase.started_at);
    const finished = phase.finished_at ? Date.parse(phase.finished_at) : undefined;
    if (finished !== undefined && finished <= start) {
      return { name, from: 0, to: 0, seconds: (finished - began) / 1000, state: 'kept', tries };
    }
    const state = stateOf(job, finished, jobEnd);
    const until = finished ?? end;
    return {
      name,
      from: share(began),
      to: share(until),
      seconds: Math.max(until - began, 0) / 1000,
      state,
      tries,
    };
  });
}

function stateOf(job: TimedJob, finished: number | undefined, jobEnd: number | undefined): Bar['state'] {
  if (finished === undefined) return jobEnd === undefined ? 'running' : 'stopped';
  // A failure or a cancel ends the phase that ran together with its job.
  const endedBadly = job.state === 'failed' || job.state === 'cancelled';
  return endedBadly && jobEnd !== undefined && finished >= jobEnd - 10 ? 'stopped' : 'done';
}

/** Seconds that a job took, or takes so far. */
export function jobSeconds(job: TimedJob, now: number): number {
  return (
    Math.max((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at), 0) / 1000
  );
}
