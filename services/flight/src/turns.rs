//! When the messages of a stream are made: one at a time, each in a turn of its own among all streams.
//!
//! A message is made when there is room for it, so a slow client costs two batches and no thread; and as turns are few,
//! many fast ones leave the cores their share of everything else. An error is the last thing a stream says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_flight::{FlightData, SchemaAsIpc};
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::Schema;
use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use futures::stream::{self, BoxStream, StreamExt};
use service_kit::Lifecycle;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::error::ReadError;
use crate::stream::Messages;

/// Messages between the reader and the socket.
const CHANNEL: usize = 2;
/// Messages that are made at the same time, for each core: some wait for the volume.
const TURNS_PER_CORE: usize = 2;

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

    /// The schema, and then the messages, which are made ahead of the client until the channel is full.
    pub(crate) fn stream(
        &self,
        schema: &Schema,
        mut messages: Messages,
    ) -> BoxStream<'static, Result<FlightData, Status>> {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let (turns, ended) = (Arc::clone(&self.permits), Arc::new(AtomicBool::new(false)));
        let end = Arc::clone(&ended);
        self.lifecycle.spawn("stream", async move {
            // Ends when the client is gone.
            while let Ok(place) = sender.reserve().await {
                let Ok(turn) = turns.acquire().await else { return };
                let made = tokio::task::spawn_blocking(move || (messages.next(), messages)).await;
                drop(turn);
                let last = match made {
                    Ok((Some(Ok(message)), rest)) => {
                        place.send(Ok(message));
                        messages = rest;
                        continue;
                    }
                    Ok((None, _)) => None,
                    Ok((Some(Err(error)), _)) => Some(error),
                    Err(stopped) => Some(ReadError::Stopped(stopped)),
                };
                end.store(true, Ordering::Release);
                return last.map_or((), |error| place.send(Err(error.into_status())));
            }
        });
        let schema = schema_message(schema);
        let all = stream::once(async { Ok(schema) }).chain(ReceiverStream::new(receiver));
        // One that was dropped at the end of the process must not look complete.
        let whole = stream::once(async move { ended.load(Ordering::Acquire) });
        all.chain(whole.filter_map(|whole| async move { (!whole).then(|| Err(stopping())) })).boxed()
    }
}

/// The message that precedes all batches, also of an empty stream.
fn schema_message(schema: &Schema) -> FlightData {
    SchemaAsIpc::new(schema, &IpcWriteOptions::default()).into()
}

fn stopping() -> Status {
    to_status(&Problem::new(Reason::Draining, "the service stopped in the middle of the stream"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Messages without end, which count themselves.
    fn endless(made: &Arc<AtomicUsize>) -> Messages {
        let made = Arc::clone(made);
        Box::new(std::iter::repeat_with(move || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(FlightData::default())
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
        let panics = turns.stream(&Schema::empty(), Box::new(std::iter::from_fn(|| panic!("a bug"))));
        let whole = turns.stream(&Schema::empty(), Box::new(std::iter::once(Ok(FlightData::default()))));
        let ends = [panics, whole].map(|stream| async move { stream.collect::<Vec<_>>().await });
        let [panics, whole] = futures::future::join_all(ends).await.try_into().unwrap();
        assert!(panics.len() == 2 && panics[1].as_ref().unwrap_err().code() == tonic::Code::Internal);
        assert!(whole.len() == 2 && whole.iter().all(Result::is_ok));
        lifecycle.hard().cancel();
        let rest: Vec<_> = dropped.collect().await;
        assert_eq!(rest.last().unwrap().as_ref().unwrap_err().code(), tonic::Code::Unavailable);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_costs_two_messages_and_no_turn() {
        let (_lifecycle, turns) = turns();
        let counts: Vec<Arc<AtomicUsize>> = (0..50).map(|_| Arc::default()).collect();
        let idle: Vec<_> = counts.iter().map(|made| turns.stream(&Schema::empty(), endless(made))).collect();
        // All turns are free for one that reads.
        let mut read = turns.stream(&Schema::empty(), endless(&Arc::default())).take(1000);
        while read.next().await.is_some() {}
        assert!(counts.iter().all(|made| made.load(Ordering::SeqCst) <= CHANNEL));
        assert_eq!(idle.len(), 50);
    }
}
