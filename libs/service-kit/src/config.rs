//! Settings: one TOML file, then the environment, into one typed structure.
//!
//! `TOKENMILL_{SECTION}__{KEY}` names any setting; the ecosystem's own names (`DATABASE_URL`, `NATS_URL`,
//! `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`) are aliases that lose against it. All problems are reported at once.

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, net::SocketAddr, path::Path};

/// The settings of one service. `Serialize` is what is printed at start, so secrets are [`Secret`].
pub trait Settings: DeserializeOwned + Serialize + Clone + Send + 'static {
    /// Every value that cannot work, as "`section.key`: what is wrong; what would be right".
    fn problems(&self) -> Vec<String>;

    /// Where the health pages listen.
    fn internal(&self) -> SocketAddr;
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("invalid settings:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Names that the ecosystem uses already, and what they set.
const ALIASES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("NATS_URL", "nats.url"),
    ("HF_ENDPOINT", "hub.endpoint"),
    ("HF_TOKEN", "hub.token"),
    ("HF_HUB_OFFLINE", "hub.offline"),
];

/// Loads settings from `file` (none = `tokenmill.toml` in the working directory, if there is one) and the environment.
pub fn load<C: Settings>(file: Option<&Path>) -> Result<C, ConfigError> {
    load_over(file, figment::value::Dict::new())
}

/// The same, with `decided` above both: what a program that runs several services in one process has decided itself.
pub fn load_over<C: Settings>(file: Option<&Path>, decided: impl Serialize) -> Result<C, ConfigError> {
    let mut figment = Figment::new();
    figment = match file {
        Some(file) => figment.merge(Toml::file_exact(file)),
        None => figment.merge(Toml::file("tokenmill.toml")),
    };
    for (name, key) in ALIASES {
        figment = figment.merge(Env::raw().only(&[name]).map(|_| (*key).into()).split("."));
    }
    figment = figment.merge(Env::prefixed("TOKENMILL_").split("__")).merge(Serialized::defaults(decided));
    check(figment.extract())
}

fn check<C: Settings>(extracted: Result<C, figment::Error>) -> Result<C, ConfigError> {
    let config = extracted.map_err(|errors| ConfigError(errors.into_iter().map(|e| e.to_string()).collect()))?;
    let problems = config.problems();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError(problems)) }
}

/// A text that is never shown: `Debug`, `Display` and `Serialize` print `***`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[derive(Debug, Clone, Default, Deserialize, Serialize)]
    #[serde(default)]
    struct Jobs {
        lease_seconds: f64,
    }

    #[derive(Debug, Clone, Deserialize, Serialize)]
    struct Example {
        #[serde(default)]
        jobs: Jobs,
        database: Option<Database>,
    }

    #[derive(Debug, Clone, Deserialize, Serialize)]
    struct Database {
        url: Secret,
    }

    impl Settings for Example {
        fn problems(&self) -> Vec<String> {
            let mut problems = Vec::new();
            if self.jobs.lease_seconds <= 0.0 {
                problems.push("`jobs.lease_seconds` must be above 0".to_owned());
            }
            if self.database.is_none() {
                problems.push("`database.url` is missing".to_owned());
            }
            problems
        }

        fn internal(&self) -> SocketAddr {
            ([127, 0, 0, 1], 0).into()
        }
    }

    const ALONE: &str = "TEST_IS_ALONE";

    /// Makes `check` in a process of its own, which runs the same test once more: in a folder with such a
    /// `tokenmill.toml`, and with nothing but `environment`.
    fn alone(test: &str, file: &str, environment: &[(&str, &str)], check: impl FnOnce()) {
        if std::env::var_os(ALONE).is_some() {
            return check();
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokenmill.toml"), file).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("config::tests::{test}")])
            .env_clear()
            .env(ALONE, "")
            .envs(environment.iter().copied())
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    fn environment_wins_and_secrets_stay_hidden() {
        let environment = [("TOKENMILL_JOBS__LEASE_SECONDS", "3"), ("DATABASE_URL", "postgres://u:canary@h/d")];
        alone("environment_wins_and_secrets_stay_hidden", "[jobs]\nlease_seconds = 30\n", &environment, || {
            let config: Example = load(None).unwrap();
            assert!((config.jobs.lease_seconds - 3.0).abs() < f64::EPSILON);
            let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());
            assert!(!shown.contains("canary"), "{shown}");
            assert!(config.database.unwrap().url.expose().contains("canary"));
        });
    }

    #[test]
    fn all_problems_at_once() {
        alone("all_problems_at_once", "", &[], || {
            let error = load::<Example>(None).unwrap_err();
            assert_eq!(error.0.len(), 2, "{error}");
        });
    }
}
