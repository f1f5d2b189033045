//! When to try again: pure arithmetic over failures, so that it can be tested without waiting.

use std::time::Duration;

use crate::error::HubError;

/// A rate limit that lasts longer goes back to the caller, who can free the worker for something else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The pause never grows beyond `base · 2^6`.
const MAX_DOUBLINGS: u32 = 6;

/// Counts the failures of one request or transfer since it last made progress.
#[derive(Debug)]
pub(crate) struct Retry {
    tries: u32,
    base: Duration,
    failures: u32,
    throttled: u32,
}

impl Retry {
    pub(crate) fn new(tries: u32, base: Duration) -> Self {
        Self { tries, base, failures: 0, throttled: 0 }
    }

    /// Bytes came through: earlier failures do not count any more.
    pub(crate) fn progressed(&mut self) {
        (self.failures, self.throttled) = (0, 0);
    }

    /// How long to pause after `error`, or the error itself when trying again makes no sense.
    ///
    /// `jitter` is a random number in 0..1: clients that failed together must not come back together. Being
    /// throttled has a count of its own, since the governor has already waited as long as the Hub asked for.
    pub(crate) fn pause(&mut self, error: HubError, jitter: f64) -> Result<Duration, HubError> {
        let count = match &error {
            HubError::RateLimited { retry_after } if *retry_after > PATIENCE => return Err(error),
            HubError::RateLimited { .. } => &mut self.throttled,
            _ if error.is_retryable() => &mut self.failures,
            _ => return Err(error),
        };
        *count += 1;
        if *count >= self.tries {
            return Err(error);
        }
        let doubled = self.base * 2_u32.pow((*count - 1).min(MAX_DOUBLINGS));
        Ok(doubled.mul_f64(0.5 + jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(1);

    fn broken() -> HubError {
        HubError::ServerError { status: 503 }
    }

    #[test]
    fn pauses_double_until_the_tries_are_used_up() {
        let mut retry = Retry::new(4, BASE);
        for seconds in [1, 2, 4] {
            assert_eq!(retry.pause(broken(), 0.5).unwrap(), Duration::from_secs(seconds));
        }
        assert!(matches!(retry.pause(broken(), 0.5), Err(HubError::ServerError { status: 503 })));
    }

    #[test]
    fn progress_starts_the_count_anew() {
        let mut retry = Retry::new(2, BASE);
        retry.pause(broken(), 0.0).unwrap();
        retry.progressed();
        assert_eq!(retry.pause(broken(), 0.0).unwrap(), BASE / 2);
    }

    #[test]
    fn final_answers_are_not_asked_for_again() {
        let mut retry = Retry::new(5, BASE);
        assert!(matches!(retry.pause(HubError::TokenRejected, 0.5), Err(HubError::TokenRejected)));
    }

    #[test]
    fn a_long_rate_limit_goes_to_the_caller() {
        let mut retry = Retry::new(5, BASE);
        let limited = |seconds| HubError::RateLimited { retry_after: Duration::from_secs(seconds) };
        assert!(retry.pause(limited(59), 0.5).is_ok());
        assert!(matches!(retry.pause(limited(61), 0.5), Err(HubError::RateLimited { .. })));
    }
}
