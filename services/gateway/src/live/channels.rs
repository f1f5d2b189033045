//! One stream of the catalog for each dataset that anybody watches, however many do.
//!
//! What happens is told to all at once, and nobody is waited for. Who comes, who comes back with a number, and who lags
//! too far behind catches up by a stream of its own: the events that were missed, then a snapshot. From there the shared
//! stream goes on, as each of its messages carries the number up to which it knows: what the snapshot holds already is
//! left out, so nothing is lost, doubled or told in the wrong order.

use super::{
    message::{Class, Message},
    panel::Panel,
    upstream::{Feed, OneDataset, Watch},
};
use catalog_client::CatalogClient;
use dataset_model::{DatasetId, Problem};
use futures::{Stream, stream};
use service_kit::Lifecycle;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::{
    Semaphore,
    broadcast::{self, error::RecvError},
    watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages that a subscriber may be behind before it catches up by itself.
const BACKLOG: usize = 256;
/// Streams that are being opened at once.
const OPENING: usize = 32;

/// What sockets and event streams subscribe to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Channels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalog: CatalogClient,
    /// A connection of its own: a client that stalls while it catches up holds back nobody's news.
    replays: CatalogClient,
    gate: Arc<Semaphore>,
    lifecycle: Lifecycle,
    datasets: Mutex<HashMap<DatasetId, Weak<Topic>>>,
    panel: Mutex<Weak<Panel>>,
}

/// A message, and the number up to which its stream knew when it came.
#[derive(Debug, Clone)]
struct Told {
    at: u64,
    message: Arc<Message>,
}

/// A dataset that somebody watches; its stream ends with the last of them.
#[derive(Debug)]
struct Topic {
    /// Gone when the stream has ended by itself.
    told: broadcast::WeakSender<Told>,
    /// Whether the stream is open: what happens from then on is told.
    open: watch::Receiver<bool>,
    _last: DropGuard,
}

impl Channels {
    pub(crate) fn new(catalog: CatalogClient, replays: CatalogClient, lifecycle: Lifecycle) -> Self {
        let gate = Arc::new(Semaphore::new(OPENING));
        Self(Arc::new(Inner { catalog, replays, gate, lifecycle, datasets: Mutex::default(), panel: Mutex::default() }))
    }

    /// Events of one dataset: those after `since` first, then a snapshot, then what happens.
    pub(super) fn dataset(&self, id: DatasetId, since: Option<u64>) -> impl Stream<Item = Feed> + Send + use<> {
        let subscriber = Subscriber { channels: self.clone(), id, last: since, place: Place::Outside };
        stream::unfold(subscriber, async |mut subscriber| subscriber.next().await.map(|feed| (feed, subscriber)))
    }

    /// One line per dataset: a snapshot of all, then each that changes.
    pub(super) fn datasets(&self) -> impl Stream<Item = Feed> + Send + use<> {
        let Inner { catalog, lifecycle, panel, .. } = &*self.0;
        let mut shared = panel.lock().unwrap_or_else(PoisonError::into_inner);
        let panel = shared.upgrade().unwrap_or_else(|| Panel::start(catalog.clone(), lifecycle));
        *shared = Arc::downgrade(&panel);
        panel.subscribe()
    }

    fn source(&self, catalog: &CatalogClient, id: DatasetId, last: Option<u64>) -> Watch<OneDataset> {
        Watch::new(OneDataset { catalog: catalog.clone(), gate: Arc::clone(&self.0.gate), id, last })
    }

    /// The topic of a dataset with a place in it: the one that runs, else a new one.
    fn join(&self, id: DatasetId) -> (Arc<Topic>, broadcast::Receiver<Told>) {
        let mut datasets = self.0.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = datasets.get(&id).and_then(Weak::upgrade)
            && let Some(told) = topic.told.upgrade()
        {
            return (topic, told.subscribe());
        }
        datasets.retain(|_, topic| topic.strong_count() > 0);
        let (told, place) = broadcast::channel(BACKLOG);
        let (opened, open) = watch::channel(false);
        let ended = CancellationToken::new();
        let topic = Arc::new(Topic { told: told.downgrade(), open, _last: ended.clone().drop_guard() });
        datasets.insert(id, Arc::downgrade(&topic));
        let (watch, draining) = (self.source(&self.0.catalog, id, None), self.0.lifecycle.soft().clone());
        self.0.lifecycle.spawn("feed", async move {
            draining.run_until_cancelled(ended.run_until_cancelled(tell(watch, told, opened))).await;
        });
        (topic, place)
    }
}

/// Tells all subscribers what happens, until the dataset is gone or refused: then each of them hears why by itself.
async fn tell(mut watch: Watch<OneDataset>, told: broadcast::Sender<Told>, opened: watch::Sender<bool>) {
    while let Some(Ok(message)) = watch.next().await {
        // The first snapshot is only where the stream begins; a later one follows a break.
        let first = message.class == Class::Snapshot && !opened.send_replace(true);
        if !first {
            let at = watch.source.last.unwrap_or_default();
            let _ = told.send(Told { at, message: Arc::new(message) });
        }
    }
}

/// One client's way through a channel.
#[derive(Debug)]
struct Subscriber {
    channels: Channels,
    id: DatasetId,
    /// The last number that was passed on.
    last: Option<u64>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Outside,
    /// Reads what it missed, while what happens waits.
    CatchingUp(Box<Watch<OneDataset>>, Arc<Topic>, broadcast::Receiver<Told>),
    Live(Arc<Topic>, broadcast::Receiver<Told>),
    Ended,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Feed> {
        loop {
            match std::mem::replace(&mut self.place, Place::Ended) {
                Place::Ended => return None,
                Place::Outside => {
                    let (topic, told) = self.channels.join(self.id);
                    // Not before: else what happens between the snapshot and the opening would be told by neither.
                    // An error means that the stream was refused, as the replay will be.
                    let _ = topic.open.clone().wait_for(|open| *open).await;
                    let watch = self.channels.source(&self.channels.0.replays, self.id, self.last);
                    self.place = Place::CatchingUp(Box::new(watch), topic, told);
                }
                Place::CatchingUp(mut watch, topic, told) => {
                    let next = watch.next().await?;
                    return Some(self.caught(next, watch, topic, told));
                }
                Place::Live(topic, mut told) => match told.recv().await {
                    Ok(one) => match pass(&one, self.last) {
                        Pass::On => {
                            self.last = Some(one.at);
                            if !one.message.is_end() {
                                self.place = Place::Live(topic, told);
                            }
                            return Some(Feed::Message(one.message));
                        }
                        Pass::Known => self.place = Place::Live(topic, told),
                        Pass::Gap => self.place = Place::Outside,
                    },
                    // Too far behind, or the stream has ended: the replay tells what is left.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => self.place = Place::Outside,
                },
            }
        }
    }

    /// A step of catching up; the snapshot is the last of them.
    fn caught(
        &mut self,
        next: Result<Message, Problem>,
        watch: Box<Watch<OneDataset>>,
        topic: Arc<Topic>,
        told: broadcast::Receiver<Told>,
    ) -> Feed {
        match next {
            Err(problem) => Feed::Refused(problem),
            Ok(message) => {
                self.last = watch.source.last;
                if message.class == Class::Snapshot {
                    self.place = Place::Live(topic, told);
                } else if !message.is_end() {
                    self.place = Place::CatchingUp(watch, topic, told);
                }
                Feed::Message(Arc::new(message))
            }
        }
    }
}

/// What a subscriber does with a message of the shared stream.
#[derive(Debug, PartialEq, Eq)]
enum Pass {
    On,
    Known,
    /// Numbers are missing before it.
    Gap,
}

fn pass(told: &Told, last: Option<u64>) -> Pass {
    let last = last.unwrap_or_default();
    match (&told.message.class, told.message.seq) {
        // A state as it is now, which may have a lower number in another life of the database.
        (Class::Snapshot, _) => Pass::On,
        (_, Some(_)) if told.message.is_end() => Pass::On,
        (_, Some(seq)) if seq <= last => Pass::Known,
        (_, Some(seq)) if seq > last + 1 => Pass::Gap,
        // Progress from before what is known by now.
        (_, None) if told.at < last => Pass::Known,
        (_, _) => Pass::On,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(class: Class, event: &'static str, seq: Option<u64>, at: u64) -> Told {
        let message = Message { channel: "dataset/1".to_owned(), event, seq, class, text: "{}".into() };
        Told { at, message: Arc::new(message) }
    }

    #[test]
    fn what_is_known_is_left_out_and_a_gap_is_noticed() {
        let event = |seq| told(Class::Lasting, "download_failed", Some(seq), seq);
        let progress = |at| told(Class::Latest("job".to_owned()), "download_progress", None, at);
        assert_eq!([6, 7, 8, 9].map(|seq| pass(&event(seq), Some(7))), [Pass::Known, Pass::Known, Pass::On, Pass::Gap]);
        // A job that event 7 ended moves no more.
        assert_eq!([6, 7, 8].map(|at| pass(&progress(at), Some(7))), [Pass::Known, Pass::On, Pass::On]);
        assert_eq!(pass(&told(Class::Snapshot, "snapshot", Some(2), 2), Some(7)), Pass::On);
        assert_eq!(pass(&told(Class::Lasting, "dataset_deleted", Some(7), 7), Some(7)), Pass::On);
    }
}
