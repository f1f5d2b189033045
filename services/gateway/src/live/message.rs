//! The messages of the feeds, and how each may be treated when its reader is slow.

use chrono::{DateTime, Utc};
use dataset_model::{Dataset, DatasetEvent, DatasetStatus, Problem};
use dataset_proto::{
    BadMessage, Required,
    catalog::{DatasetEvent as ProtoEvent, DatasetSnapshot, DatasetSummary},
};
use serde::{Deserialize, Serialize};

/// What a client may say.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ClientMessage {
    Subscribe { channel: String, since: Option<u64> },
    Unsubscribe { channel: String },
    Ping {},
}

/// How a message may be treated while it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    /// Numbered, or an answer: never dropped.
    Lasting,
    /// Replaces the waiting one of the same key.
    Latest(String),
    /// The state of a channel: the first that waits is not counted.
    Snapshot,
}

/// A message on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub channel: String,
    /// Name of the event.
    pub event: &'static str,
    pub seq: Option<u64>,
    pub class: Class,
    pub text: String,
}

#[derive(Serialize)]
struct Snapshot<'a, T> {
    channel: &'a str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Events after the client's last number are too old to be replayed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reset: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_terminal: Option<Happened>,
    data: T,
}

#[derive(Serialize)]
struct OnChannel<'a, T> {
    channel: &'a str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Happened {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    event: DatasetEvent,
}

#[derive(Serialize)]
struct Change<T> {
    event: &'static str,
    data: T,
}

/// A dataset on one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    pub id: String,
    name: String,
    repo_id: String,
    status: DatasetStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    row_count: Option<u64>,
    size_bytes: Option<u64>,
    tokenization_count: u32,
    seq: u64,
    version: u64,
}

#[derive(Serialize)]
struct Gone<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(flatten)]
    problem: Option<&'a Problem>,
}

impl TryFrom<DatasetSummary> for Summary {
    type Error = BadMessage;

    fn try_from(summary: DatasetSummary) -> Result<Self, BadMessage> {
        Ok(Self {
            status: summary.status().try_into()?,
            id: summary.id,
            name: summary.name,
            repo_id: summary.repo_id,
            progress: summary.progress,
            row_count: summary.row_count,
            size_bytes: summary.size_bytes,
            tokenization_count: summary.tokenization_count,
            seq: summary.seq,
            version: summary.version,
        })
    }
}

impl TryFrom<ProtoEvent> for Happened {
    type Error = BadMessage;

    fn try_from(event: ProtoEvent) -> Result<Self, BadMessage> {
        let nanos = |at: &prost_types::Timestamp| u32::try_from(at.nanos).unwrap_or_default();
        let at = event.at.and_then(|at| DateTime::from_timestamp(at.seconds, nanos(&at)));
        Ok(Self { seq: event.seq, at, event: event.body.required("body")?.try_into()? })
    }
}

impl Message {
    fn new(channel: &str, event: &'static str, seq: Option<u64>, class: Class, body: &impl Serialize) -> Self {
        // These types hold nothing that JSON refuses: no map with other keys than texts.
        let text = serde_json::to_string(body).unwrap_or_default();
        Self { channel: channel.to_owned(), event, seq, class, text }
    }

    /// The state of a dataset.
    pub(super) fn snapshot(channel: &str, snapshot: DatasetSnapshot) -> Result<Self, BadMessage> {
        let data = Dataset::try_from(snapshot.dataset.required("dataset")?)?;
        let last_terminal = snapshot.last_terminal.map(Happened::try_from).transpose()?;
        let (seq, reset) = (Some(snapshot.seq), snapshot.reset);
        let body = Snapshot { channel, event: "snapshot", seq, reset, last_terminal, data };
        Ok(Self::new(channel, "snapshot", seq, Class::Snapshot, &body))
    }

    /// Something that happened to a dataset.
    pub(super) fn event(channel: &str, event: ProtoEvent) -> Result<Self, BadMessage> {
        let body = Happened::try_from(event)?;
        let (name, seq) = (body.event.name(), body.seq);
        let job = match &body.event {
            DatasetEvent::DownloadProgress(progress) => Some(progress.job_id),
            DatasetEvent::TokenizationProgress(progress) => Some(progress.job_id),
            _ => None,
        };
        let class = match (seq, job) {
            (None, Some(job)) => Class::Latest(format!("{channel} {name} {job}")),
            _ => Class::Lasting,
        };
        Ok(Self::new(channel, name, seq, class, &OnChannel { channel, body }))
    }

    /// All datasets, one line each.
    pub(super) fn summaries<'a>(channel: &str, lines: impl Iterator<Item = &'a Summary>) -> Self {
        let data: Vec<&Summary> = lines.collect();
        let body = Snapshot { channel, event: "snapshot", seq: None, reset: false, last_terminal: None, data };
        Self::new(channel, "snapshot", None, Class::Snapshot, &body)
    }

    /// A line that changed.
    pub(super) fn summary(channel: &str, data: &Summary) -> Self {
        let body = OnChannel { channel, body: Change { event: "dataset_updated", data } };
        Self::new(channel, "dataset_updated", None, Class::Latest(format!("{channel} {}", data.id)), &body)
    }

    /// A line that is gone; takes the place of a change that still waits.
    pub(super) fn gone(channel: &str, id: &str) -> Self {
        let body = OnChannel { channel, body: Change { event: "dataset_deleted", data: Gone { id } } };
        Self::new(channel, "dataset_deleted", None, Class::Latest(format!("{channel} {id}")), &body)
    }

    /// An answer to the client: `subscribed`, `unsubscribed` or `pong`.
    pub(super) fn answer(kind: &'static str, channel: Option<&str>) -> Self {
        let body = Answer { r#type: kind, channel, problem: None };
        Self::new(channel.unwrap_or_default(), kind, None, Class::Lasting, &body)
    }

    pub(super) fn error(channel: Option<&str>, problem: &Problem) -> Self {
        let body = Answer { r#type: "error", channel, problem: Some(problem) };
        Self::new(channel.unwrap_or_default(), "error", None, Class::Lasting, &body)
    }
}
