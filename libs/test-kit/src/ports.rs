//! Addresses for processes that must be told where to listen, because others look for them there.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// Below those that the system hands out by itself, which begin at 32768 on Linux and at 49152 elsewhere: between now
/// and its use, nobody is given such a port for a connection or for a listener on port 0.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Free addresses of this machine, all different. Begins anywhere, so that tests side by side choose others.
pub fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let start = RandomState::new().build_hasher().finish() % u64::from(COUNT);
    let ports = (0..COUNT).map(|n| FIRST + u16::try_from((start + u64::from(n)) % u64::from(COUNT)).unwrap_or(0));
    // Held until all are chosen.
    let free: Vec<TcpListener> =
        ports.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).take(count).collect();
    assert_eq!(free.len(), count, "no {count} ports are free from {FIRST} on");
    free.iter().filter_map(|socket| socket.local_addr().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_differ_and_are_free() {
        let addresses = free_addresses(20);
        let again: Vec<TcpListener> = addresses.iter().filter_map(|a| TcpListener::bind(a).ok()).collect();
        assert_eq!(again.len(), 20, "{addresses:?}");
    }
}
