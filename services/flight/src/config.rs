//! Settings of the flight service: its own section, and those it shares with the others.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service_kit::{Peer, Settings};

/// Everything the service can be told.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    pub flight: FlightSettings,
    pub catalog: Peer,
    pub storage: StorageSettings,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct FlightSettings {
    /// Where Arrow Flight listens; `127.0.0.1:8815`.
    pub listen: SocketAddr,
    /// Where the health pages listen; `127.0.0.1:9103`.
    pub internal: SocketAddr,
    /// Streams open at once, each of which holds a thread; 256.
    pub max_streams: usize,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct StorageSettings {
    /// Folder of the shards, shared with the workers; `./data`. Reading is enough.
    pub data_dir: PathBuf,
}

impl Default for FlightSettings {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 8815).into(), internal: ([127, 0, 0, 1], 9103).into(), max_streams: 256 }
    }
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self { data_dir: "data".into() }
    }
}

impl Settings for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // The blocking pool has 512 threads, and opening shards needs some of them.
        if !(1..=448).contains(&self.flight.max_streams) {
            problems.push("`flight.max_streams` must be between 1 and 448".to_owned());
        }
        problems.extend(self.catalog.problem("catalog", 50051));
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.flight.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_work_and_all_problems_are_told() {
        assert_eq!(Config::default().problems(), [""; 0]);
        let mut config = Config::default();
        config.flight.max_streams = 0;
        for url in ["", "x y", "127.0.0.1:50051", "/path"] {
            config.catalog.url = Some(url.to_owned());
            assert_eq!(config.problems().len(), 2, "{url:?}");
        }
    }
}
