//! `WatchService`: streams that end only with the dataset, the client, or this process.

use crate::{
    domain::task::RetryPolicy,
    error::Failure,
    live::{DatasetWatcher, Item, Live, News, PERIOD, PanelItem, PanelWatcher},
    store::{
        StoreError,
        watch::{Numbered, Summary},
    },
};
use dataset_model::{DatasetEvent, DatasetId, Problem, Reason};
use dataset_proto::{
    catalog::{
        self as proto, WatchDatasetRequest, WatchDatasetResponse, WatchDatasetsRequest, WatchDatasetsResponse,
        watch_service_server::WatchService,
    },
    status::to_status,
};
use service_kit::Lifecycle;
use sqlx::PgPool;
use std::{collections::BTreeSet, time::Instant};
use tokio::sync::{
    mpsc::{self, Sender},
    watch,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Items on their way to one client; the watcher waits for a slow one and then tells the latest.
const IN_FLIGHT: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct Watches {
    pub pool: PgPool,
    pub retry: RetryPolicy,
    pub live: Live,
    pub lifecycle: Lifecycle,
}

type Answers<T> = ReceiverStream<Result<T, Status>>;

#[tonic::async_trait]
impl WatchService for Watches {
    type WatchDatasetStream = Answers<WatchDatasetResponse>;
    type WatchDatasetsStream = Answers<WatchDatasetsResponse>;

    async fn watch_dataset(
        &self,
        request: Request<WatchDatasetRequest>,
    ) -> Result<Response<Self::WatchDatasetStream>, Status> {
        let WatchDatasetRequest { dataset_id, since_seq } = request.into_inner();
        let unknown = || to_status(&Problem::new(Reason::NotFound, format!("there is no dataset `{dataset_id}`")));
        let id: DatasetId = dataset_id.parse().map_err(|_| unknown())?;
        // Subscribed before the first read, so that no change falls between the two.
        let news = self.live.news(id);
        let opened = DatasetWatcher::open(self.pool.clone(), id, since_seq, self.retry).await.map_err(status)?;
        let (watcher, first) = opened.ok_or_else(unknown)?;
        let (tell, answers) = mpsc::channel(IN_FLIGHT);
        let watching = self.clone();
        self.lifecycle.spawn("watch", async move {
            if let Err(error) = watching.follow(id, watcher, first, news, &tell).await {
                let _ = tell.send(Err(status(error))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    async fn watch_datasets(
        &self,
        _: Request<WatchDatasetsRequest>,
    ) -> Result<Response<Self::WatchDatasetsStream>, Status> {
        let (tell, answers) = mpsc::channel(IN_FLIGHT);
        let watching = self.clone();
        self.lifecycle.spawn("watch-all", async move {
            if let Err(error) = watching.follow_all(&tell).await {
                let _ = tell.send(Err(status(error))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

impl Watches {
    /// Tells a dataset's items until the client leaves, the dataset is deleted, or the process drains.
    async fn follow(
        &self,
        id: DatasetId,
        mut watcher: DatasetWatcher,
        first: Vec<Item>,
        mut news: watch::Receiver<News>,
        tell: &Sender<Result<WatchDatasetResponse, Status>>,
    ) -> Result<(), StoreError> {
        // The first look waits for nothing: what happened since the watcher was opened was heard already.
        let (mut items, mut more) = (first, true);
        loop {
            for item in items.drain(..) {
                let last = matches!(&item, Item::Event(n) if n.event == DatasetEvent::DatasetDeleted {});
                if tell.send(Ok(answer(id, item))).await.is_err() || last {
                    return Ok(());
                }
            }
            if !more {
                tokio::select! {
                    changed = news.changed() => if changed.is_err() { return Ok(()) },
                    () = self.lifecycle.soft().cancelled() => {
                        let _ = tell.send(Err(draining())).await;
                        return Ok(());
                    }
                    () = tell.closed() => return Ok(()),
                }
            }
            let latest = news.borrow_and_update().clone();
            (items, more) = watcher.items(&latest, Instant::now()).await?;
        }
    }

    async fn follow_all(&self, tell: &Sender<Result<WatchDatasetsResponse, Status>>) -> Result<(), StoreError> {
        let mut changes = self.live.changes();
        let mut watcher = PanelWatcher::new(self.pool.clone());
        let mut after = Uuid::nil();
        loop {
            let page = watcher.page(after).await?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for summary in page {
                if tell.send(Ok(line(PanelItem::Summary(Box::new(summary))))).await.is_err() {
                    return Ok(());
                }
            }
        }
        let _ = tell.send(Ok(line(PanelItem::Synchronized))).await;
        let mut was_active = BTreeSet::new();
        loop {
            let mut touched = BTreeSet::new();
            tokio::select! {
                () = gather(&mut changes, &mut touched, watcher.known()) => {}
                () = self.lifecycle.soft().cancelled() => {
                    let _ = tell.send(Err(draining())).await;
                    return Ok(());
                }
                () = tell.closed() => return Ok(()),
            }
            let active: BTreeSet<Uuid> = watcher.active().await?.into_iter().collect();
            touched.extend(active.union(&was_active));
            was_active = active;
            for item in watcher.changed(&touched).await? {
                if tell.send(Ok(line(item))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Collects what changes within one pause, so that a burst is one line a dataset; all that is `known` when the burst was
/// too large to be told.
async fn gather(
    changes: &mut tokio::sync::broadcast::Receiver<DatasetId>,
    touched: &mut BTreeSet<Uuid>,
    known: &BTreeSet<Uuid>,
) {
    let collect = async {
        loop {
            match changes.recv().await {
                Ok(id) => _ = touched.insert(id.0),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => touched.extend(known),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let _ = tokio::time::timeout(PERIOD, collect).await;
}

fn status(error: StoreError) -> Status {
    Failure::from(error).into()
}

fn draining() -> Status {
    to_status(&Problem::new(Reason::Draining, "the catalog is shutting down; watch again with the last number"))
}

fn answer(id: DatasetId, item: Item) -> WatchDatasetResponse {
    use proto::watch_dataset_response::Item as Answer;
    let item = match item {
        Item::Snapshot { dataset, reset, last_terminal } => Answer::Snapshot(proto::DatasetSnapshot {
            seq: dataset.event_seq,
            dataset: Some((*dataset).into()),
            reset,
            last_terminal: last_terminal.map(|numbered| event(id, numbered)),
        }),
        Item::Event(numbered) => Answer::Event(event(id, numbered)),
        Item::Progress(progress) => Answer::Event(proto::DatasetEvent {
            dataset_id: id.to_string(),
            seq: None,
            at: Some(dataset_proto::timestamp(service_kit::now())),
            body: Some(progress.into()),
        }),
    };
    WatchDatasetResponse { item: Some(item) }
}

fn event(id: DatasetId, numbered: Numbered) -> proto::DatasetEvent {
    proto::DatasetEvent {
        dataset_id: id.to_string(),
        seq: Some(numbered.seq),
        at: Some(dataset_proto::timestamp(numbered.at)),
        body: Some(numbered.event.into()),
    }
}

fn line(item: PanelItem) -> WatchDatasetsResponse {
    use proto::watch_datasets_response::Item as Answer;
    let item = match item {
        PanelItem::Summary(summary) => Answer::Summary(summarised(*summary)),
        PanelItem::Deleted(id) => Answer::DeletedId(id.to_string()),
        PanelItem::Synchronized => Answer::Synchronized(true),
    };
    WatchDatasetsResponse { item: Some(item) }
}

fn summarised(s: Summary) -> proto::DatasetSummary {
    proto::DatasetSummary {
        id: s.id.to_string(),
        name: s.name,
        repo_id: s.repo_id,
        status: proto::DatasetStatus::from(s.status).into(),
        progress: s.progress,
        row_count: s.row_count,
        size_bytes: s.size_bytes,
        tokenization_count: s.tokenization_count,
        seq: s.seq,
        version: s.version,
    }
}
