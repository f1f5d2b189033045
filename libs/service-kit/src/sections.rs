//! Sections of the settings that several services share, and checks of single values.

use crate::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use std::{net::SocketAddr, ops::RangeInclusive};

/// Another service, as its own section of the settings describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// Where it listens; its default port on loopback.
    pub listen: Option<SocketAddr>,
    /// Where others reach it; `http://{listen}`.
    pub url: Option<String>,
}

impl Peer {
    /// The address to dial; `port` is the default one of that service.
    pub fn url(&self, port: u16) -> String {
        let listen = self.listen.unwrap_or_else(|| ([127, 0, 0, 1], port).into());
        self.url.clone().unwrap_or_else(|| format!("http://{listen}"))
    }

    /// What is wrong with the address of `section`, if anything. Needs no runtime, as there is none yet.
    pub fn problem(&self, section: &str, port: u16) -> Option<String> {
        let url = self.url(port);
        let uri = url.parse::<http::Uri>().ok();
        let is_address =
            uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some());
        (!is_address)
            .then(|| format!("`{section}.url` is `{url}`, which is no address; such as `http://127.0.0.1:{port}`"))
    }
}

/// The message bus. Nothing depends on it but speed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Nats {
    /// `nats://…`; also from `NATS_URL`. None: workers find their work by asking the catalog.
    pub url: Option<Secret>,
}

/// What is wrong with a value that must lie in `range`, if anything.
pub fn out_of_range(key: &str, value: f64, range: &RangeInclusive<f64>) -> Option<String> {
    let (low, high) = (range.start(), range.end());
    (!range.contains(&value)).then(|| format!("`{key}` must be {low} to {high}, not {value}"))
}

/// `true`, or what `huggingface_hub` takes for it: 1, ON, YES, TRUE. The environment gives numbers and texts.
pub fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
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

    #[test]
    fn an_address_is_checked() {
        let peer = |url: &str| Peer { listen: None, url: Some(url.to_owned()) }.problem("catalog", 50051);
        assert_eq!(peer("http://catalog:50051"), None);
        assert_eq!(Peer::default().problem("catalog", 50051), None);
        for wrong in ["", "x y", "127.0.0.1:50051", "/path", "ftp://a"] {
            assert!(peer(wrong).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn a_switch_takes_what_the_environment_gives() {
        #[derive(Deserialize)]
        struct Hub {
            #[serde(deserialize_with = "switch")]
            offline: bool,
        }
        let offline = |text: &str| toml::from_str::<Hub>(text).unwrap().offline;
        assert!(offline("offline = 'ON'") && offline("offline = 1") && offline("offline = true"));
        assert!(!offline("offline = '0'") && !offline("offline = 0"));
    }
}
