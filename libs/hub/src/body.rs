//! A response body under a watchdog: silence and a trickle end it with an error instead of never.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::error::HubError;

/// How patient to be with a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Longest silence, and the window over which the speed is measured.
    pub(crate) stall: Duration,
    pub(crate) min_bytes_per_second: u64,
}

/// A body, read chunk by chunk as it arrives.
pub(crate) struct Body {
    response: Response,
    patience: Patience,
    waited: Duration,
    window_bytes: u64,
}

impl Body {
    pub(crate) fn new(response: Response, patience: Patience) -> Self {
        Self { response, patience, waited: Duration::ZERO, window_bytes: 0 }
    }

    /// The next bytes, or `None` at the end of a complete body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, HubError> {
        let asked = Instant::now();
        let Ok(chunk) = timeout(self.patience.stall, self.response.chunk()).await else {
            return Err(HubError::Stalled { bytes: 0, window: self.patience.stall });
        };
        let chunk = chunk.map_err(HubError::unreachable)?;
        // Only time spent waiting for the network counts: a slow disk of ours is not the Hub's fault.
        self.waited += asked.elapsed();
        self.window_bytes += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
        if self.waited >= self.patience.stall {
            let (bytes, window) = (self.window_bytes, self.waited);
            if bytes < self.patience.min_bytes_per_second.saturating_mul(window.as_secs()) {
                return Err(HubError::Stalled { bytes, window });
            }
            (self.waited, self.window_bytes) = (Duration::ZERO, 0);
        }
        Ok(chunk)
    }

    /// The whole body, if it is no longer than `limit`; else what of it arrived until it was.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Vec<u8>, HubError> {
        // As far as the Hub tells: growing would leave as much again behind.
        let told = self.response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut all = Vec::with_capacity(told.unwrap_or(0).min(limit));
        while let Some(chunk) = self.next().await? {
            all.extend_from_slice(&chunk);
            if all.len() > limit {
                break;
            }
        }
        Ok(all)
    }
}
