//! Tickets: a versioned protobuf of ids with a row range or a plan. Pure; the time is an argument.
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

use crate::descriptor::{Selection, Target, Wanted};
use crate::plan::ReadPlan;

const VERSION: u32 = 1;
/// How long a ticket may be redeemed.
pub(crate) const LIFE: Duration = Duration::from_hours(24);
/// Above the largest ticket: a plan of 64 sources and 64 columns.
const MAX_BYTES: usize = 16 * 1024;

/// A ticket for `count` rows of `target` from row `start` on.
pub(crate) fn encode(target: &Target, start: u64, count: u64, now: DateTime<Utc>) -> Ticket {
    let (owner, split) = match target {
        Target::Tokenization(id) => (Owner::TokenizationId(id.to_string()), String::new()),
        Target::Raw { dataset, split } => (Owner::DatasetId(dataset.to_string()), split.clone()),
    };
    issue(What::Rows(proto::RowRange { owner: Some(owner), split, start, count }), now)
}

/// A ticket for what one rank of a plan reads.
pub(crate) fn encode_plan(plan: &ReadPlan, rank: u32, now: DateTime<Utc>) -> Ticket {
    issue(What::Plan(plan.of_rank(rank).to_proto()), now)
}

fn issue(what: What, now: DateTime<Utc>) -> Ticket {
    let issued_at = u64::try_from(now.timestamp()).unwrap_or(0);
    Ticket::new(proto::Ticket { version: VERSION, issued_at, what: Some(what) }.encode_to_vec())
}

/// What a ticket is for; a plan has its rank. Anything that was not issued within the last 24 hours is refused.
pub(crate) fn decode(bytes: &[u8], now: DateTime<Utc>) -> Result<Wanted, Problem> {
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
    let rows = match ticket.what.ok_or_else(unreadable)? {
        What::Rows(rows) => rows,
        What::Plan(plan) => {
            let plan = ReadPlan::from_proto(plan).map_err(|_| unreadable())?;
            plan.check().map_err(|_| unreadable())?;
            return if plan.rank.is_some() { Ok(Wanted::Plan(plan)) } else { Err(unreadable()) };
        }
    };
    let target = match rows.owner.ok_or_else(unreadable)? {
        Owner::TokenizationId(id) if rows.split.is_empty() => {
            Target::Tokenization(id.parse().map_err(|_| unreadable())?)
        }
        Owner::DatasetId(id) if !rows.split.is_empty() => {
            Target::Raw { dataset: id.parse().map_err(|_| unreadable())?, split: rows.split }
        }
        Owner::TokenizationId(_) | Owner::DatasetId(_) => return Err(unreadable()),
    };
    Ok(Wanted::Rows(Selection { target, start: rows.start, count: Some(rows.count) }))
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
            let selection = Wanted::Rows(Selection { target, start: 3, count: Some(4) });
            assert_eq!(decode(&ticket, now).unwrap(), selection);
            assert_eq!(decode(&ticket, now + TimeDelta::hours(24)).unwrap(), selection);
            let late = decode(&ticket, now + TimeDelta::hours(24) + TimeDelta::seconds(1)).unwrap_err();
            assert_eq!(late.reason, Reason::InvalidField);
        }
    }

    #[test]
    fn a_plan_goes_into_a_ticket_with_its_rank() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let json =
            format!(r#"{{"sources": [{{"tokenization_id": "{ID}"}}], "global_batch_rows": 24, "world_size": 8}}"#);
        let plan = ReadPlan::parse(json.as_bytes()).unwrap();
        let ticket = encode_plan(&plan, 7, now).ticket;
        assert!(ticket.len() < 100, "tickets are small");
        assert_eq!(decode(&ticket, now).unwrap(), Wanted::Plan(plan.of_rank(7)));
        for bad in [plan.to_proto(), plan.of_rank(8).to_proto()] {
            let forged = issue(What::Plan(bad), now).ticket;
            assert_eq!(decode(&forged, now).unwrap_err().reason, Reason::InvalidField);
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
