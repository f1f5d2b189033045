//! Questions that take a processor: beside the runtime, few at a time, and ended with the call that asked.

use std::sync::Arc;
use std::time::Duration;

use dataset_model::{Problem, Reason};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::failure;

/// A question waits so long for its turn.
const QUEUE: Duration = Duration::from_secs(5);
/// A question takes so long at most, whatever deadline it came with.
const LONGEST: Duration = Duration::from_secs(30);

/// Where questions are answered.
#[derive(Clone)]
pub(crate) struct Desk {
    seats: Arc<Semaphore>,
    queue: Duration,
}

impl Desk {
    /// For `seats` questions at once.
    pub(crate) fn new(seats: usize) -> Self {
        Self { seats: Arc::new(Semaphore::new(seats.max(1))), queue: QUEUE }
    }

    /// Runs `work`, which is told to stop when nobody waits for it any more: the seat is taken until it did.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(self.queue, Arc::clone(&self.seats).acquire_owned()).await;
        let busy =
            |_| Problem::new(Reason::Overloaded, "too many questions are being answered").retry_after(self.queue);
        let seat = turn.map_err(busy)?.map_err(|error| failure::internal(&error))?;
        let stop = CancellationToken::new();
        let _guard = stop.clone().drop_guard();
        let working = tokio::task::spawn_blocking(move || {
            let _seat = seat;
            work(&|| stop.is_cancelled())
        });
        let late = |_| Problem::new(Reason::DeadlineExceeded, "no answer was found in time");
        tokio::time::timeout(LONGEST, working).await.map_err(late)?.map_err(|error| failure::internal(&error))?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_seat_is_free_again_when_its_work_has_stopped() {
        let desk = Desk { queue: Duration::from_millis(20), ..Desk::new(1) };
        let (started, running) = oneshot::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (told, stopped) = oneshot::channel();
        let mut asking = Box::pin(desk.run(move |stop| {
            started.send(()).unwrap();
            wait.recv().unwrap();
            told.send(stop()).unwrap();
            Ok(())
        }));
        tokio::select! {
            ended = &mut asking => panic!("it ended: {ended:?}"),
            started = running => started.unwrap(),
        }
        drop(asking);
        // Nobody waits for the first any more, and it still works: the second does not get its seat.
        let refused = desk.run(|_| Ok(1)).await.unwrap_err();
        assert_eq!(refused.reason, Reason::Overloaded);
        go_on.send(()).unwrap();
        assert!(stopped.await.unwrap(), "the work was not told");
        let patient = Desk { queue: Duration::from_secs(20), ..desk };
        assert_eq!(patient.run(|_| Ok(2)).await.unwrap(), 2);
    }
}
