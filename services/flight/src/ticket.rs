//! Tickets: a versioned protobuf of ids and a row range. Pure; the time is an argument.
//!
//! A ticket holds no path and no right: who presents one must be allowed to read what it names. It may be redeemed as
//! often as needed for 24 hours, so that a broken stream can be asked for again.

use std::time::Duration;

use arrow_flight::Ticket;
use chrono::{DateTime, Utc};
use dataset_model::Problem;
use dataset_proto::flight as proto;
use dataset_proto::flight::{row_range::Owner, ticket::What};
use prost::Message;

use crate::descriptor::{Selection, Target};

const VERSION: u32 = 1;
/// How long a ticket may be redeemed.
pub(crate) const LIFE: Duration = Duration::from_hours(24);
/// Far above the largest ticket: two ids, a split's name and numbers.
const MAX_BYTES: usize = 4096;

/// A ticket for `count` rows of `target` from row `start` on.
pub(crate) fn encode(target: &Target, start: u64, count: u64, now: DateTime<Utc>) -> Ticket {
    let (owner, split) = match target {
        Target::Tokenization(id) => (Owner::TokenizationId(id.to_string()), String::new()),
        Target::Raw { dataset, split } => (Owner::DatasetId(dataset.to_string()), split.clone()),
    };
    let rows = proto::RowRange { owner: Some(owner), split, start, count };
    let issued_at = u64::try_from(now.timestamp()).unwrap_or(0);
    Ticket::new(proto::Ticket { version: VERSION, issued_at, what: Some(What::Rows(rows)) }.encode_to_vec())
}

/// What a ticket selects. Anything that [`encode`] did not make within the last 24 hours is refused.
pub(crate) fn decode(bytes: &[u8], now: DateTime<Utc>) -> Result<Selection, Problem> {
    let refused = |why: &str| {
        Problem::field("ticket", why).next_step("ask GetFlightInfo for a new ticket and use it as it was given")
    };
    let unreadable = || refused("is not a ticket of this service");
    if bytes.len() > MAX_BYTES {
        return Err(unreadable());
    }
    let ticket = proto::Ticket::decode(bytes).map_err(|_| unreadable())?;
    if ticket.version != VERSION {
        return Err(refused("has a version that this service does not know"));
    }
    let age = now.timestamp().saturating_sub(i64::try_from(ticket.issued_at).unwrap_or(i64::MAX));
    if age > i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX) {
        return Err(refused("is older than 24 hours"));
    }
    let Some(What::Rows(rows)) = ticket.what else { return Err(unreadable()) };
    let target = match rows.owner.ok_or_else(unreadable)? {
        Owner::TokenizationId(id) if rows.split.is_empty() => {
            Target::Tokenization(id.parse().map_err(|_| unreadable())?)
        }
        Owner::DatasetId(id) if !rows.split.is_empty() => {
            Target::Raw { dataset: id.parse().map_err(|_| unreadable())?, split: rows.split }
        }
        Owner::TokenizationId(_) | Owner::DatasetId(_) => return Err(unreadable()),
    };
    Ok(Selection { target, start: rows.start, count: Some(rows.count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use dataset_model::Reason;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn targets() -> [Target; 2] {
        let raw = Target::Raw { dataset: ID.parse().unwrap(), split: "train".to_owned() };
        [Target::Tokenization(ID.parse().unwrap()), raw]
    }

    #[test]
    fn tickets_live_a_day() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for target in targets() {
            let ticket = encode(&target, 3, 4, now).ticket;
            assert!(ticket.len() < 100, "tickets are small");
            let selection = Selection { target, start: 3, count: Some(4) };
            assert_eq!(decode(&ticket, now).unwrap(), selection);
            assert_eq!(decode(&ticket, now + TimeDelta::hours(24)).unwrap(), selection);
            let late = decode(&ticket, now + TimeDelta::hours(24) + TimeDelta::seconds(1)).unwrap_err();
            assert_eq!(late.reason, Reason::InvalidField);
        }
    }

    #[test]
    fn foreign_bytes_are_no_ticket() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let good = encode(&targets()[1], 3, 4, now).ticket;
        let mut other_version = proto::Ticket::decode(good.clone()).unwrap();
        other_version.version = 2;
        for bytes in [&b""[..], b"garbage", &[0xff; 5000], &good[..good.len() / 2], &other_version.encode_to_vec()] {
            assert_eq!(decode(bytes, now).unwrap_err().reason, Reason::InvalidField, "{bytes:?}");
        }
    }
}
