//! The stream of doorbells, its consumers, and the hints.

use async_nats::{
    Client, ConnectOptions, HeaderMap,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, PullConsumer, pull},
        stream::{self, DiscardPolicy, RetentionPolicy},
    },
};
use dataset_model::{DatasetId, JobKind, TaskId};
use dataset_proto::bus::{CancelHint, DatasetHint, Doorbell};
use futures::{Stream, StreamExt};
use prost::Message;
use std::time::Duration;

const STREAM: &str = "TOKENMILL_JOBS";
/// The header of W3C Trace Context, also in NATS.
const TRACEPARENT: &str = "traceparent";
/// How long a publish may wait for its ack.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// What went wrong on the way to NATS; never a reason for a job to fail.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("cannot connect to NATS at `{url}`")]
    Connect { url: String, source: async_nats::ConnectError },
    #[error("cannot make the stream `{STREAM}`")]
    Stream(#[source] async_nats::Error),
    #[error("cannot publish to `{subject}`")]
    Publish { subject: String, source: async_nats::Error },
    #[error("cannot receive from `{subject}`")]
    Receive { subject: String, source: async_nats::Error },
}

/// A doorbell that rang: acked when the catalog was asked.
#[derive(Debug)]
pub struct Ring(jetstream::Message);

impl Ring {
    /// W3C traceparent of the request behind it; empty when there is none.
    pub fn traceparent(&self) -> &str {
        let header = self.0.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
        header.map_or("", |value| value.as_str())
    }

    /// The catalog was asked, so the message has done its work.
    pub async fn answered(self) {
        if let Err(error) = self.0.ack_with(AckKind::Ack).await {
            tracing::debug!(%error, "a doorbell was not acked; it will ring again, harmlessly");
        }
    }
}

/// A connection to NATS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JobBus {
    client: Client,
    jetstream: jetstream::Context,
}

impl JobBus {
    /// Connects in the background: returns at once, also when no server is there yet.
    pub async fn connect(url: &str) -> Result<Self, BusError> {
        let options = ConnectOptions::new()
            .retry_on_initial_connect()
            .connection_timeout(Duration::from_secs(2))
            .request_timeout(Some(PUBLISH_TIMEOUT))
            .event_callback(|event| async move { tracing::debug!(%event, "nats") });
        let client = options.connect(url).await.map_err(|source| BusError::Connect { url: url.to_owned(), source })?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(PUBLISH_TIMEOUT);
        Ok(Self { client, jetstream })
    }

    /// Makes the stream and its durable consumers unless they are there: at start, and again after a lost store.
    pub async fn ensure_streams(&self) -> Result<(), BusError> {
        let failed = |error: async_nats::Error| BusError::Stream(error);
        let stream = self
            .jetstream
            .get_or_create_stream(stream::Config {
                name: STREAM.to_owned(),
                subjects: vec![subject(JobKind::Ingest).to_owned(), subject(JobKind::Tokenize).to_owned()],
                retention: RetentionPolicy::WorkQueue,
                discard: DiscardPolicy::New,
                max_messages: 100_000,
                max_message_size: 4096,
                // A doorbell nobody heard for an hour has been rung again by the reconciler long ago.
                max_age: Duration::from_hours(1),
                ..stream::Config::default()
            })
            .await
            .map_err(|error| failed(error.into()))?;
        for kind in [JobKind::Ingest, JobKind::Tokenize] {
            let consumer = pull::Config {
                durable_name: Some(durable(kind).to_owned()),
                filter_subject: subject(kind).to_owned(),
                ack_policy: AckPolicy::Explicit,
                ack_wait: Duration::from_secs(30),
                max_deliver: -1,
                ..pull::Config::default()
            };
            stream.get_or_create_consumer(durable(kind), consumer).await.map_err(|error| failed(error.into()))?;
        }
        Ok(())
    }

    /// Rings once and waits for the ack. `ring_id` is fresh for each ring: the stream answers OK to a repeated id
    /// without delivering it. `traceparent` is that of the request behind it, or empty.
    pub async fn ring(&self, kind: JobKind, ring_id: &str, traceparent: &str) -> Result<(), BusError> {
        let subject = subject(kind);
        let failed = |source: async_nats::Error| BusError::Publish { subject: subject.to_owned(), source };
        let doorbell =
            Doorbell { kind: dataset_proto::catalog::JobKind::from(kind).into(), ring_id: ring_id.to_owned() };
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, ring_id);
        if !traceparent.is_empty() {
            headers.insert(TRACEPARENT, traceparent);
        }
        let publish = async {
            let ack = self
                .jetstream
                .publish_with_headers(subject, headers, doorbell.encode_to_vec().into())
                .await
                .map_err(|error| failed(error.into()))?;
            ack.await.map_err(|error| failed(error.into()))?;
            Ok(())
        };
        tokio::time::timeout(PUBLISH_TIMEOUT, publish).await.map_err(|error| failed(error.into()))?
    }

    /// The next doorbell of a kind, or none within `wait`.
    pub async fn next_ring(&self, kind: JobKind, wait: Duration) -> Result<Option<Ring>, BusError> {
        let failed = |source: async_nats::Error| BusError::Receive { subject: subject(kind).to_owned(), source };
        let receive = async {
            let consumer: PullConsumer =
                self.jetstream.get_consumer_from_stream(durable(kind), STREAM).await.map_err(|e| failed(e.into()))?;
            let mut batch =
                consumer.fetch().max_messages(1).expires(wait).messages().await.map_err(|e| failed(e.into()))?;
            batch.next().await.transpose().map_err(failed)
        };
        let answer = tokio::time::timeout(wait + Duration::from_secs(1), receive).await;
        Ok(answer.map_err(|error| failed(error.into()))??.map(Ring))
    }

    /// Tells the worker of a task to ask the catalog now; best effort.
    pub async fn hint_cancel(&self, task_id: TaskId) {
        let payload = CancelHint { task_id: task_id.to_string() }.encode_to_vec();
        self.hint(format!("tokenmill.control.cancel.{task_id}"), payload).await;
    }

    /// Wakes the watchers of a dataset on other catalog replicas; best effort.
    pub async fn hint_dataset(&self, id: DatasetId) {
        let payload = DatasetHint { dataset_id: id.to_string() }.encode_to_vec();
        self.hint(format!("tokenmill.events.dataset.{id}"), payload).await;
    }

    async fn hint(&self, subject: String, payload: Vec<u8>) {
        if let Err(error) = self.client.publish(subject, payload.into()).await {
            tracing::debug!(%error, "a hint was not sent");
        }
    }

    /// Cancel hints for all tasks.
    pub async fn cancel_hints(&self) -> Result<impl Stream<Item = TaskId> + use<>, BusError> {
        let subject = "tokenmill.control.cancel.*";
        let subscription = self
            .client
            .subscribe(subject)
            .await
            .map_err(|error| BusError::Receive { subject: subject.to_owned(), source: error.into() })?;
        Ok(subscription.filter_map(|message| async move {
            CancelHint::decode(message.payload).ok().and_then(|hint| hint.task_id.parse().ok())
        }))
    }
}

const fn subject(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Ingest => "tokenmill.jobs.ingest",
        JobKind::Tokenize => "tokenmill.jobs.tokenize",
    }
}

const fn durable(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Ingest => "ingest-workers",
        JobKind::Tokenize => "tokenize-workers",
    }
}
