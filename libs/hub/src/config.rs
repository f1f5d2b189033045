//! How to reach the Hub, and how patient to be with it.

use std::{path::PathBuf, time::Duration};

use hf_hub::Cache;

use crate::token::Token;

/// Settings of a [`HubClient`](crate::HubClient). `Default` is the public Hub without a token.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Base address, `https://huggingface.co` by default; a trailing `/` is ignored.
    pub endpoint: String,
    /// Sent with calls that bring no token of their own.
    pub token: Option<Token>,
    /// Until a connection stands. Default 10 s.
    pub connect_timeout: Duration,
    /// Without a byte for so long, or slower than the minimum over so long, a transfer starts anew. Default 30 s.
    pub stall_timeout: Duration,
    /// Minimum speed of a transfer. Default 1024 bytes/s.
    pub min_bytes_per_second: u64,
    /// Connections for files at once, shared by all clones of the client: each file has one, and a large one takes
    /// what is free besides. Default 8.
    pub max_files: usize,
    /// Use what is in the local Hub cache and never the network.
    pub offline: bool,
    /// Tries per request; a transfer that makes progress starts counting again. Default 5.
    pub request_tries: u32,
    /// Pause after the first failure; it doubles with each further one. Default 500 ms.
    pub backoff_base: Duration,
    /// Files above this size are fetched in ranges: the Hub's bridge to its storage refuses larger answers.
    /// Default 50 GB.
    pub single_get_limit: u64,
    /// Size of those ranges. Default 1 GiB.
    pub range_size: u64,
    /// Of so many missing bytes on, several connections share a file. Default 256 MiB.
    pub parallel_from: u64,
    /// What one of them asks for at a time. Default 64 MiB.
    pub parallel_range: u64,
    /// The user's own Hub cache. A file that lies there is verified and copied instead of fetched.
    pub cache_dir: Option<PathBuf>,
    /// Hosts that may have private addresses besides the endpoint: the proxies.
    pub trusted_hosts: Vec<String>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            min_bytes_per_second: 1024,
            max_files: 8,
            offline: false,
            request_tries: 5,
            backoff_base: Duration::from_millis(500),
            single_get_limit: 50_000_000_000,
            range_size: 1 << 30,
            parallel_from: 256 << 20,
            parallel_range: 64 << 20,
            cache_dir: None,
            trusted_hosts: Vec::new(),
        }
    }
}

impl HubConfig {
    /// Reads the ecosystem's own variables through `lookup`, with the rules of Python's `huggingface_hub`:
    /// `HF_ENDPOINT`, `HF_TOKEN` (then the token file), `HF_HUB_OFFLINE`, `HF_HOME`, `HF_HUB_CACHE`.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let home = set("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
            Some(cache.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))?.join("huggingface"))
        });
        let token_file = || match set("HF_TOKEN_PATH") {
            Some(path) => std::fs::read_to_string(path).ok(),
            None => Cache::new(home.as_ref()?.join("hub")).token(),
        };
        let token = set("HF_TOKEN").or_else(|| set("HUGGING_FACE_HUB_TOKEN")).or_else(token_file);
        let defaults = Self::default();
        let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        Self {
            endpoint: set("HF_ENDPOINT").unwrap_or(defaults.endpoint),
            token: token.map(Token::new).filter(|token| !token.is_empty()),
            offline: set("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
            cache_dir: set("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join("hub"))),
            trusted_hosts: proxies.iter().filter_map(|name| proxy_host(&set(name)?)).collect(),
            ..defaults
        }
    }
}

/// What `huggingface_hub` takes for true.
fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].iter().any(|word| value.trim().eq_ignore_ascii_case(word))
}

/// Proxies are written with and without a scheme.
fn proxy_host(value: &str) -> Option<String> {
    let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Some(url::Url::parse(&url).ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> HubConfig {
        HubConfig::from_env(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_ecosystems_variables() {
        let config = from(&[
            ("HF_ENDPOINT", "http://localhost:1/"),
            ("HF_TOKEN", " hf_x\n"),
            ("HF_HUB_OFFLINE", "true"),
            ("HOME", "/nowhere"),
            ("HTTPS_PROXY", "proxy.corp:3128"),
        ]);
        assert_eq!(config.endpoint, "http://localhost:1/");
        assert_eq!(config.token, Some(Token::new("hf_x")));
        assert!(config.offline);
        assert_eq!(config.cache_dir, Some(PathBuf::from("/nowhere/.cache/huggingface/hub")));
        assert_eq!(config.trusted_hosts, ["proxy.corp"]);
    }

    #[test]
    fn without_variables_the_public_hub() {
        let config = from(&[("HF_TOKEN", " "), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!(config.endpoint, "https://huggingface.co");
        assert_eq!(config.token, None);
        assert!(!config.offline);
    }

    #[test]
    fn the_token_file_stands_in() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "hf_file\n").unwrap();
        let config = from(&[("HF_HOME", home.path().to_str().unwrap())]);
        assert_eq!(config.token, Some(Token::new("hf_file")));
    }
}
