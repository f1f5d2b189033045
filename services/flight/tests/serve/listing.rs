//! `ListFlights` shows what can be read, and what the criteria ask for.

use arrow_flight::{Criteria, FlightInfo};
use dataset_model::{DatasetId, JobId, Reason};
use dataset_proto::catalog::{self as proto, DatasetStatus, TokenizationStatus};
use tonic::Status;

use crate::rig::{Rig, reason, schema, shards, windows};

/// A ready dataset of two splits and a pending one; on the first a ready, a failed and a vanished tokenization.
async fn filled() -> (Rig, [String; 4]) {
    let rig = Rig::start().await;
    let (ready, pending) = (DatasetId::new().to_string(), DatasetId::new().to_string());
    let tokens = rig.tokenization(&shards()).to_string();
    let failed = dataset_model::TokenizationId::new().to_string();
    let vanished = dataset_model::TokenizationId::new().to_string();
    let raw = |n: u32| vec![rig.shard(&format!("datasets/{n}.arrow"), &[windows(0, 5, 3)])];
    let splits = [(format!("{ready}/train"), raw(0)), (format!("{ready}/test"), raw(1))];
    let mut table = rig.catalog.table();
    table.shards.extend(splits);
    table.datasets.push(dataset(&ready, "org/one", DatasetStatus::Ready, &["train", "test"]));
    table.datasets.push(dataset(&pending, "org/two", DatasetStatus::Pending, &["train"]));
    table.tokenizations.push(tokenization(&tokens, &ready, "gpt2", TokenizationStatus::Ready));
    table.tokenizations.push(tokenization(&vanished, &ready, "gpt2", TokenizationStatus::Ready));
    table.tokenizations.push(tokenization(&failed, &ready, "bert", TokenizationStatus::Failed));
    drop(table);
    (rig, [ready, pending, tokens, failed])
}

fn dataset(id: &str, repo_id: &str, status: DatasetStatus, splits: &[&str]) -> proto::Dataset {
    let split = |name: &&str| proto::Split { name: (*name).to_owned(), row_count: 5, size_bytes: 1 };
    proto::Dataset {
        id: id.to_owned(),
        name: repo_id.to_owned(),
        repo_id: repo_id.to_owned(),
        status: status.into(),
        splits: splits.iter().map(split).collect(),
        created_at: Some(prost_types::Timestamp::default()),
        updated_at: Some(prost_types::Timestamp::default()),
        ..proto::Dataset::default()
    }
}

fn tokenization(id: &str, dataset: &str, tokenizer: &str, status: TokenizationStatus) -> proto::Tokenization {
    let config = proto::TokenizeConfig { tokenizer_name: tokenizer.to_owned(), ..proto::TokenizeConfig::default() };
    proto::Tokenization {
        id: id.to_owned(),
        dataset_id: dataset.to_owned(),
        status: status.into(),
        config: Some(config),
        job_id: JobId::new().to_string(),
        created_at: Some(prost_types::Timestamp::default()),
        updated_at: Some(prost_types::Timestamp::default()),
        ..proto::Tokenization::default()
    }
}

async fn list(rig: &Rig, criteria: &'static str) -> Result<Vec<FlightInfo>, Status> {
    let mut stream = rig.client.clone().list_flights(Criteria { expression: criteria.into() }).await?.into_inner();
    let mut flights = Vec::new();
    while let Some(info) = stream.message().await? {
        flights.push(info);
    }
    Ok(flights)
}

fn paths(flights: &[FlightInfo]) -> Vec<String> {
    flights.iter().map(|f| f.flight_descriptor.as_ref().expect("a descriptor").path.join("/")).collect()
}

#[tokio::test]
async fn what_is_ready_is_listed_in_full() {
    let (rig, [ready, _, tokens, _]) = filled().await;
    let flights = list(&rig, "").await.unwrap();
    let (train, test) = (format!("datasets/{ready}/raw/train"), format!("datasets/{ready}/raw/test"));
    assert_eq!(paths(&flights), [train, test, format!("tokenizations/{tokens}")]);
    let [.., last] = flights.as_slice() else { unreachable!() };
    assert_eq!((last.total_records, last.endpoint.len()), (60, 3));
    assert_eq!(arrow_schema::Schema::try_from(last.clone()).unwrap(), *schema());
    // A listed descriptor is one that can be asked for.
    let path: Vec<&str> = last.flight_descriptor.as_ref().unwrap().path.iter().map(String::as_str).collect();
    assert_eq!(rig.read(&path).await.unwrap(), shards().concat());
}

#[tokio::test]
async fn criteria_narrow_the_list() {
    let (rig, [ready, pending, tokens, failed]) = filled().await;
    let listed = async |criteria| paths(&list(&rig, criteria).await.unwrap());
    assert_eq!(listed(r#"{"tokenizer_name": "gpt2"}"#).await, [format!("tokenizations/{tokens}")]);
    assert_eq!(listed(r#"{"status": "failed"}"#).await, [format!("tokenizations/{failed}")]);
    assert_eq!(listed(r#"{"status": "pending"}"#).await, [format!("datasets/{pending}/raw/train")]);
    assert_eq!(listed(r#"{"repo_id": "org/two"}"#).await, [""; 0]);
    let of_one = listed(r#"{"repo_id": "org/one", "status": "ready"}"#).await;
    assert!(of_one.len() == 3 && of_one[0].contains(&ready));
    assert_eq!(reason(&list(&rig, r#"{"status": 1}"#).await.unwrap_err()), Reason::InvalidField);
}
