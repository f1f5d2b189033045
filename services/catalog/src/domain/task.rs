//! Who may speak for a task, and what follows when a try of it did not succeed.
//!
//! A worker is believed only under the current attempt. Failures, crashes and out-of-memory are counted apart: the
//! first are the world's, the second point at the task itself, and the third have a remedy of their own.

use dataset_model::{AttemptId, JobId, Problem, Progress, Reason, TaskId, TaskKind, TaskState};
use std::time::Duration;

/// Crashes in a row, without durable progress between them, that make a task poison.
const POISON_CRASHES: u32 = 3;
/// Downloaded bytes that count as durable progress: transfers make their partial files durable every so many bytes.
pub const DURABLE_BYTES: u64 = 64 << 20;

/// Who speaks: fenced by the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub task_id: TaskId,
    pub attempt: u64,
    pub attempt_id: AttemptId,
}

/// What went wrong with a task so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    pub crashes: u32,
    pub failures: u32,
    pub oom_count: u32,
    /// 0 = the configured size.
    pub batch_rows: u32,
}

/// A task's row, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    pub id: TaskId,
    pub job_id: JobId,
    pub kind: TaskKind,
    pub ordinal: u32,
    pub state: TaskState,
    pub attempt: u64,
    pub attempt_id: Option<AttemptId>,
    pub tries: Tries,
    pub total: u64,
    pub progress: Progress,
}

/// How the caller stands to the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs under the caller's attempt.
    Current,
    /// The caller's attempt was the last one, and has ended so.
    Ended(TaskState),
}

/// A newer attempt exists, or the task is gone.
pub fn stale(task_id: TaskId) -> Problem {
    Problem::new(Reason::StaleAttempt, format!("the attempt of task `{task_id}` is not the current one"))
}

/// Refuses every attempt but the last one.
pub fn standing(task: &TaskRow, caller: Caller) -> Result<Standing, Problem> {
    if task.attempt != caller.attempt || task.attempt_id != Some(caller.attempt_id) {
        return Err(stale(caller.task_id));
    }
    Ok(match task.state {
        TaskState::Running => Standing::Current,
        ended @ (TaskState::Queued | TaskState::Done | TaskState::Failed | TaskState::Cancelled) => {
            Standing::Ended(ended)
        }
    })
}

/// Tries of a transient failure, and the pause between them.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    pub max_tries: u32,
    pub pause: Duration,
}

impl RetryPolicy {
    /// The try that follows so many failures, from 1. What failed for good may have used fewer than are allowed.
    pub fn tries(self, failures: u32) -> u32 {
        failures.saturating_add(1).min(self.max_tries)
    }
}

/// What follows a try that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Requeue { wait: Duration, tries: Tries },
    FailJob(Problem),
}

/// After a reported failure. `jitter` in 0..1 spreads the tries of many tasks over ±25 % of the pause.
pub fn after_failure(kind: TaskKind, tries: Tries, problem: Problem, policy: RetryPolicy, jitter: f64) -> Next {
    let pause = problem.retry_after_ms.map_or(policy.pause, Duration::from_millis);
    let wait = pause.mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0);
    let tries = Tries { failures: tries.failures + 1, ..tries };
    // Removing files has no user to tell: it goes on until it succeeds.
    // A full disk is for a person to mend; what was done stays for the job that is started then.
    let transient = problem.retryable && problem.reason != Reason::DiskFull;
    let again = kind == TaskKind::Gc || (transient && tries.failures < policy.max_tries);
    if again { Next::Requeue { wait, tries } } else { Next::FailJob(problem) }
}

/// After so many documents outgrew the memory budget: at once again with half of them, down to single documents.
pub fn after_out_of_memory(tries: Tries, problem: &Problem, documents: u32) -> Next {
    if documents <= 1 {
        return Next::FailJob(Problem { reason: Reason::TokenizeOom, retryable: false, ..problem.clone() });
    }
    let tries = Tries { oom_count: tries.oom_count + 1, batch_rows: documents / 2, ..tries };
    Next::Requeue { wait: Duration::ZERO, tries }
}

/// After a worker went silent.
pub fn after_crash(kind: TaskKind, tries: Tries) -> Next {
    let tries = Tries { crashes: tries.crashes + 1, ..tries };
    if kind == TaskKind::Gc || tries.crashes < POISON_CRASHES {
        return Next::Requeue { wait: Duration::ZERO, tries };
    }
    let detail = format!("the {} task ended its worker {POISON_CRASHES} times in a row", kind.as_str());
    Next::FailJob(Problem::new(Reason::Poison, detail).next_step("look into the log of the worker, then start again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { max_tries: 3, pause: Duration::from_mins(1) };

    fn requeued(next: Next) -> (Duration, Tries) {
        match next {
            Next::Requeue { wait, tries } => (wait, tries),
            Next::FailJob(problem) => panic!("{problem}"),
        }
    }

    #[test]
    fn three_tries_then_the_job_fails() {
        let problem = Problem::new(Reason::DownloadFailed, "connection reset");
        let fail = |tries| after_failure(TaskKind::Work, tries, problem.clone(), POLICY, 0.5);
        let (wait, tries) = requeued(fail(Tries::default()));
        assert_eq!((wait, tries.failures), (Duration::from_mins(1), 1));
        let (_, tries) = requeued(fail(tries));
        assert_eq!(fail(tries), Next::FailJob(problem.clone()));
    }

    #[test]
    fn a_final_failure_is_not_tried_again_but_gc_always_is() {
        for reason in [Reason::SourceCorrupt, Reason::DiskFull] {
            let problem = Problem::new(reason, "row 3");
            let after = |kind| after_failure(kind, Tries::default(), problem.clone(), POLICY, 0.0);
            assert_eq!(after(TaskKind::Work), Next::FailJob(problem.clone()));
            assert!(matches!(after(TaskKind::Gc), Next::Requeue { .. }));
        }
    }

    #[test]
    fn the_worker_may_name_the_pause_and_jitter_is_bounded() {
        let problem = Problem::new(Reason::DownloadFailed, "").retry_after(Duration::from_secs(8));
        for (jitter, seconds) in [(0.0, 6), (0.5, 8), (1.0, 10), (7.0, 10)] {
            let next = after_failure(TaskKind::Plan, Tries::default(), problem.clone(), POLICY, jitter);
            assert_eq!(requeued(next).0, Duration::from_secs(seconds));
        }
    }

    #[test]
    fn batches_halve_to_one_document() {
        let problem = Problem::new(Reason::TokenizeOom, "batch of 1 GiB");
        let (mut tries, mut sizes) = (Tries { batch_rows: 100, ..Tries::default() }, Vec::new());
        while let Next::Requeue { tries: next, .. } = after_out_of_memory(tries, &problem, tries.batch_rows) {
            sizes.push(next.batch_rows);
            tries = next;
        }
        assert_eq!((sizes, tries.oom_count), (vec![50, 25, 12, 6, 3, 1], 6));
        assert_eq!(after_out_of_memory(tries, &problem, 1), Next::FailJob(problem));
    }

    #[test]
    fn the_third_crash_is_poison() {
        let (_, tries) = requeued(after_crash(TaskKind::Work, Tries::default()));
        let (_, tries) = requeued(after_crash(TaskKind::Work, tries));
        assert!(matches!(after_crash(TaskKind::Work, tries), Next::FailJob(p) if p.reason == Reason::Poison));
        assert!(matches!(after_crash(TaskKind::Gc, tries), Next::Requeue { .. }));
    }

    #[test]
    fn only_the_last_attempt_speaks() {
        let caller = Caller { task_id: TaskId::new(), attempt: 2, attempt_id: AttemptId::new() };
        let task = TaskRow {
            id: caller.task_id,
            job_id: JobId::new(),
            kind: TaskKind::Work,
            ordinal: 0,
            state: TaskState::Running,
            attempt: 2,
            attempt_id: Some(caller.attempt_id),
            tries: Tries::default(),
            total: 0,
            progress: Progress::default(),
        };
        assert_eq!(standing(&task, caller), Ok(Standing::Current));
        assert_eq!(standing(&task, Caller { attempt: 1, ..caller }), Err(stale(caller.task_id)));
        assert_eq!(standing(&task, Caller { attempt_id: AttemptId::new(), ..caller }), Err(stale(caller.task_id)));
        let done = TaskRow { state: TaskState::Done, ..task };
        assert_eq!(standing(&done, caller), Ok(Standing::Ended(TaskState::Done)));
    }
}
