//! One dataset as a watcher hears it: a snapshot, every numbered event after it, and progress, latest wins.
//!
//! The watcher reads and never keeps a queue: events come from the table by number, so none can be lost or doubled,
//! and progress is whatever the counters said when the poll looked, told only after all events of that moment.

use super::News;
use crate::{
    domain::{pace::Pace, task::RetryPolicy},
    store::{StoreError, views, watch},
};
use dataset_model::{
    Dataset, DatasetEvent, DatasetId, JobId, Progress,
    event::{DownloadProgress, TokenizationProgress},
};
use sqlx::{Acquire, PgPool};
use std::{collections::HashMap, time::Instant};
use watch::{Numbered, RunningJob};

/// Events in one read; a watcher that is further behind reads again.
const PAGE: u32 = 256;
/// Files shown in a progress event.
const SHOWN_FILES: usize = 5;

/// What a watcher is told.
#[derive(Debug)]
pub(crate) enum Item {
    Snapshot {
        dataset: Box<Dataset>,
        /// Events after the client's number are too old to be replayed.
        reset: bool,
        last_terminal: Option<Numbered>,
    },
    Event(Numbered),
    Progress(DatasetEvent),
}

/// What is known of a watched dataset.
#[derive(Debug)]
pub(crate) struct DatasetWatcher {
    pool: PgPool,
    id: DatasetId,
    retry: RetryPolicy,
    /// The last number that was told.
    seq: u64,
    /// The notifications that were followed; none before the first look.
    heard: Option<u64>,
    shown: HashMap<JobId, Shown>,
}

#[derive(Debug)]
struct Shown {
    progress: Progress,
    tries: u32,
    pace: Pace,
}

impl DatasetWatcher {
    /// Starts to watch: the events after `since` in order, then a snapshot. None: there is no such dataset.
    pub(crate) async fn open(
        pool: PgPool,
        id: DatasetId,
        since: Option<u64>,
        retry: RetryPolicy,
    ) -> Result<Option<(Self, Vec<Item>)>, StoreError> {
        let mut watcher = Self { pool, id, retry, seq: since.unwrap_or(0), heard: None, shown: HashMap::new() };
        let mut items = Vec::new();
        let mut reset = false;
        if let Some(since) = since {
            let missed = watcher.all_events().await?;
            // A number ahead of ours is from another life of the database; a gap was pruned.
            reset = missed.first().is_some_and(|first| first.seq != since + 1) || watcher.is_ahead().await?;
            if !reset {
                items.extend(missed.into_iter().map(Item::Event));
            }
        }
        match watcher.snapshot(reset).await? {
            Some(snapshot) => items.push(snapshot),
            // Deleted: what is left to tell are the events up to its end.
            None if items.is_empty() => return Ok(None),
            None => {}
        }
        Ok(Some((watcher, items)))
    }

    async fn is_ahead(&self) -> Result<bool, StoreError> {
        let mut conn = self.pool.acquire().await?;
        Ok(watch::last_seq(&mut conn, self.id).await?.is_some_and(|last| last < self.seq))
    }

    async fn snapshot(&mut self, reset: bool) -> Result<Option<Item>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        // One moment for all of it, so that the snapshot's number is the snapshot's state.
        sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await?;
        let Some(dataset) = views::datasets::get(&mut tx, self.id, self.retry).await? else { return Ok(None) };
        let last_terminal = watch::last_terminal(&mut tx, self.id).await?;
        tx.commit().await?;
        self.seq = dataset.event_seq;
        Ok(Some(Item::Snapshot { dataset: Box::new(dataset), reset, last_terminal }))
    }

    /// All numbered events so far; the snapshot that follows them must leave no gap.
    async fn all_events(&mut self) -> Result<Vec<Numbered>, StoreError> {
        let mut all = Vec::new();
        loop {
            let page = self.events().await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// What there is to tell after `news`: at most a page of events, and progress when these are all. The flag says
    /// whether there is more.
    pub(crate) async fn items(&mut self, news: &News, now: Instant) -> Result<(Vec<Item>, bool), StoreError> {
        let mut items = Vec::new();
        if self.heard != Some(news.heard) || news.seq > self.seq {
            let events = self.events().await?;
            let more = events.len() == PAGE as usize;
            items.extend(events.into_iter().map(Item::Event));
            if more {
                return Ok((items, true));
            }
            self.heard = Some(news.heard);
        }
        // Counters from before the last event may be those of a job that has ended by it.
        if news.seq >= self.seq {
            items.extend(self.progress(&news.running, now).into_iter().map(Item::Progress));
        }
        Ok((items, false))
    }

    /// The next page of numbered events since the last call.
    async fn events(&mut self) -> Result<Vec<Numbered>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let events = watch::events_after(&mut conn, self.id, self.seq, PAGE).await?;
        if let Some(last) = events.last() {
            self.seq = last.seq;
        }
        Ok(events)
    }

    /// The progress of running jobs whose counters or tries moved since the last call.
    fn progress(&mut self, running: &[RunningJob], now: Instant) -> Vec<DatasetEvent> {
        self.shown.retain(|id, _| running.iter().any(|job| job.id == *id));
        running.iter().cloned().filter_map(|job| self.show(job, now)).collect()
    }

    fn show(&mut self, job: RunningJob, now: Instant) -> Option<DatasetEvent> {
        let RunningJob { id, tokenization_id, attempt, failures, progress } = job;
        let (tries, max_tries) = (self.retry.tries(failures), self.retry.max_tries);
        let counter = if tokenization_id.is_some() { progress.done } else { progress.done.max(progress.bytes) };
        let shown = self.shown.entry(id).or_insert_with(|| Shown {
            progress: Progress::default(),
            tries: 1,
            pace: Pace::new(now, counter),
        });
        if shown.progress == progress && shown.tries == tries {
            return None;
        }
        shown.pace.observe(now, counter);
        (shown.progress, shown.tries) = (progress.clone(), tries);
        let percent = percent(progress.done, progress.total);
        let rate = shown.pace.per_second();
        let eta_seconds = shown.pace.eta_seconds(progress.total);
        Some(match tokenization_id {
            None => DatasetEvent::DownloadProgress(DownloadProgress {
                job_id: id,
                progress: percent,
                downloaded: progress.done,
                total: progress.total,
                phase: progress.phase,
                bytes_per_second: rate,
                eta_seconds,
                attempt,
                tries,
                max_tries,
                rows: progress.rows,
                files: slowest(progress.files),
            }),
            Some(tokenization_id) => DatasetEvent::TokenizationProgress(TokenizationProgress {
                job_id: id,
                tokenization_id,
                progress: percent,
                tokens: progress.tokens,
                sequences: progress.sequences,
                samples: progress.done,
                total_samples: progress.total,
                samples_per_second: rate,
                eta_seconds,
                tries,
                max_tries,
            }),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage for display")]
fn percent(done: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { 100.0 * done.min(total) as f64 / total as f64 }
}

/// The files with the smallest part done.
fn slowest(mut files: Vec<dataset_model::FileProgress>) -> Vec<dataset_model::FileProgress> {
    files.sort_by(|a, b| percent(a.done, a.total).total_cmp(&percent(b.done, b.total)));
    files.truncate(SHOWN_FILES);
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};

    #[tokio::test]
    async fn counters_from_before_the_last_event_are_not_told() {
        // Nothing here asks the database.
        let pool = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nothing").unwrap();
        let retry = RetryPolicy { max_tries: 3, pause: Duration::ZERO };
        let mut watcher =
            DatasetWatcher { pool, id: DatasetId::new(), retry, seq: 7, heard: Some(3), shown: HashMap::new() };
        let progress = Progress { done: 5, total: 10, ..Progress::default() };
        let mut job = RunningJob { id: JobId::new(), tokenization_id: None, attempt: 1, failures: 0, progress };
        let news = |seq, job: &RunningJob| News { heard: 3, seq, running: Arc::new(vec![job.clone()]) };
        assert!(
            watcher.items(&news(6, &job), Instant::now()).await.unwrap().0.is_empty(),
            "the job ended with event 7"
        );
        let (items, more) = watcher.items(&news(7, &job), Instant::now()).await.unwrap();
        assert!(
            !more && matches!(&items[..], [Item::Progress(DatasetEvent::DownloadProgress(p))] if p.downloaded == 5)
        );
        assert!(watcher.items(&news(7, &job), Instant::now()).await.unwrap().0.is_empty(), "nothing moved");
        job.failures = 1;
        let (items, _) = watcher.items(&news(7, &job), Instant::now()).await.unwrap();
        assert!(
            matches!(&items[..], [Item::Progress(DatasetEvent::DownloadProgress(p))] if (p.tries, p.max_tries) == (2, 3)),
            "a failure is told though nothing moved: {items:?}"
        );
    }
}
