//! A job's progress, counts and phases, put together from those of its tasks.

use super::task::RetryPolicy;
use chrono::{DateTime, Utc};
use dataset_model::{FileProgress, JobPhase, JobState, Progress, TaskCounts, TaskKind};

/// Slowest files that a job shows.
const FILES_SHOWN: usize = 5;

/// What the tasks of one kind add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindSum {
    pub counts: TaskCounts,
    pub queued: u32,
    /// The highest.
    pub attempt: u64,
    /// The most of one task.
    pub failures: u32,
    /// `phase` is that of a running task, empty when none runs.
    pub progress: Progress,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub next_run_at: Option<DateTime<Utc>>,
}

/// What a job shows of its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub progress: Progress,
    pub tasks: TaskCounts,
    pub attempt: u64,
    pub tries: u32,
    pub next_run_at: Option<DateTime<Utc>>,
    pub phases: Vec<JobPhase>,
}

/// Puts a job's kinds of tasks together. `sums` are in the order of the phases.
pub fn summary(state: JobState, sums: &[(TaskKind, KindSum)], retry: RetryPolicy) -> Summary {
    let (mut tasks, mut attempt, mut failures) = (TaskCounts::default(), 0, 0);
    for (_, sum) in sums {
        tasks.total += sum.counts.total;
        tasks.done += sum.counts.done;
        tasks.running += sum.counts.running;
        tasks.failed += sum.counts.failed;
        attempt = attempt.max(sum.attempt);
        failures = failures.max(sum.failures);
    }
    let mut progress = progress(sums);
    if state == JobState::Succeeded {
        progress.done = progress.total.max(progress.done);
        progress.total = progress.done;
    }
    let next_run_at = if state.is_terminal() { None } else { sums.iter().filter_map(|(_, s)| s.next_run_at).min() };
    let phases = sums.iter().map(|(kind, sum)| shown(*kind, sum, retry)).collect();
    Summary { progress, tasks, attempt, tries: retry.tries(failures), next_run_at, phases }
}

/// How far a job is. Plan and finish count in units of their own; the job's unit is that of its work.
pub fn progress(sums: &[(TaskKind, KindSum)]) -> Progress {
    let work = sums.iter().find(|(kind, _)| *kind == TaskKind::Work);
    let counted = work.map(|(_, sum)| sum.progress.clone()).unwrap_or_default();
    Progress { phase: phase(sums), files: slowest(&counted.files), ..counted }
}

/// What is going on: the phase of the latest kind of task that has begun.
fn phase(sums: &[(TaskKind, KindSum)]) -> String {
    let begun = sums.iter().rev().find(|(_, sum)| sum.started_at.is_some());
    match begun {
        Some((_, sum)) if !sum.progress.phase.is_empty() => sum.progress.phase.clone(),
        Some((TaskKind::Finish, _)) => "finishing".to_owned(),
        Some((TaskKind::Plan, _)) => "resolving".to_owned(),
        Some((TaskKind::Work | TaskKind::Gc, _)) | None => String::new(),
    }
}

fn slowest(files: &[FileProgress]) -> Vec<FileProgress> {
    let mut files = files.to_vec();
    // Compared as done/total without division.
    files.sort_by(|a, b| (u128::from(a.done) * u128::from(b.total)).cmp(&(u128::from(b.done) * u128::from(a.total))));
    files.truncate(FILES_SHOWN);
    files
}

fn shown(kind: TaskKind, sum: &KindSum, retry: RetryPolicy) -> JobPhase {
    let over = sum.counts.total > 0 && sum.counts.running == 0 && sum.queued == 0;
    JobPhase {
        name: kind.as_str().to_owned(),
        started_at: sum.started_at,
        finished_at: sum.finished_at.filter(|_| over),
        attempts: sum.attempt,
        tries: retry.tries(sum.failures),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(second, 0)
    }

    #[test]
    fn work_gives_the_unit_and_the_latest_kind_the_phase() {
        let plan = KindSum {
            counts: TaskCounts { total: 1, done: 1, ..TaskCounts::default() },
            attempt: 4,
            failures: 1,
            started_at: at(1),
            finished_at: at(2),
            progress: Progress { done: 7, total: 7, ..Progress::default() },
            ..KindSum::default()
        };
        let work = KindSum {
            counts: TaskCounts { total: 3, done: 1, running: 1, failed: 0 },
            queued: 1,
            attempt: 1,
            failures: 0,
            started_at: at(3),
            finished_at: at(4),
            next_run_at: at(9),
            progress: Progress { phase: "downloading".into(), done: 50, total: 200, ..Progress::default() },
        };
        let sums = [(TaskKind::Plan, plan), (TaskKind::Work, work)];
        let retry = RetryPolicy { max_tries: 3, pause: std::time::Duration::ZERO };
        let job = summary(JobState::Running, &sums, retry);
        assert_eq!((job.progress.phase.as_str(), job.progress.done, job.progress.total), ("downloading", 50, 200));
        assert_eq!((job.tasks.total, job.tasks.done, job.tasks.running, job.attempt), (4, 2, 1, 4));
        assert_eq!((job.tries, job.phases[0].tries, job.phases[1].tries), (2, 2, 1));
        assert_eq!((job.next_run_at, job.phases[0].finished_at, job.phases[1].finished_at), (at(9), at(2), None));
        let ended = summary(JobState::Succeeded, &sums, retry);
        assert_eq!((ended.progress.done, ended.progress.total, ended.next_run_at), (200, 200, None));
    }

    #[test]
    fn the_slowest_five_files() {
        let file = |done: u64| FileProgress { path: done.to_string(), done, total: 100 };
        let shown = slowest(&[70, 10, 90, 30, 50, 20].map(file));
        assert_eq!(shown.iter().map(|f| f.done).collect::<Vec<_>>(), [10, 20, 30, 50, 70]);
    }
}
