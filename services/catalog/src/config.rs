//! The catalog's settings.

use crate::domain::task::RetryPolicy;
use serde::{Deserialize, Serialize};
use service_kit::{Nats, Peer, Secret, Settings, out_of_range};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Sections that other services know too have the same names there.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Config {
    pub catalog: CatalogSection,
    pub database: DatabaseSection,
    pub nats: Nats,
    pub tokenization: Peer,
    pub jobs: JobsSection,
    pub storage: StorageSection,
    pub secrets: SecretsSection,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SecretsSection {
    /// File of 64 hexadecimal digits, the key under which Hub tokens are kept. None: `secrets.key` in the data
    /// directory, made when it is first needed. All replicas of the catalog need the same.
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct CatalogSection {
    /// gRPC; 127.0.0.1:50051.
    pub listen: SocketAddr,
    /// Health pages and metrics; 127.0.0.1:9100.
    pub internal: SocketAddr,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct DatabaseSection {
    /// `postgres://…`; also from `DATABASE_URL`.
    pub url: Secret,
    /// Connections at most; 16.
    pub max_connections: u32,
    /// Whether `serve` brings the schema up to date; true.
    pub migrate: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct JobsSection {
    /// How long a silent worker keeps a task; 30.
    pub lease_seconds: f64,
    /// Period of the reconciler; 5.
    pub reconcile_seconds: f64,
    /// Tries of a transient failure; 3.
    pub max_tries: u32,
    /// Pause between them; 60.
    pub retry_seconds: f64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub struct StorageSection {
    /// Folder of the workers' shards; the catalog has its key there, if no other place is named; `data`.
    pub data_dir: PathBuf,
    /// How long the files of a deleted dataset wait for open streams at most; 900.
    pub delete_grace_seconds: f64,
}

impl Default for CatalogSection {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 50051).into(), internal: ([127, 0, 0, 1], 9100).into() }
    }
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self { url: Secret::new(""), max_connections: 16, migrate: true }
    }
}

impl Default for JobsSection {
    fn default() -> Self {
        Self { lease_seconds: 30.0, reconcile_seconds: 5.0, max_tries: 3, retry_seconds: 60.0 }
    }
}

impl Default for StorageSection {
    fn default() -> Self {
        Self { data_dir: "data".into(), delete_grace_seconds: 900.0 }
    }
}

impl JobsSection {
    pub fn lease(&self) -> Duration {
        Duration::from_secs_f64(self.lease_seconds)
    }

    pub fn reconcile_period(&self) -> Duration {
        Duration::from_secs_f64(self.reconcile_seconds)
    }

    pub fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy { max_tries: self.max_tries, pause: Duration::from_secs_f64(self.retry_seconds) }
    }
}

impl Settings for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let url = self.database.url.expose();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            problems.push("`database.url` must be a `postgres://…` address; hint: set DATABASE_URL".to_owned());
        }
        problems.extend(self.tokenization.problem("tokenization", 50053));
        if self.database.max_connections < 2 {
            problems.push("`database.max_connections` must be at least 2".to_owned());
        }
        if self.jobs.max_tries == 0 {
            problems.push("`jobs.max_tries` must be at least 1".to_owned());
        }
        for (key, seconds, least) in [
            ("jobs.lease_seconds", self.jobs.lease_seconds, 0.5),
            ("jobs.reconcile_seconds", self.jobs.reconcile_seconds, 0.05),
            ("jobs.retry_seconds", self.jobs.retry_seconds, 0.0),
            ("storage.delete_grace_seconds", self.storage.delete_grace_seconds, 0.0),
        ] {
            problems.extend(out_of_range(key, seconds, &(least..=86_400.0)));
        }
        problems
    }

    fn internal(&self) -> SocketAddr {
        self.catalog.internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_lack_only_a_database_and_all_problems_come_at_once() {
        let mut config = Config::default();
        assert_eq!(config.tokenization.url(50053), "http://127.0.0.1:50053");
        assert_eq!(config.problems().len(), 1, "{:?}", config.problems());
        config.database.url = Secret::new("postgres://localhost/tokenmill");
        assert!(config.problems().is_empty(), "{:?}", config.problems());
        config.tokenization.url = Some("nowhere".to_owned());
        config.jobs.lease_seconds = 0.0;
        config.jobs.max_tries = 0;
        assert_eq!(config.problems().len(), 3, "{:?}", config.problems());
    }
}
