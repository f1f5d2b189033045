//! Who is reading: the open streams, for people to look at and to cancel.
//!
//! Names come from the headers `x-tokenmill-run-id`, `x-tokenmill-rank` and `x-tokenmill-world-size` of `DoGet`. They
//! are shown, and decide nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use futures::stream::{self, AbortHandle, Abortable, StreamExt};
use http::HeaderMap;
use serde::Serialize;
use tonic::Status;

use crate::descriptor::Wanted;
use crate::message::Message;
use crate::plan::ReadPlan;
use crate::service::Stream;

/// Of a name that a client gives itself.
const MAX_NAME: usize = 128;

/// What a client calls itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Names {
    pub(crate) run_id: Option<String>,
    pub(crate) rank: Option<String>,
    pub(crate) world_size: Option<String>,
}

impl Names {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.chars().take(MAX_NAME).collect())
        };
        Self {
            run_id: text("x-tokenmill-run-id"),
            rank: text("x-tokenmill-rank"),
            world_size: text("x-tokenmill-world-size"),
        }
    }
}

/// An open stream as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Reader {
    #[serde(flatten)]
    pub(crate) names: Names,
    /// What is read: a read plan with its rank, or a path.
    pub(crate) reads: serde_json::Value,
    /// The step of the last row that was handed to the network; None without a plan.
    pub(crate) step: Option<u64>,
    pub(crate) rows: u64,
    /// Over the life of the stream.
    pub(crate) rows_per_second: f64,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) last_seen_at: DateTime<Utc>,
}

#[derive(Debug)]
struct Open {
    names: Names,
    what: Wanted,
    opened_at: DateTime<Utc>,
    progress: Arc<Progress>,
    abort: AbortHandle,
}

#[derive(Debug, Default)]
struct Progress {
    rows: AtomicU64,
    /// Milliseconds since the Unix epoch.
    last_seen: AtomicU64,
}

/// The open streams, by the order in which they were opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readers(Arc<Mutex<(u64, BTreeMap<u64, Open>)>>);

/// Takes its stream off the list.
struct Listed {
    readers: Readers,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.readers.lock().1.remove(&self.number);
    }
}

impl Readers {
    /// The same stream, listed for as long as it is open.
    pub(crate) fn list(&self, names: Names, what: Wanted, rows: Stream<Message>) -> Stream<Message> {
        let (abort, registration) = AbortHandle::new_pair();
        let progress = Arc::new(Progress::default());
        let opened_at = service_kit::now();
        let number = {
            let mut open = self.lock();
            open.0 += 1;
            let number = open.0;
            let entry = Open { names, what, opened_at, progress: Arc::clone(&progress), abort: abort.clone() };
            open.1.insert(number, entry);
            number
        };
        let listed = Listed { readers: self.clone(), number };
        let counted = Abortable::new(rows, registration).inspect(move |message| {
            let _until_the_end = &listed;
            if let Ok(message) = message {
                progress.saw(message.rows());
            }
        });
        // A stream that was cancelled must not look complete.
        let end = stream::once(async move { abort.is_aborted() });
        counted.chain(end.filter_map(|aborted| async move { aborted.then(|| Err(cancelled())) })).boxed()
    }

    /// Ends the streams of a plan (of one rank, when it names one) and says how many.
    pub(crate) fn cancel(&self, plan: &ReadPlan) -> usize {
        self.cancel_where(|what| match what {
            Wanted::Plan(open) if plan.rank.is_some() => open == plan,
            Wanted::Plan(open) => ReadPlan { rank: None, ..open.clone() } == *plan,
            Wanted::Rows(_) => false,
        })
    }

    /// Ends the streams of what a ticket is for.
    pub(crate) fn cancel_ticket(&self, wanted: &Wanted) -> usize {
        self.cancel_where(|what| what == wanted)
    }

    fn cancel_where(&self, is_meant: impl Fn(&Wanted) -> bool) -> usize {
        let open = self.lock();
        open.1.values().filter(|open| is_meant(&open.what)).map(|open| open.abort.abort()).count()
    }

    /// The open streams, oldest first.
    pub(crate) fn shown(&self) -> Vec<Reader> {
        let now = service_kit::now();
        self.lock().1.values().map(|open| open.shown(now)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (u64, BTreeMap<u64, Open>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn saw(&self, rows: u64) {
        let now = u64::try_from(service_kit::now().timestamp_millis()).unwrap_or(0);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.last_seen.store(now, Ordering::Relaxed);
    }
}

impl Open {
    fn shown(&self, now: DateTime<Utc>) -> Reader {
        let rows = self.progress.rows.load(Ordering::Relaxed);
        let last_seen = i64::try_from(self.progress.last_seen.load(Ordering::Relaxed)).unwrap_or(0);
        let seconds = (now - self.opened_at).as_seconds_f64().max(0.001);
        let (reads, step) = match &self.what {
            Wanted::Rows(selection) => (serde_json::json!({"path": selection.target.descriptor().path}), None),
            Wanted::Plan(plan) => {
                let per_step = u64::from(plan.global_batch_rows / plan.world_size.max(1)).max(1);
                let step = plan.start_step + rows.saturating_sub(1) / per_step;
                (serde_json::json!({"plan": plan}), Some(step))
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
        let rows_per_second = rows as f64 / seconds;
        Reader {
            names: self.names.clone(),
            reads,
            step,
            rows,
            rows_per_second,
            opened_at: self.opened_at,
            last_seen_at: DateTime::from_timestamp_millis(last_seen).unwrap_or(self.opened_at).max(self.opened_at),
        }
    }
}

fn cancelled() -> Status {
    to_status(&Problem::new(Reason::StaleAttempt, "the stream was cancelled by CancelFlightInfo"))
}
