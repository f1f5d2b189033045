//! The catalog's watch streams, held open across its restarts.
//!
//! After a break the stream is opened again with the last number that came through, so the catalog sends what was
//! missed first. A stream ends by itself only when the dataset is deleted, or when the catalog refuses it.

use super::{message::Message, wire::Summary};
use crate::error::ApiError;
use catalog_client::CatalogClient;
use dataset_model::{DatasetId, Problem};
use dataset_proto::{
    BadMessage,
    catalog::{
        DatasetEvent, DatasetSummary, WatchDatasetRequest, WatchDatasetResponse, WatchDatasetsRequest,
        WatchDatasetsResponse, dataset_event::Body, watch_dataset_response::Item,
        watch_datasets_response::Item as SummaryItem,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tonic::{Code, Status, Streaming};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a subscription gives.
#[derive(Debug, Clone)]
pub(super) enum Feed {
    Message(Arc<Message>),
    /// The catalog refuses the stream; nothing follows.
    Refused(Problem),
}

/// What a channel is called on the feeds.
pub(super) fn channel_of(id: DatasetId) -> String {
    format!("dataset/{id}")
}

/// A stream of the catalog and what becomes of its items.
pub(super) trait Source {
    type Item;
    type Told;

    fn open(&mut self) -> impl Future<Output = Result<Streaming<Self::Item>, Status>> + Send;

    /// What an item tells, if anything.
    fn translate(&mut self, item: Self::Item) -> Result<Option<Self::Told>, BadMessage>;

    /// Whether nothing follows what was told.
    fn is_over(&self, told: &Self::Told) -> bool;
}

#[derive(Debug)]
pub(super) struct Watch<S: Source> {
    pub source: S,
    open: Option<Streaming<S::Item>>,
    pause: Duration,
    ended: bool,
}

impl<S: Source> Watch<S> {
    pub(super) fn new(source: S) -> Self {
        Self { source, open: None, pause: FIRST_PAUSE, ended: false }
    }

    /// What is told next; none when nothing follows. An error is the last.
    pub(super) async fn next(&mut self) -> Option<Result<S::Told, Problem>> {
        while !self.ended {
            match self.item().await {
                Ok(Some(item)) => {
                    self.pause = FIRST_PAUSE;
                    match self.source.translate(item) {
                        Ok(Some(told)) => {
                            self.ended = self.source.is_over(&told);
                            return Some(Ok(told));
                        }
                        Ok(None) => {}
                        // A newer catalog may send what this version does not know; what follows is still of use.
                        Err(error) => tracing::warn!(%error, "left out an item of a watch stream"),
                    }
                }
                Err(status) if is_refusal(status.code()) => {
                    self.ended = true;
                    return Some(Err(ApiError::from(status).into_problem()));
                }
                Ok(None) | Err(_) => self.rest().await,
            }
        }
        None
    }

    async fn item(&mut self) -> Result<Option<S::Item>, Status> {
        let streaming = match &mut self.open {
            Some(streaming) => streaming,
            None => self.open.insert(self.source.open().await?),
        };
        streaming.message().await
    }

    /// Pauses before the stream is opened again, longer each time.
    async fn rest(&mut self) {
        self.open = None;
        tracing::debug!(pause = ?self.pause, "a watch stream broke; opening it again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Codes that tell of the request and not of the way to the catalog.
const fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::NotFound
            | Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented
    )
}

/// The stream of one dataset: events after `last`, a snapshot, then what happens.
#[derive(Debug)]
pub(super) struct OneDataset {
    pub catalog: CatalogClient,
    /// Streams that are being opened at once: each asks the database for a while.
    pub gate: Arc<Semaphore>,
    pub id: DatasetId,
    /// The last number that came through.
    pub last: Option<u64>,
}

impl Source for OneDataset {
    type Item = WatchDatasetResponse;
    type Told = Message;

    async fn open(&mut self) -> Result<Streaming<WatchDatasetResponse>, Status> {
        let _permit = self.gate.acquire().await;
        let request = WatchDatasetRequest { dataset_id: self.id.to_string(), since_seq: self.last };
        Ok(self.catalog.watch().watch_dataset(request).await?.into_inner())
    }

    fn translate(&mut self, response: WatchDatasetResponse) -> Result<Option<Message>, BadMessage> {
        let channel = channel_of(self.id);
        match response.item {
            Some(Item::Snapshot(snapshot)) => {
                // Set and not raised: a client may have come with a number that never was.
                self.last = Some(snapshot.seq);
                Message::snapshot(&channel, snapshot).map(Some)
            }
            Some(Item::Event(event)) if self.is_known(&event) => Ok(None),
            Some(Item::Event(event)) => {
                self.last = event.seq.or(self.last);
                Message::event(&channel, event).map(Some)
            }
            None => Ok(None),
        }
    }

    fn is_over(&self, message: &Message) -> bool {
        message.is_end()
    }
}

impl OneDataset {
    fn is_known(&self, event: &DatasetEvent) -> bool {
        let deleted = matches!(event.body, Some(Body::DatasetDeleted(_)));
        !deleted && event.seq.is_some_and(|seq| self.last.is_some_and(|last| seq <= last))
    }
}

/// The stream of all datasets, a line each.
#[derive(Debug)]
pub(super) struct AllDatasets {
    catalog: CatalogClient,
    /// All lines, until the catalog said that they are all.
    known: Option<BTreeMap<String, Summary>>,
}

/// What becomes of the lines.
#[derive(Debug)]
pub(super) enum Line {
    /// These are all.
    All(BTreeMap<String, Summary>),
    Changed(Summary),
    Gone(String),
}

impl AllDatasets {
    pub(super) fn new(catalog: CatalogClient) -> Self {
        Self { catalog, known: None }
    }
}

impl Source for AllDatasets {
    type Item = WatchDatasetsResponse;
    type Told = Line;

    async fn open(&mut self) -> Result<Streaming<WatchDatasetsResponse>, Status> {
        self.known = Some(BTreeMap::new());
        Ok(self.catalog.watch().watch_datasets(WatchDatasetsRequest {}).await?.into_inner())
    }

    fn translate(&mut self, response: WatchDatasetsResponse) -> Result<Option<Line>, BadMessage> {
        let line = |summary: DatasetSummary| Summary::try_from(summary);
        Ok(match (response.item, &mut self.known) {
            (Some(SummaryItem::Summary(summary)), Some(known)) => {
                known.insert(summary.id.clone(), line(summary)?);
                None
            }
            (Some(SummaryItem::DeletedId(id)), Some(known)) => {
                known.remove(&id);
                None
            }
            (Some(SummaryItem::Synchronized(_)), known) => known.take().map(Line::All),
            (Some(SummaryItem::Summary(summary)), None) => Some(Line::Changed(line(summary)?)),
            (Some(SummaryItem::DeletedId(id)), None) => Some(Line::Gone(id)),
            (None, _) => None,
        })
    }

    fn is_over(&self, _: &Line) -> bool {
        false
    }
}
