//! The shared answer to a rate limit: one instant per token before which nobody asks the Hub again.
//!
//! Quotas belong to a token, or to the address of those who have none. If each transfer waited on its own,
//! eight of them would use up the next window's quota with requests that are refused.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::{Instant, sleep_until};

use crate::{error::HubError, retry::PATIENCE, token::Token};

#[derive(Debug, Default)]
pub(crate) struct Governor {
    not_before: Mutex<HashMap<Option<Token>, Instant>>,
}

impl Governor {
    /// Keeps everybody with this token waiting; a longer wait that is already there stands.
    pub(crate) fn hold(&self, token: Option<&Token>, wait: Duration) {
        let now = Instant::now();
        let mut not_before = self.lock();
        not_before.retain(|_, until| *until > now);
        let until = not_before.entry(token.cloned()).or_insert(now);
        *until = (*until).max(now + wait);
    }

    /// Returns when the Hub may be asked again, or at once with an error if that is too far away.
    pub(crate) async fn ready(&self, token: Option<&Token>) -> Result<(), HubError> {
        // Asked again after each sleep: another answer may have moved the instant.
        while let Some(until) = self.until(token) {
            let retry_after = until.saturating_duration_since(Instant::now());
            if retry_after.is_zero() {
                break;
            }
            if retry_after > PATIENCE {
                return Err(HubError::RateLimited { retry_after });
            }
            sleep_until(until).await;
        }
        Ok(())
    }

    fn until(&self, token: Option<&Token>) -> Option<Instant> {
        self.lock().get(&token.cloned()).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<Token>, Instant>> {
        self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a 429 asks to wait: `RateLimit`'s `t` when that limit is the one used up (`r=0`), else
/// `Retry-After` in seconds. One second is added, since both are rounded down.
pub(crate) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let window = text("ratelimit").and_then(|value| {
        let field = |name: &str| value.split(';').find_map(|part| part.trim().strip_prefix(name)?.parse::<u64>().ok());
        (field("r=")? == 0).then(|| field("t="))?
    });
    let seconds = window.or_else(|| text(RETRY_AFTER.as_str())?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds.saturating_add(1).min(24 * 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        asked_wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_window_that_is_used_up_comes_first() {
        assert_eq!(wait(&[("RateLimit", "\"api\";r=0;t=55"), ("Retry-After", "7")]), Some(56));
        assert_eq!(wait(&[("RateLimit", "\"api\"; r=12; t=55"), ("Retry-After", "7")]), Some(8));
        assert_eq!(wait(&[("RateLimit", "nonsense")]), None);
        assert_eq!(wait(&[("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")]), None);
        assert_eq!(wait(&[("Retry-After", "18446744073709551615")]), Some(24 * 3600));
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_with_the_token_waits_and_others_do_not() {
        let governor = Governor::default();
        let token = Token::new("hf_a");
        governor.hold(Some(&token), Duration::from_secs(40));
        governor.hold(Some(&token), Duration::from_secs(10));
        let start = Instant::now();
        governor.ready(None).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        governor.ready(Some(&token)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(40));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_sits_out_a_long_window() {
        let governor = Governor::default();
        governor.hold(None, Duration::from_mins(5));
        assert!(matches!(governor.ready(None).await, Err(HubError::RateLimited { .. })));
    }
}
