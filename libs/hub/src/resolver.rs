//! Which addresses may be connected to: a redirect must not turn this client against the local network.
//!
//! Names are checked where they are resolved, so that a name which changes its address between check and use
//! gains nothing. The endpoint's own host and the proxies may be private: the user chose them.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Resolves names to public addresses only, but for the trusted hosts.
#[derive(Debug, Clone)]
pub(crate) struct PublicOnly {
    trusted: Arc<HashSet<String>>,
}

impl PublicOnly {
    pub(crate) fn new(trusted: impl IntoIterator<Item = String>) -> Self {
        Self { trusted: Arc::new(trusted.into_iter().collect()) }
    }

    /// Addresses written as numbers are never resolved, so they are checked here.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        let trusted = url.host_str().is_some_and(|host| self.trusted.contains(host));
        match url.host() {
            Some(Host::Ipv4(ip)) => trusted || is_public(ip.into()),
            Some(Host::Ipv6(ip)) => trusted || is_public(ip.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusted.contains(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|to| trusted || is_public(to.ip())).collect();
            if allowed.is_empty() {
                let refused = format!("`{}` has no public address", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => {
                !(ip.is_loopback()
                    || ip.is_unspecified()
                    || ip.is_multicast()
                    || ip.is_unique_local()
                    || ip.is_unicast_link_local())
            }
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is shared address space (RFC 6598): private in effect, and not covered by `is_private`.
    let is_shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || is_shared
        || ip.octets()[0] == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_unless_trusted() {
        let guard = PublicOnly::new(["10.0.0.7".to_owned()]);
        let allows = |url| guard.allows(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1/x",
            "http://2130706433/x",
            "http://169.254.169.254/latest/meta-data",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
        ] {
            assert!(!allows(url), "{url}");
        }
        for url in ["http://10.0.0.7:8080/x", "https://18.66.1.1/x", "https://cdn.test/x"] {
            assert!(allows(url), "{url}");
        }
    }
}
