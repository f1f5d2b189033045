//! The lines of all datasets, kept once for everybody who watches them.
//!
//! A subscriber gets all lines as they are, and from that very moment each that changes. One that lags behind gets all
//! lines again. The text of all lines is made once and shared until one of them changes.

use super::{
    message::Message,
    upstream::{AllDatasets, Feed, Line, Watch},
    wire::Summary,
};
use catalog_client::CatalogClient;
use dataset_model::Problem;
use futures::{Stream, stream};
use service_kit::Lifecycle;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Lines that a subscriber may be behind before it gets all of them again.
const BACKLOG: usize = 1024;

/// The lines, and who hears of them; the stream ends with the last subscriber.
#[derive(Debug)]
pub(super) struct Panel {
    board: Arc<Board>,
    _last: DropGuard,
}

#[derive(Debug)]
struct Board {
    lines: Mutex<Lines>,
    told: broadcast::Sender<Feed>,
    /// Whether all lines are there.
    whole: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Lines {
    by_id: BTreeMap<String, Summary>,
    /// All of them as one message, until the next change.
    snapshot: Option<Arc<Message>>,
}

impl Panel {
    pub(super) fn start(catalog: CatalogClient, lifecycle: &Lifecycle) -> Arc<Self> {
        let (told, _) = broadcast::channel(BACKLOG);
        let board = Arc::new(Board { lines: Mutex::default(), told, whole: watch::Sender::new(false) });
        let ended = CancellationToken::new();
        let panel = Arc::new(Self { board: Arc::clone(&board), _last: ended.clone().drop_guard() });
        let draining = lifecycle.soft().clone();
        lifecycle.spawn("panel", async move {
            let watch = Watch::new(AllDatasets::new(catalog));
            draining.run_until_cancelled(ended.run_until_cancelled(board.follow(watch))).await;
        });
        panel
    }

    /// All lines, then each that changes.
    pub(super) fn subscribe(self: Arc<Self>) -> impl Stream<Item = Feed> + Send + use<> {
        stream::unfold((self, None), async |(panel, place): (Arc<Self>, Option<broadcast::Receiver<Feed>>)| {
            if let Some(mut told) = place
                && let Ok(feed) = told.recv().await
            {
                return Some((feed, (panel, Some(told))));
            }
            // New here, or too far behind.
            panel.board.whole.subscribe().wait_for(|whole| *whole).await.ok()?;
            let (snapshot, told) = panel.board.join();
            Some((Feed::Message(snapshot), (panel, Some(told))))
        })
    }
}

impl Board {
    async fn follow(&self, mut watch: Watch<AllDatasets>) {
        while let Some(told) = watch.next().await {
            match told {
                Ok(line) => self.take(line),
                Err(problem) => return self.refuse(problem),
            }
        }
    }

    fn take(&self, line: Line) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.snapshot = None;
        let message = match line {
            Line::All(all) => {
                lines.by_id = all;
                // Before the first time nobody waits for anything else.
                if !self.whole.send_replace(true) {
                    return;
                }
                lines.whole()
            }
            Line::Changed(summary) => {
                lines.by_id.insert(summary.id.clone(), summary.clone());
                Arc::new(Message::summary(summary))
            }
            Line::Gone(id) => {
                lines.by_id.remove(&id);
                Arc::new(Message::gone(id))
            }
        };
        // Under the lock: who joins next has this line in its snapshot.
        let _ = self.told.send(Feed::Message(message));
    }

    /// Whoever watches is told; a catalog that cannot show its lines shows none.
    fn refuse(&self, problem: Problem) {
        let _ = self.told.send(Feed::Refused(problem));
        self.whole.send_replace(true);
    }

    fn join(&self) -> (Arc<Message>, broadcast::Receiver<Feed>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.whole(), self.told.subscribe())
    }
}

impl Lines {
    fn whole(&mut self) -> Arc<Message> {
        let Self { by_id, snapshot } = self;
        Arc::clone(snapshot.get_or_insert_with(|| Arc::new(Message::summaries(by_id.values()))))
    }
}
