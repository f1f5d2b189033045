//! Settings of the gateway: where it listens and for whom, whom it asks, and its limits.

use serde::{Deserialize, Serialize};
use service_kit::{Peer, Settings, out_of_range};
use std::{net::SocketAddr, time::Duration};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub gateway: Gateway,
    pub auth: Auth,
    pub catalog: Peer,
    pub ingestion: Peer,
    pub flight: Peer,
    pub tokenization: Peer,
}

/// Who may use the gateway.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// `none`: whoever reaches it. Must be said where it listens beyond loopback.
    pub mode: Option<AuthMode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    None,
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
    /// A connection on which a write, or the head of the next request, stalls for so long is cut, in seconds; 45.
    pub stall_seconds: f64,
    /// Feeds (sockets and event streams) open at once; 4096.
    pub max_feeds: usize,
    /// Requests per second that one address may go on making, ten seconds' worth of them at once; 500, and 0 = no limit.
    pub requests_per_second: f64,
    /// The same for requests that make others work hard, such as previews; 50.
    pub costly_per_second: f64,
    /// Takes the client's address from the end of `X-Forwarded-For`: only behind a proxy that writes it; false.
    pub trust_forwarded_for: bool,
    /// Web origins beside this server's own and loopback, such as `https://tokenmill.example`; none.
    pub allowed_origins: Vec<String>,
    /// Where readers reach Flight, such as `https://flight.example:443`; `flight.url`.
    pub flight_url: Option<String>,
    /// Where clients reach the catalog over gRPC; `catalog.url`.
    pub catalog_url: Option<String>,
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
            max_feeds: 4096,
            requests_per_second: 500.0,
            costly_per_second: 50.0,
            trust_forwarded_for: false,
            allowed_origins: Vec::new(),
            flight_url: None,
            catalog_url: None,
        }
    }
}

impl Config {
    /// Where readers reach Flight.
    pub(crate) fn flight_url(&self) -> String {
        self.gateway.flight_url.clone().unwrap_or_else(|| self.flight.url(8815))
    }

    /// Where clients reach the catalog.
    pub(crate) fn catalog_url(&self) -> String {
        self.gateway.catalog_url.clone().unwrap_or_else(|| self.catalog.url(50051))
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
        for (key, rate) in
            [("requests_per_second", gateway.requests_per_second), ("costly_per_second", gateway.costly_per_second)]
        {
            problems.extend(out_of_range(&format!("gateway.{key}"), rate, &(0.0..=1e6)));
        }
        if self.auth.mode.is_none() && !gateway.listen.ip().is_loopback() {
            problems.push(format!(
                "`gateway.listen` is `{}`, which other machines reach, and nobody is asked for credentials: listen on \
                 127.0.0.1, or say that this is meant with `auth.mode = \"none\"` (TOKENMILL_AUTH__MODE=none)",
                gateway.listen
            ));
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
        config.gateway.costly_per_second = -1.0;
        assert_eq!(config.problems().len(), 5, "{:?}", config.problems());
    }

    #[test]
    fn other_machines_are_let_in_only_by_a_word() {
        let mut config = Config::default();
        for (listen, open) in [("127.0.0.1:0", false), ("[::1]:8080", false), ("0.0.0.0:8080", true), ("[::]:0", true)]
        {
            config.gateway.listen = listen.parse().unwrap();
            assert_eq!(config.problems().concat().contains("TOKENMILL_AUTH__MODE=none"), open, "{listen}");
        }
        config.auth = serde_json::from_str(r#"{"mode": "none"}"#).unwrap();
        assert_eq!((config.auth.mode, config.problems()), (Some(AuthMode::None), vec![]));
        assert!(serde_json::from_str::<Auth>(r#"{"mode": "some"}"#).is_err());
    }
}
