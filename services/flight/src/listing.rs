//! `ListFlights`: what can be read, filtered by JSON criteria `{status, repo_id, tokenizer_name}`.
//!
//! Ready flights are described in full, one by one as the client reads; the others only by descriptor and status.

use arrow_flight::FlightInfo;
use arrow_schema::Schema;
use dataset_model::{Dataset, DatasetStatus, Problem, Reason, Tokenization, TokenizationStatus};
use dataset_proto::catalog::{DatasetServiceListRequest, TokenizationServiceListRequest};
use dataset_proto::status::from_status;
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;

use crate::descriptor::{Selection, Target};
use crate::error::ReadError;
use crate::service::Flight;

/// Which flights; an absent field restricts nothing but the status, which is `ready` then.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Criteria {
    status: Option<String>,
    repo_id: Option<String>,
    /// Given: tokenizations only.
    tokenizer_name: Option<String>,
}

/// Reads the criteria; an empty expression restricts nothing.
pub(crate) fn parse(expression: &[u8]) -> Result<Criteria, Problem> {
    if expression.is_empty() {
        return Ok(Criteria::default());
    }
    // By way of an object: serde would also take an array as the fields in order.
    let criteria: Criteria = serde_json::from_slice::<serde_json::Map<_, _>>(expression)
        .and_then(|object| serde_json::from_value(object.into()))
        .map_err(|e| Problem::field("criteria", format!("must be JSON with status, repo_id, tokenizer_name: {e}")))?;
    let known =
        |status: &String| status.parse::<DatasetStatus>().is_ok() || status.parse::<TokenizationStatus>().is_ok();
    match &criteria.status {
        Some(status) if !known(status) => Err(Problem::field("criteria.status", "is not a status")),
        Some(_) | None => Ok(criteria),
    }
}

impl Criteria {
    fn status(&self) -> &str {
        self.status.as_deref().unwrap_or("ready")
    }

    fn takes_raw(&self, dataset: &Dataset) -> bool {
        self.tokenizer_name.is_none() && dataset.status.as_str() == self.status()
    }

    fn takes_tokens(&self, tokenization: &Tokenization) -> bool {
        tokenization.status.as_str() == self.status()
            && self.tokenizer_name.as_ref().is_none_or(|name| *name == tokenization.tokenizer_name)
    }
}

/// A target and whether it can be read now.
type Listed = (Target, bool);

/// The flights that fit, newest dataset first.
pub(crate) async fn flights(
    flight: Flight,
    criteria: Criteria,
) -> Result<impl Stream<Item = Result<FlightInfo, ReadError>> + use<>, ReadError> {
    let mut listed = Vec::new();
    for dataset in datasets(&flight).await? {
        if criteria.repo_id.as_ref().is_some_and(|repo_id| repo_id != dataset.repo_id.as_str()) {
            continue;
        }
        list_dataset(&flight, &criteria, &dataset, &mut listed).await?;
    }
    Ok(stream::iter(listed).filter_map(move |listed| describe(flight.clone(), listed)))
}

async fn list_dataset(
    flight: &Flight,
    criteria: &Criteria,
    dataset: &Dataset,
    listed: &mut Vec<Listed>,
) -> Result<(), Problem> {
    let is_ready = criteria.status() == "ready";
    if criteria.takes_raw(dataset) {
        let raw = |split: &dataset_model::Split| Target::Raw { dataset: dataset.id, split: split.name.clone() };
        listed.extend(dataset.splits.iter().map(raw).map(|target| (target, is_ready)));
    }
    let message = TokenizationServiceListRequest { dataset_id: dataset.id.to_string() };
    let answer = flight.manifests().catalog().tokenizations().list(catalog_client::request(message)).await;
    let tokenizations = match answer.map_err(|status| from_status(&status)) {
        Ok(answer) => answer.into_inner().tokenizations,
        // Deleted since it was listed.
        Err(problem) if problem.reason == Reason::NotFound => Vec::new(),
        Err(problem) => return Err(problem),
    };
    for tokenization in tokenizations {
        let tokenization = Tokenization::try_from(tokenization)?;
        if criteria.takes_tokens(&tokenization) {
            listed.push((Target::Tokenization(tokenization.id), is_ready));
        }
    }
    Ok(())
}

/// None for a target that was deleted since it was listed.
async fn describe(flight: Flight, (target, is_ready): Listed) -> Option<Result<FlightInfo, ReadError>> {
    let descriptor = target.descriptor();
    if !is_ready {
        let info = FlightInfo::new().try_with_schema(&Schema::empty()).map(|info| info.with_descriptor(descriptor));
        return Some(info.map_err(|source| ReadError::Encode { target, source }));
    }
    match flight.info(&Selection { target, start: 0, count: None }, descriptor).await {
        Err(ReadError::Refused(problem)) if matches!(problem.reason, Reason::NotFound | Reason::DatasetNotReady) => {
            None
        }
        info => Some(info),
    }
}

async fn datasets(flight: &Flight) -> Result<Vec<Dataset>, Problem> {
    let mut datasets = Vec::new();
    let mut page_token = String::new();
    loop {
        let message = DatasetServiceListRequest { page_size: 200, page_token, ..DatasetServiceListRequest::default() };
        let answer = flight.manifests().catalog().datasets().list(catalog_client::request(message)).await;
        let page = answer.map_err(|status| from_status(&status))?.into_inner();
        for dataset in page.datasets {
            datasets.push(Dataset::try_from(dataset)?);
        }
        if page.next_page_token.is_empty() {
            return Ok(datasets);
        }
        page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_checked() {
        assert_eq!(parse(b"").unwrap(), Criteria::default());
        assert_eq!(parse(br#"{"status": "cancelled"}"#).unwrap().status(), "cancelled");
        for bad in [&b"x"[..], b"[]", br#"{"stat": 1}"#, br#"{"status": "done"}"#, b"\xff"] {
            assert_eq!(parse(bad).unwrap_err().reason, Reason::InvalidField);
        }
    }
}
