//! Waiting for something that can only be looked at.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Looks every 20 ms until `condition` holds; panics with `what` after `limit`.
///
/// For states that no event announces; where there is a channel or a notification, wait on that.
#[track_caller]
pub fn wait_until(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    // Taken here, since an async function would name the runtime as its caller.
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + limit;
        let mut looks = 1;
        while !condition().await {
            assert!(Instant::now() < deadline, "{caller}: not within {limit:?} ({looks} looks): {what}");
            looks += 1;
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_looks_again_until_the_condition_holds() {
        let mut looks = 0;
        wait_until(Duration::from_secs(5), "three looks", async || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "wait.rs")]
    async fn it_gives_up_at_the_caller_s_line() {
        wait_until(Duration::from_millis(1), "the impossible", async || false).await;
    }
}
