//! The JSON of the feeds: what a client may say, and everything it can be told.
//!
//! The same types are serialised and stand in the OpenAPI document, so that what is generated from it cannot differ.

use chrono::{DateTime, Utc};
use dataset_model::{Dataset, DatasetEvent, DatasetStatus, FieldViolation, Reason};
use dataset_proto::{
    BadMessage, Required,
    catalog::{DatasetEvent as ProtoEvent, DatasetSummary},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a client may say on the WebSocket.
#[derive(Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClientMessage {
    Subscribe {
        /// `datasets` or `dataset/{id}`.
        channel: String,
        /// The last number received: the numbered events after it come first.
        since: Option<u64>,
    },
    Unsubscribe {
        channel: String,
    },
    Ping {},
}

/// What the server says: answers, and the messages of the channels.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "describes the union; each message is serialised by itself")]
pub(crate) enum ServerMessage {
    Answer(Answer),
    DatasetSnapshot(DatasetSnapshotMessage),
    Dataset(DatasetMessage),
    PanelSnapshot(PanelSnapshotMessage),
    Panel(PanelMessage),
}

/// An answer to the client.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedAnswer)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Answer {
    Subscribed {
        channel: String,
    },
    Unsubscribed {
        channel: String,
    },
    Pong {},
    /// A problem; its `type` would be that of the message.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        reason: Reason,
        detail: String,
        retryable: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_step: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        errors: Vec<FieldViolation>,
    },
}

/// The first message of `dataset/{id}` after the events that were missed: the dataset as it is at `seq`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatasetSnapshotMessage {
    pub channel: String,
    #[schema(inline)]
    pub event: SnapshotEvent,
    pub seq: u64,
    /// Events after the client's last number are too old to be replayed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub reset: bool,
    /// The last event that ended a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_terminal: Option<Happened>,
    pub data: Dataset,
}

/// What happens on `dataset/{id}`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatasetMessage {
    pub channel: String,
    #[serde(flatten)]
    pub body: Happened,
}

/// Something that happened to a dataset: with a number it is never left out, progress has none.
#[derive(Serialize, ToSchema)]
pub(crate) struct Happened {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    pub event: DatasetEvent,
}

/// The first message of `datasets`: a line for each dataset.
#[derive(Serialize, ToSchema)]
pub(crate) struct PanelSnapshotMessage {
    #[schema(inline)]
    pub channel: PanelChannel,
    #[schema(inline)]
    pub event: SnapshotEvent,
    pub data: Vec<Summary>,
}

/// A line of `datasets` that changed or is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct PanelMessage {
    #[schema(inline)]
    pub channel: PanelChannel,
    #[serde(flatten)]
    pub body: PanelChange,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub(crate) enum PanelChange {
    DatasetUpdated(Summary),
    DatasetDeleted(Gone),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SnapshotEvent {
    Snapshot,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PanelChannel {
    Datasets,
}

/// A dataset on one line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = DatasetSummary)]
pub(crate) struct Summary {
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
    name: String,
    repo_id: String,
    status: DatasetStatus,
    /// Percent, while something runs whose size is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    row_count: Option<u64>,
    size_bytes: Option<u64>,
    tokenization_count: u32,
    seq: u64,
    version: u64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DatasetGone)]
pub(crate) struct Gone {
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
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
