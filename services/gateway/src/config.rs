//! Settings of the gateway: where it listens, whom it asks, and the limits of its sockets.

use serde::{Deserialize, Serialize};
use service_kit::{Peer, Settings};
use std::{net::SocketAddr, time::Duration};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub gateway: Gateway,
    pub catalog: Peer,
    pub ingestion: Peer,
    pub flight: Peer,
    pub tokenization: Peer,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Gateway {
    /// REST, feeds and pages; 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Health pages and metrics; 127.0.0.1:9104.
    pub internal: SocketAddr,
    /// How long a request may take that is not a feed, in seconds; 30.
    pub request_seconds: f64,
    /// Pause between two pings on a WebSocket, in seconds; 20.
    pub ping_seconds: f64,
    /// A WebSocket from which nothing came for so long is closed, in seconds; 45.
    pub silence_seconds: f64,
    /// A WebSocket whose queue stays full for so long is closed, in seconds; 10.
    pub slow_seconds: f64,
    /// A connection on which a write stalls for so long is cut, in seconds; 45.
    pub stall_seconds: f64,
    /// Feeds (sockets and event streams) open at once; 1024.
    pub max_feeds: usize,
    /// Web origins beside this server's own and loopback, such as `https://tokenmill.example`; none.
    pub allowed_origins: Vec<String>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            internal: ([127, 0, 0, 1], 9104).into(),
            request_seconds: 30.0,
            ping_seconds: 20.0,
            silence_seconds: 45.0,
            slow_seconds: 10.0,
            stall_seconds: 45.0,
            max_feeds: 1024,
            allowed_origins: Vec::new(),
        }
    }
}

/// Seconds as a duration; settings are checked to be in range first.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

impl Settings for Config {
    fn problems(&self) -> Vec<String> {
        let gateway = &self.gateway;
        let times = [
            ("request_seconds", gateway.request_seconds),
            ("ping_seconds", gateway.ping_seconds),
            ("silence_seconds", gateway.silence_seconds),
            ("slow_seconds", gateway.slow_seconds),
            ("stall_seconds", gateway.stall_seconds),
        ];
        let mut problems: Vec<String> = times
            .into_iter()
            .filter(|(_, value)| !(0.01..=86_400.0).contains(value))
            .map(|(key, value)| format!("`gateway.{key}` is {value}; give 0.01 to 86400 seconds"))
            .collect();
        if gateway.silence_seconds <= gateway.ping_seconds {
            problems.push("`gateway.silence_seconds` must be above `gateway.ping_seconds`".to_owned());
        }
        if gateway.max_feeds == 0 {
            problems.push("`gateway.max_feeds` must be at least 1".to_owned());
        }
        for (section, peer, port) in [
            ("catalog", &self.catalog, 50051),
            ("ingestion", &self.ingestion, 50052),
            ("flight", &self.flight, 8815),
            ("tokenization", &self.tokenization, 50053),
        ] {
            problems.extend(peer.problem(section, port));
        }
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.gateway.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_right_and_all_problems_come_at_once() {
        let mut config = Config::default();
        assert_eq!(config.catalog.url(50051), "http://127.0.0.1:50051");
        config.gateway.request_seconds = 0.0;
        config.gateway.max_feeds = 0;
        config.gateway.silence_seconds = 1.0;
        config.flight.url = Some("nowhere".to_owned());
        assert_eq!(config.problems().len(), 4, "{:?}", config.problems());
    }
}
