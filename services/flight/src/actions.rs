//! Actions: questions about read plans, JSON in and JSON out.

use arrow_flight::{Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus};
use bytes::Bytes;
use dataset_model::{Problem, Reason};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::plan::{MAX_VERIFIED_ROWS, ReadPlan, Verdict, from_json};
use crate::plans::Description;
use crate::service::Flight;
use crate::{sources, ticket};

const LOOKUP: &str = "LookupStep";
const VERIFY: &str = "VerifyPlan";
const DESCRIBE: &str = "DescribePlan";
const CANCEL: &str = "CancelFlightInfo";
const READERS: &str = "ListReaders";

/// Far above the largest plan.
const MAX_BYTES: usize = 256 * 1024;

/// The body of most actions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    plan: ReadPlan,
}

#[derive(Debug, Serialize)]
struct Cancelled {
    status: &'static str,
    streams: usize,
}

pub(crate) fn list() -> Vec<ActionType> {
    let action = |name: &str, description: &str| ActionType { r#type: name.into(), description: description.into() };
    vec![
        action(
            LOOKUP,
            r#"{"plan", "step"}: which rows a step reads, rank by rank, down to the row of the source file"#,
        ),
        action(VERIFY, r#"{"plan"}: computes every row of an epoch and counts how often each is read"#),
        action(DESCRIBE, r#"{"plan"}: its steps, rows, shares and columns"#),
        action(CANCEL, r#"{"plan"}, or a CancelFlightInfoRequest as protobuf: ends the open streams of it"#),
        action(READERS, "no body: the open streams, with the names that their readers gave"),
    ]
}

/// The body of the answer.
pub(crate) async fn run(flight: &Flight, action: Action) -> Result<Bytes, ReadError> {
    let body = action.body;
    if body.len() > MAX_BYTES {
        return Err(Problem::new(Reason::BodyTooLarge, format!("an action has at most {MAX_BYTES} bytes")).into());
    }
    match action.r#type.as_str() {
        LOOKUP => json(&flight.lookup(from_json(&body)?).await?),
        VERIFY => json(&verify(flight, from_json::<About>(&body)?.plan).await?),
        DESCRIBE => {
            let (plan, schema, _) = flight.planned(from_json::<About>(&body)?.plan).await?;
            json(&Description::new(&plan, &schema))
        }
        CANCEL if body.first() == Some(&b'{') => {
            let plan = from_json::<About>(&body)?.plan;
            plan.check()?;
            json(&Cancelled { status: "CANCELLED", streams: flight.readers().cancel(&plan) })
        }
        CANCEL => cancel(flight, &body),
        READERS => json(&serde_json::json!({"readers": flight.readers().shown()})),
        other => {
            let name: String = other.chars().take(64).collect();
            let problem = Problem::new(Reason::NotImplemented, format!("the action `{name}` is not offered"));
            Err(problem.next_step("ListActions shows those that are").into())
        }
    }
}

fn json(answer: &impl Serialize) -> Result<Bytes, ReadError> {
    let bytes = serde_json::to_vec(answer).map_err(|_| Problem::internal())?;
    Ok(bytes.into())
}

/// The form that Arrow's own clients send.
fn cancel(flight: &Flight, body: &[u8]) -> Result<Bytes, ReadError> {
    let unreadable = |_| Problem::field("body", "is neither JSON nor a CancelFlightInfoRequest");
    let request = CancelFlightInfoRequest::decode(body).map_err(unreadable)?;
    let Some(info) = request.info else { return Err(Problem::field("info", "is missing").into()) };
    let tickets = info.endpoint.into_iter().filter_map(|endpoint| endpoint.ticket);
    for found in tickets.map(|found| ticket::decode(&found.ticket, service_kit::now())) {
        flight.readers().cancel_ticket(&found?);
    }
    Ok(CancelFlightInfoResult { status: CancelStatus::Cancelled.into() }.encode_to_vec().into())
}

async fn verify(flight: &Flight, request: ReadPlan) -> Result<Verdict, ReadError> {
    let (plan, _) = sources::resolve(flight.manifests(), request).await?;
    if plan.rows_to_verify() > MAX_VERIFIED_ROWS {
        let problem =
            format!("asks for a proof over {} rows; at most {MAX_VERIFIED_ROWS} are computed", plan.rows_to_verify());
        return Err(Problem::field("plan", problem).into());
    }
    let _one_at_a_time = flight.proofs().acquire().await.map_err(|_| Problem::internal())?;
    tokio::task::spawn_blocking(move || plan.verify()).await.map_err(ReadError::Stopped)
}
