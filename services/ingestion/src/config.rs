//! Settings of the ingestion service: its own sections, and those it shares with the others.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use hub::{HubConfig, Token};
use serde::{Deserialize, Serialize};
use service_kit::{Nats, Peer, Secret, Settings, out_of_range};

/// Everything the service can be told.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    pub ingestion: IngestionSettings,
    pub catalog: Peer,
    pub nats: Nats,
    pub storage: StorageSettings,
    pub jobs: JobsSettings,
    pub limits: LimitSettings,
    pub hub: HubSettings,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct IngestionSettings {
    /// Where gRPC listens; `127.0.0.1:50052`.
    pub listen: SocketAddr,
    /// Where the health pages listen; `127.0.0.1:9101`.
    pub internal: SocketAddr,
    /// Tasks at once: while one converts, another one downloads; 2.
    pub slots: usize,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct StorageSettings {
    /// Folder of the shards, shared with the other workers and with flight; `data`.
    pub data_dir: PathBuf,
    /// Age at which a file that the catalog does not know is removed, and the pause between two looks, in seconds; 3600.
    pub orphan_seconds: f64,
}

impl StorageSettings {
    pub(crate) fn orphan_age(&self) -> Duration {
        Duration::from_secs_f64(self.orphan_seconds)
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct JobsSettings {
    /// Pause between two signs of life of a running task; 0.5.
    pub heartbeat_seconds: f64,
    /// How often an idle worker asks for work without a doorbell; 15.
    pub poll_seconds: f64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct LimitSettings {
    /// The largest dataset, as the sum of its source files, in bytes; 100 GiB.
    pub max_dataset_bytes: u64,
    /// What the volume must have left, in bytes; 1 GiB.
    pub free_space_bytes: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct HubSettings {
    /// Base address; also from `HF_ENDPOINT`. None: the public Hub.
    pub endpoint: Option<String>,
    /// `hf_…`; also from `HF_TOKEN`. None: what the `hf` command line stored.
    pub token: Option<Secret>,
    /// Use what is on disk and never the network; also from `HF_HUB_OFFLINE`.
    #[serde(deserialize_with = "service_kit::switch")]
    pub offline: bool,
    /// Files that are fetched at once; 8.
    pub max_files: usize,
    /// A transfer without a byte for so long starts anew, in seconds; 30.
    pub stall_seconds: f64,
    /// A transfer that is slower over that time starts anew, in bytes per second; 1024.
    pub min_bytes_per_second: u64,
}

impl Default for IngestionSettings {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 50052).into(), internal: ([127, 0, 0, 1], 9101).into(), slots: 2 }
    }
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self { data_dir: "data".into(), orphan_seconds: 3600.0 }
    }
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self { heartbeat_seconds: 0.5, poll_seconds: 15.0 }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { max_dataset_bytes: 107_374_182_400, free_space_bytes: 1 << 30 }
    }
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            token: None,
            offline: false,
            max_files: 8,
            stall_seconds: 30.0,
            min_bytes_per_second: 1024,
        }
    }
}

impl JobsSettings {
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs_f64(self.heartbeat_seconds)
    }

    pub fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }
}

impl HubSettings {
    /// The Hub as these settings say, and as the ecosystem's own variables say where they are silent.
    #[expect(clippy::disallowed_methods, reason = "the Hub cache and the token file are found by the Hub's own names")]
    pub fn client(&self) -> HubConfig {
        let environment = HubConfig::from_env(|name| std::env::var(name).ok());
        HubConfig {
            endpoint: self.endpoint.clone().unwrap_or(environment.endpoint),
            token: self.token.as_ref().map(|token| Token::new(token.expose())).or(environment.token),
            offline: self.offline,
            max_files: self.max_files,
            stall_timeout: Duration::from_secs_f64(self.stall_seconds),
            min_bytes_per_second: self.min_bytes_per_second,
            ..environment
        }
    }
}

impl Settings for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=64).contains(&self.ingestion.slots) {
            problems.push(format!("`ingestion.slots` must be 1 to 64, not {}", self.ingestion.slots));
        }
        if !(1..=64).contains(&self.hub.max_files) {
            problems.push(format!("`hub.max_files` must be 1 to 64, not {}", self.hub.max_files));
        }
        for (key, seconds, range) in [
            ("jobs.heartbeat_seconds", self.jobs.heartbeat_seconds, 0.01..=60.0),
            ("jobs.poll_seconds", self.jobs.poll_seconds, 0.1..=3600.0),
            ("storage.orphan_seconds", self.storage.orphan_seconds, 0.1..=31_536_000.0),
            ("hub.stall_seconds", self.hub.stall_seconds, 0.1..=3600.0),
        ] {
            problems.extend(out_of_range(key, seconds, &range));
        }
        problems.extend(self.catalog.problem("catalog", 50051));
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.ingestion.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_work_and_all_problems_are_told() {
        let mut config = Config::default();
        assert_eq!(config.problems(), [""; 0]);
        assert_eq!(config.catalog.url(50051), "http://127.0.0.1:50051");
        config.ingestion.slots = 0;
        config.hub.stall_seconds = 0.0;
        config.catalog.url = Some("nowhere".to_owned());
        assert_eq!(config.problems().len(), 3, "{:?}", config.problems());
    }

    #[test]
    fn the_hub_reads_switches_as_the_ecosystem_writes_them() {
        let hub = |text: &str| serde_json::from_str::<HubSettings>(text).unwrap().offline;
        assert!(hub(r#"{"offline": "ON"}"#) && hub(r#"{"offline": 1}"#) && hub(r#"{"offline": true}"#));
        assert!(!hub(r#"{"offline": "0"}"#) && !hub("{}"));
    }
}
