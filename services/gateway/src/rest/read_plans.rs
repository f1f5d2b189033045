//! Questions about read plans, which the flight service answers: what a step reads, and the proof that all is read.
//!
//! Plans and answers pass through as they are; their form is the flight service's to check.

use super::{Gateway, extract::Body};
use crate::{error::ApiError, openapi::ReadErrors};
use axum::{Json, extract::State};
use serde_json::{Map, Value, json};
use std::time::Duration;
use utoipa::ToSchema;

const LOOKUP_TIME: Duration = Duration::from_secs(10);
/// A proof computes up to 268 million rows.
const PROOF_TIME: Duration = Duration::from_mins(1);

/// What a training run reads; the same as in a Flight `CMD` descriptor.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub(super) struct ReadPlan {
    /// One, or several that are mixed by weight.
    sources: Vec<Source>,
    #[schema(default = 0)]
    seed: Option<u64>,
    #[schema(default = 0)]
    epoch: Option<u64>,
    /// `none` (the default), `global`, or `{"block": {"rows": n}}`.
    shuffle: Option<Value>,
    /// Rows of one training step over all ranks.
    global_batch_rows: u32,
    /// Only this rank; all when absent.
    rank: Option<u32>,
    /// Divides `global_batch_rows`.
    #[schema(default = 1)]
    world_size: Option<u32>,
    #[schema(default = 0)]
    start_step: Option<u64>,
    /// Exclusive; the end of the epoch when absent. Required when sources are mixed.
    end_step: Option<u64>,
    #[schema(default = true)]
    drop_last: Option<bool>,
    columns: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[schema(as = ReadPlanSource)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub(super) struct Source {
    tokenization_id: uuid::Uuid,
    /// Relative share of the rows, at least 1.
    #[schema(default = 1)]
    weight: Option<u32>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub(super) struct LookupStep {
    plan: ReadPlan,
    step: u64,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the request in the OpenAPI document")]
pub(super) struct VerifyPlan {
    plan: ReadPlan,
}

/// Tells which rows a step of a read plan reads, rank by rank, down to the row of the source file.
#[utoipa::path(post, path = "/read-plans/lookup", operation_id = "lookup_step", tag = "read plans",
    request_body = LookupStep, responses((status = 200, body = Value), ReadErrors))]
pub(super) async fn lookup(
    State(gateway): State<Gateway>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Value>, ApiError> {
    gateway.rows.act("LookupStep", &question(body), LOOKUP_TIME).await.map(Json)
}

/// Proves that a read plan reads each row once, by computing every row of an epoch.
#[utoipa::path(post, path = "/read-plans/verify", operation_id = "verify_plan", tag = "read plans",
    request_body = VerifyPlan, responses((status = 200, body = Value), ReadErrors))]
pub(super) async fn verify(
    State(gateway): State<Gateway>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Value>, ApiError> {
    gateway.rows.act("VerifyPlan", &question(body), PROOF_TIME).await.map(Json)
}

/// Shows the open streams of the flight service, with the names that their readers gave.
#[utoipa::path(get, path = "/readers", operation_id = "list_readers", tag = "read plans",
    responses((status = 200, body = Value), ReadErrors))]
pub(super) async fn readers(State(gateway): State<Gateway>) -> Result<Json<Value>, ApiError> {
    gateway.rows.act("ListReaders", &json!({}), LOOKUP_TIME).await.map(Json)
}

/// `{plan, step}`; a bare plan, beside the step, is understood too.
fn question(mut body: Map<String, Value>) -> Value {
    if body.contains_key("plan") {
        return body.into();
    }
    let step = body.remove("step");
    let mut question = Map::from_iter([("plan".to_owned(), body.into())]);
    question.extend(step.map(|step| ("step".to_owned(), step)));
    question.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_plan_is_a_plan() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let whole = json!({"plan": {"seed": 1}, "step": 2});
        assert_eq!(question(map(whole.clone())), whole);
        assert_eq!(question(map(json!({"seed": 1, "step": 2}))), whole);
        assert_eq!(question(map(json!({"seed": 1}))), json!({"plan": {"seed": 1}}));
    }
}
