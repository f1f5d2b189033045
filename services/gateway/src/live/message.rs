//! A message on its way to a client, and how it may be treated when its reader is slow.

use super::wire::{
    Answer, DatasetMessage, DatasetSnapshotMessage, Gone, Happened, PanelChange, PanelChannel, PanelMessage,
    PanelSnapshotMessage, SnapshotEvent, Summary,
};
use axum::extract::ws::Utf8Bytes;
use dataset_model::{Dataset, DatasetEvent, Problem};
use dataset_proto::{
    BadMessage, Required,
    catalog::{DatasetEvent as ProtoEvent, DatasetSnapshot},
};
use serde::Serialize;

/// The channel that has a line for each dataset.
pub(super) const PANEL: &str = "datasets";

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

/// A message on its way to a client, or to many: its text is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub channel: String,
    /// Name of the event.
    pub event: &'static str,
    pub seq: Option<u64>,
    pub class: Class,
    pub text: Utf8Bytes,
}

impl Message {
    fn new(channel: &str, event: &'static str, seq: Option<u64>, class: Class, body: &impl Serialize) -> Self {
        // These types hold nothing that JSON refuses: no map with other keys than texts.
        let text = serde_json::to_string(body).unwrap_or_default().into();
        Self { channel: channel.to_owned(), event, seq, class, text }
    }

    /// Whether nothing follows on its channel: a dataset that is gone stays so.
    pub(super) fn is_end(&self) -> bool {
        self.channel != PANEL && self.event == "dataset_deleted"
    }

    /// The state of a dataset.
    pub(super) fn snapshot(channel: &str, snapshot: DatasetSnapshot) -> Result<Self, BadMessage> {
        let body = DatasetSnapshotMessage {
            channel: channel.to_owned(),
            event: SnapshotEvent::Snapshot,
            seq: snapshot.seq,
            reset: snapshot.reset,
            last_terminal: snapshot.last_terminal.map(Happened::try_from).transpose()?,
            data: Dataset::try_from(snapshot.dataset.required("dataset")?)?,
        };
        Ok(Self::new(channel, "snapshot", Some(body.seq), Class::Snapshot, &body))
    }

    /// Something that happened to a dataset.
    pub(super) fn event(channel: &str, event: ProtoEvent) -> Result<Self, BadMessage> {
        let body = DatasetMessage { channel: channel.to_owned(), body: event.try_into()? };
        let (name, seq) = (body.body.event.name(), body.body.seq);
        let job = match &body.body.event {
            DatasetEvent::DownloadProgress(progress) => Some(progress.job_id),
            DatasetEvent::TokenizationProgress(progress) => Some(progress.job_id),
            _ => None,
        };
        let class = match (seq, job) {
            (None, Some(job)) => Class::Latest(format!("{channel} {name} {job}")),
            _ => Class::Lasting,
        };
        Ok(Self::new(channel, name, seq, class, &body))
    }

    /// All datasets, one line each.
    pub(super) fn summaries<'a>(lines: impl Iterator<Item = &'a Summary>) -> Self {
        let data = lines.cloned().collect();
        let body = PanelSnapshotMessage { channel: PanelChannel::Datasets, event: SnapshotEvent::Snapshot, data };
        Self::new(PANEL, "snapshot", None, Class::Snapshot, &body)
    }

    /// A line that changed.
    pub(super) fn summary(line: Summary) -> Self {
        let key = key(&line.id);
        Self::panel("dataset_updated", key, PanelChange::DatasetUpdated(line))
    }

    /// A line that is gone; takes the place of a change that still waits.
    pub(super) fn gone(id: String) -> Self {
        Self::panel("dataset_deleted", key(&id), PanelChange::DatasetDeleted(Gone { id }))
    }

    fn panel(event: &'static str, class: Class, body: PanelChange) -> Self {
        let body = PanelMessage { channel: PanelChannel::Datasets, body };
        Self::new(PANEL, event, None, class, &body)
    }

    pub(super) fn subscribed(channel: &str) -> Self {
        Self::answer(channel, "subscribed", &Answer::Subscribed { channel: channel.to_owned() })
    }

    pub(super) fn unsubscribed(channel: &str) -> Self {
        Self::answer(channel, "unsubscribed", &Answer::Unsubscribed { channel: channel.to_owned() })
    }

    pub(super) fn pong() -> Self {
        Self::answer("", "pong", &Answer::Pong {})
    }

    pub(super) fn error(channel: Option<&str>, problem: Problem) -> Self {
        let Problem { reason, detail, retryable, retry_after_ms, next_step, errors } = problem;
        let to = channel.map(str::to_owned);
        let body = Answer::Error { channel: to, reason, detail, retryable, retry_after_ms, next_step, errors };
        Self::answer(channel.unwrap_or_default(), "error", &body)
    }

    fn answer(channel: &str, name: &'static str, body: &Answer) -> Self {
        Self::new(channel, name, None, Class::Lasting, body)
    }
}

/// A line takes the place of an earlier one of the same dataset.
fn key(id: &str) -> Class {
    Class::Latest(format!("{PANEL} {id}"))
}
