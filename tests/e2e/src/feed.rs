//! What happens to a dataset, as the catalog streams it. Numbered events are checked to be dense as they come.

use crate::rig::PATIENCE;
use anyhow::{Context, Result, ensure};
use catalog_client::CatalogClient;
use dataset_model::{Dataset, DatasetEvent, DatasetId};
use dataset_proto::catalog::{
    DatasetEvent as ProtoEvent, WatchDatasetRequest, WatchDatasetResponse, watch_dataset_response::Item as ProtoItem,
};
use tonic::Streaming;

/// One thing that the stream said.
#[derive(Debug, Clone)]
pub enum Item {
    Snapshot { seq: u64, reset: bool, dataset: Box<Dataset>, last_terminal: Option<DatasetEvent> },
    Event { seq: Option<u64>, event: DatasetEvent },
}

/// A watcher.
#[derive(Debug)]
pub struct Feed {
    stream: Streaming<WatchDatasetResponse>,
    /// The last number that was seen.
    pub seq: Option<u64>,
}

/// The event inside a message.
pub fn body_of(event: ProtoEvent) -> Result<DatasetEvent> {
    Ok(event.body.context("an event without a body")?.try_into()?)
}

impl Feed {
    pub async fn open(catalog: &CatalogClient, dataset: DatasetId, since: Option<u64>) -> Result<Self> {
        let message = WatchDatasetRequest { dataset_id: dataset.to_string(), since_seq: since };
        let stream = catalog.watch().watch_dataset(message).await?.into_inner();
        Ok(Self { stream, seq: since })
    }

    /// The next item; fails when a number is missing or comes twice, or when nothing comes.
    pub async fn next(&mut self) -> Result<Item> {
        let message = tokio::time::timeout(PATIENCE, self.stream.message()).await.context("the feed is silent")??;
        let message = message.context("the feed ended")?;
        match message.item.context("an item without a body")? {
            ProtoItem::Snapshot(snapshot) => {
                let dataset = Box::new(Dataset::try_from(snapshot.dataset.context("no dataset")?)?);
                // A snapshot may be ahead of the events that follow it only where none were asked for.
                ensure!(
                    self.seq.is_none_or(|seen| snapshot.seq >= seen),
                    "a snapshot at {} after {:?}",
                    snapshot.seq,
                    self.seq
                );
                self.seq = Some(snapshot.seq);
                let last_terminal = snapshot.last_terminal.map(body_of).transpose()?;
                Ok(Item::Snapshot { seq: snapshot.seq, reset: snapshot.reset, dataset, last_terminal })
            }
            ProtoItem::Event(event) => {
                if let Some(seq) = event.seq {
                    ensure!(self.seq.is_none_or(|seen| seq == seen + 1), "event {seq} came after {:?}", self.seq);
                    self.seq = Some(seq);
                }
                Ok(Item::Event { seq: event.seq, event: body_of(event)? })
            }
        }
    }

    /// Reads on until a tokenization has got somewhere, and is not over.
    pub async fn until_tokenizing(&mut self) -> Result<()> {
        let event = self.until_event(|event| match event {
            DatasetEvent::TokenizationProgress(progress) => progress.samples > 0,
            event => event.is_terminal(),
        });
        let event = event.await?;
        ensure!(!event.is_terminal(), "it was over before anything could be done to it: {event:?}");
        Ok(())
    }

    /// Reads on until `found` says so.
    pub async fn until<T>(&mut self, mut found: impl FnMut(&Item) -> Option<T>) -> Result<T> {
        loop {
            if let Some(value) = found(&self.next().await?) {
                return Ok(value);
            }
        }
    }

    /// Reads on until an event for which `wanted` holds, and returns it.
    pub async fn until_event(&mut self, wanted: impl Fn(&DatasetEvent) -> bool) -> Result<DatasetEvent> {
        self.until(|item| match item {
            Item::Event { event, .. } if wanted(event) => Some(event.clone()),
            Item::Event { .. } | Item::Snapshot { .. } => None,
        })
        .await
    }
}
