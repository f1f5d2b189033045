//! Asking again: a worker's call is idempotent for its attempt, so an answer that was lost is asked for once more.

use dataset_model::{Problem, Reason};
use dataset_proto::status::from_status;
use std::{future::Future, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Repeats `call` while the catalog or its database is not reachable, until `stop`.
pub(crate) async fn until_answered<T, F>(stop: &CancellationToken, mut call: impl FnMut() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let problem = match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => from_status(&status),
        };
        if !is_passing(problem.reason) || stop.is_cancelled() {
            return Err(problem);
        }
        tracing::debug!(reason = %problem.reason, "the catalog did not answer; asking again");
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = stop.cancelled() => return Err(problem),
        }
    }
}

/// Whether the reason is about the way to the catalog and not about the request.
const fn is_passing(reason: Reason) -> bool {
    matches!(reason, Reason::Overloaded | Reason::DbUnavailable | Reason::Draining | Reason::DeadlineExceeded)
}
