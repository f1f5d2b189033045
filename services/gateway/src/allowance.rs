//! How much one address may ask: a token bucket each, so that a client that runs wild is told to wait and the others
//! notice nothing.
//!
//! The allowances are far above what the UI or a busy script needs. Buckets are few: one that is full again says no more
//! than none, and is dropped.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Addresses that are remembered at once; beyond that, those that asked longest ago are forgotten.
const MAX_ADDRESSES: usize = 16_384;

/// Requests per second that an address may go on asking for, and how many at once before that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub per_second: f64,
    pub burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets of all addresses for one kind of request.
#[derive(Debug)]
pub(crate) struct Allowance {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Allowance {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one request from the bucket of `address`, or says how long to wait for one.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let Rate { per_second, burst } = self.rate;
        if per_second == 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            buckets.retain(|_, bucket| bucket.filled(self.rate, now) < burst);
        }
        if buckets.len() >= MAX_ADDRESSES {
            // A flood from everywhere: nobody's past counts.
            buckets.clear();
        }
        let bucket = buckets.entry(site(address)).or_insert(Bucket { left: burst, at: now });
        let left = bucket.filled(self.rate, now);
        *bucket = Bucket { left, at: now };
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since * rate.per_second).min(rate.burst)
    }
}

/// What counts as one client: an IPv4 address, or the /64 that a single IPv6 host has to itself.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_spent_and_fills_again_for_each_address_alone() {
        let (allowance, start) = (Allowance::new(RATE), Instant::now());
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(address);
        for _ in 0..3 {
            assert_eq!(allowance.take(one, start), Ok(()));
        }
        assert_eq!(allowance.take(one, start), Err(Duration::from_millis(500)));
        assert_eq!(allowance.take(other, start), Ok(()));
        let later = start + Duration::from_millis(500);
        assert_eq!((allowance.take(one, later), allowance.take(one, later).is_err()), (Ok(()), true));
        // Never more than the burst.
        let much_later = start + Duration::from_hours(1);
        assert_eq!((0..9).filter(|_| allowance.take(one, much_later).is_ok()).count(), 3);
    }

    #[test]
    fn a_rate_of_zero_allows_everything() {
        let allowance = Allowance::new(Rate { per_second: 0.0, burst: 1.0 });
        let now = Instant::now();
        assert!((0..100).all(|_| allowance.take(address("10.0.0.1"), now).is_ok()));
    }

    #[test]
    fn a_network_of_one_host_is_one_client() {
        assert_eq!(site(address("2001:db8::1")), site(address("2001:db8::ffff:1")));
        assert_ne!(site(address("2001:db8::1")), site(address("2001:db8:0:1::1")));
        assert_eq!(site(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn addresses_without_end_take_bounded_memory() {
        let (allowance, now) = (Allowance::new(RATE), Instant::now());
        for number in 0..3 * u32::try_from(MAX_ADDRESSES).unwrap() {
            assert_eq!(allowance.take(IpAddr::V4(number.into()), now), Ok(()));
        }
        assert!(allowance.buckets.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
