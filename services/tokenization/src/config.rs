//! Settings of the tokenization service: its own sections, and those it shares with the others.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::EngineChoice;
use hub::{HubConfig, Token};
use serde::{Deserialize, Serialize};
use service_kit::{Nats, Peer, Secret, Settings, out_of_range};

/// Everything the service can be told.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    pub tokenization: TokenizationSettings,
    pub tokenize: TokenizeSettings,
    pub catalog: Peer,
    pub nats: Nats,
    pub storage: StorageSettings,
    pub jobs: JobsSettings,
    pub hub: HubSettings,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct TokenizationSettings {
    /// Where gRPC listens; `127.0.0.1:50053`.
    pub listen: SocketAddr,
    /// Where the health pages listen; `127.0.0.1:9102`.
    pub internal: SocketAddr,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct TokenizeSettings {
    /// Threads of a task; 0 = one for each core.
    pub threads: usize,
    /// Estimated bytes of work in flight in a task, its tokenizer apart; 1 GiB.
    pub memory_bytes: u64,
    /// `auto`: the fastest engine that equals the reference; `reference`: that one for everything.
    pub engine: TokenizeEngine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizeEngine {
    #[default]
    Auto,
    Reference,
}

impl TokenizeEngine {
    pub(crate) fn choice(self) -> EngineChoice {
        match self {
            Self::Auto => EngineChoice::Auto,
            Self::Reference => EngineChoice::Reference,
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct StorageSettings {
    /// Folder of the shards, shared with the other workers and with flight; `data`.
    pub data_dir: PathBuf,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct JobsSettings {
    /// Pause between two signs of life of a running task; 0.5.
    pub heartbeat_seconds: f64,
    /// How often an idle worker asks for work without a doorbell; 15.
    pub poll_seconds: f64,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HubSettings {
    /// Base address; also from `HF_ENDPOINT`. None: the public Hub.
    pub endpoint: Option<String>,
    /// `hf_…`; also from `HF_TOKEN`. None: what the `hf` command line stored.
    pub token: Option<Secret>,
    /// Use what is on disk and never the network; also from `HF_HUB_OFFLINE`.
    #[serde(deserialize_with = "service_kit::switch")]
    pub offline: bool,
}

impl Default for TokenizationSettings {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 50053).into(), internal: ([127, 0, 0, 1], 9102).into() }
    }
}

impl Default for TokenizeSettings {
    fn default() -> Self {
        Self { threads: 0, memory_bytes: 1 << 30, engine: TokenizeEngine::Auto }
    }
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self { data_dir: "data".into() }
    }
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self { heartbeat_seconds: 0.5, poll_seconds: 15.0 }
    }
}

impl Config {
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs_f64(self.jobs.heartbeat_seconds)
    }

    pub fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.jobs.poll_seconds)
    }

    /// The Hub as these settings say, and as the ecosystem's own variables say where they are silent.
    #[expect(clippy::disallowed_methods, reason = "the Hub cache and the token file are found by the Hub's own names")]
    pub fn hub(&self) -> HubConfig {
        let environment = HubConfig::from_env(|name| std::env::var(name).ok());
        let HubSettings { endpoint, token, offline } = &self.hub;
        HubConfig {
            endpoint: endpoint.clone().unwrap_or(environment.endpoint),
            token: token.as_ref().map(|token| Token::new(token.expose())).or(environment.token),
            offline: *offline,
            ..environment
        }
    }
}

impl Settings for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.tokenize.threads > 1024 {
            problems.push(format!("`tokenize.threads` must be at most 1024, not {}", self.tokenize.threads));
        }
        if self.tokenize.memory_bytes == 0 {
            problems.push("`tokenize.memory_bytes` must be above 0".to_owned());
        }
        let JobsSettings { heartbeat_seconds, poll_seconds } = self.jobs;
        problems.extend(self.catalog.problem("catalog", 50051));
        problems.extend(out_of_range("jobs.heartbeat_seconds", heartbeat_seconds, &(0.01..=60.0)));
        problems.extend(out_of_range("jobs.poll_seconds", poll_seconds, &(0.1..=3600.0)));
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.tokenization.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Without a runtime, as settings are read before there is one.
    #[test]
    fn defaults_work_and_all_problems_are_told() {
        let mut config = Config::default();
        assert_eq!(config.problems(), [""; 0]);
        config.tokenize.memory_bytes = 0;
        config.jobs.heartbeat_seconds = 0.0;
        config.jobs.poll_seconds = 0.0;
        config.catalog.url = Some("nowhere".to_owned());
        assert_eq!(config.problems().len(), 4, "{:?}", config.problems());
    }
}
