//! When the messages of a stream are made: a few at a time, in a turn of its own among all streams.
//!
//! While one batch of messages is sent two more are made, so a slow client costs three batches and no thread; and as turns
//! are few, many fast ones leave the cores their share of everything else. An error is the last thing a stream says.

use std::sync::Arc;

use arrow_schema::Schema;
use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use futures::stream::{self, BoxStream, StreamExt};
use service_kit::Lifecycle;
use tokio::sync::{Semaphore, mpsc};
use tonic::Status;

use crate::error::ReadError;
use crate::message::Message;
use crate::stream::Messages;

/// Turns at the same time, for each core: some wait for the volume.
const TURNS_PER_CORE: usize = 2;

/// What a turn made, and whether it was the last.
type Made = (Vec<Result<Message, Status>>, bool);

/// The turns that all streams of a service take. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    permits: Arc<Semaphore>,
    lifecycle: Lifecycle,
}

impl Turns {
    pub(crate) fn new(lifecycle: Lifecycle) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { permits: Arc::new(Semaphore::new(cores * TURNS_PER_CORE)), lifecycle }
    }

    /// The schema, and then the messages, which are made two turns ahead of the client.
    pub(crate) fn stream(&self, schema: &Schema, messages: Messages) -> BoxStream<'static, Result<Message, Status>> {
        let batches = stream::unfold(Some(self.start(messages)), |turns| async {
            let mut turns = turns?;
            // Turns that were dropped at the end of the process must not look like the end of the stream.
            let (made, is_over) = turns.recv().await.unwrap_or_else(|| (vec![Err(stopping())], true));
            Some((stream::iter(made), (!is_over).then_some(turns)))
        });
        let schema = Message::of_schema(schema);
        stream::once(async { Ok(schema) }).chain(batches.flatten()).boxed()
    }

    /// Takes turn after turn: one waits to be taken, the next one to be put in its place.
    fn start(&self, messages: Messages) -> mpsc::Receiver<Made> {
        let (sender, made) = mpsc::channel(1);
        let permits = Arc::clone(&self.permits);
        self.lifecycle.spawn("messages", async move {
            let mut rest = Some(messages);
            while let Some(messages) = rest {
                let Ok(turn) = permits.acquire().await else { return };
                // The client may have gone while this waited.
                if sender.is_closed() {
                    return;
                }
                let failed = |stopped| (vec![Err(ReadError::Stopped(stopped).into_status())], None);
                let (made, left) = tokio::task::spawn_blocking(|| take(messages)).await.unwrap_or_else(failed);
                drop(turn);
                rest = left;
                if sender.send((made, rest.is_none())).await.is_err() {
                    return;
                }
            }
        });
        made
    }
}

/// What a turn makes, and what is left for the next one.
fn take(mut messages: Messages) -> (Vec<Result<Message, Status>>, Option<Messages>) {
    let mut made = Vec::with_capacity(messages.per_turn);
    for message in messages.each.by_ref().take(messages.per_turn) {
        let is_last = message.is_err();
        made.push(message.map_err(ReadError::into_status));
        if is_last {
            return (made, None);
        }
    }
    let is_over = made.len() < messages.per_turn;
    (made, (!is_over).then_some(messages))
}

fn stopping() -> Status {
    to_status(&Problem::new(Reason::Draining, "the service stopped in the middle of the stream"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PER_TURN: usize = 3;

    fn messages(each: impl Iterator<Item = Result<Message, ReadError>> + Send + 'static) -> Messages {
        Messages { each: Box::new(each), per_turn: PER_TURN }
    }

    /// Messages without end, which count themselves.
    fn endless(made: &Arc<AtomicUsize>) -> Messages {
        let made = Arc::clone(made);
        messages(std::iter::repeat_with(move || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(Message::default())
        }))
    }

    fn turns() -> (Lifecycle, Turns) {
        let lifecycle = Lifecycle::new();
        (lifecycle.clone(), Turns::new(lifecycle))
    }

    #[tokio::test]
    async fn what_ends_early_says_so() {
        let (lifecycle, turns) = turns();
        let mut dropped = turns.stream(&Schema::empty(), endless(&Arc::default()));
        assert!(dropped.next().await.unwrap().is_ok() && dropped.next().await.unwrap().is_ok());
        let panics = turns.stream(&Schema::empty(), messages(std::iter::from_fn(|| panic!("a bug"))));
        let whole = turns.stream(&Schema::empty(), messages(std::iter::once(Ok(Message::default()))));
        let ends = [panics, whole].map(|stream| async move { stream.collect::<Vec<_>>().await });
        let [panics, whole] = futures::future::join_all(ends).await.try_into().unwrap();
        assert!(panics.len() == 2 && panics[1].as_ref().unwrap_err().code() == tonic::Code::Internal);
        assert!(whole.len() == 2 && whole.iter().all(Result::is_ok));
        lifecycle.hard().cancel();
        let rest: Vec<_> = dropped.collect().await;
        assert_eq!(rest.last().unwrap().as_ref().unwrap_err().code(), tonic::Code::Unavailable);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_costs_two_turns_and_holds_none() {
        let (_lifecycle, turns) = turns();
        let counts: Vec<Arc<AtomicUsize>> = (0..50).map(|_| Arc::default()).collect();
        let idle: Vec<_> = counts.iter().map(|made| turns.stream(&Schema::empty(), endless(made))).collect();
        // All turns are free for one that reads.
        let mut read = turns.stream(&Schema::empty(), endless(&Arc::default())).take(1000);
        while read.next().await.is_some() {}
        assert!(counts.iter().all(|made| made.load(Ordering::SeqCst) <= 2 * PER_TURN));
        assert_eq!(idle.len(), 50);
    }
}
