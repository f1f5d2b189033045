//! Settings of the tokenization service: its own sections, and those it shares with the others.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hub::{HubConfig, Token};
use serde::{Deserialize, Deserializer, Serialize};
use service_kit::{Secret, Settings};

/// Everything the service can be told.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    pub tokenization: TokenizationSettings,
    pub tokenize: TokenizeSettings,
    pub catalog: CatalogSettings,
    pub nats: NatsSettings,
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
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct CatalogSettings {
    /// Address of the catalog; `http://127.0.0.1:50051`.
    pub url: String,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct NatsSettings {
    /// `nats://…`; also from `NATS_URL`. None: work is found by asking the catalog.
    pub url: Option<Secret>,
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
    #[serde(deserialize_with = "switch")]
    pub offline: bool,
}

impl Default for TokenizationSettings {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 50053).into(), internal: ([127, 0, 0, 1], 9102).into() }
    }
}

impl Default for TokenizeSettings {
    fn default() -> Self {
        Self { threads: 0, memory_bytes: 1 << 30 }
    }
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:50051".to_owned() }
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
        let url = &self.catalog.url;
        if !url.parse::<tonic::transport::Uri>().is_ok_and(|uri| uri.scheme().is_some() && uri.authority().is_some()) {
            problems.push(format!("`catalog.url` is `{url}`, which is no address; such as `http://127.0.0.1:50051`"));
        }
        if !(0.1..=3600.0).contains(&self.jobs.poll_seconds) {
            let seconds = self.jobs.poll_seconds;
            problems.push(format!("`jobs.poll_seconds` must be 0.1 to 3600 seconds, not {seconds}"));
        }
        if !(0.01..=60.0).contains(&self.jobs.heartbeat_seconds) {
            let seconds = self.jobs.heartbeat_seconds;
            problems.push(format!("`jobs.heartbeat_seconds` must be 0.01 to 60 seconds, not {seconds}"));
        }
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.tokenization.internal
    }
}

/// `true`, or what `huggingface_hub` takes for it: 1, ON, YES, TRUE.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Bool(bool),
        Number(u64),
        Text(String),
    }
    Ok(match Switch::deserialize(deserializer)? {
        Switch::Bool(on) => on,
        Switch::Number(number) => number == 1,
        Switch::Text(text) => ["1", "on", "yes", "true"].iter().any(|word| text.trim().eq_ignore_ascii_case(word)),
    })
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
        config.catalog.url = "nowhere".to_owned();
        assert_eq!(config.problems().len(), 4, "{:?}", config.problems());
    }
}
