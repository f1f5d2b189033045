//! Every refusal and every damage has its name, and no row comes after one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use arrow_array::RecordBatch;
use arrow_flight::{Action, FlightDescriptor, Ticket};
use dataset_model::Reason;
use dataset_proto::status::from_status;
use tonic::Status;

use crate::rig::{Rig, docs, drain, drain_from, reason, shards, windows};

#[tokio::test]
async fn a_flipped_bit_ends_the_stream() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let key = rig.catalog.table().shards[0].1[0].key.clone();
    let bytes = fs::read(rig.path(&key)).unwrap();
    // The second batch's doc column holds 10..20 as it stands here, and nowhere else.
    let doc: Vec<u8> = (10u64..20).flat_map(u64::to_le_bytes).collect();
    let at = bytes.windows(doc.len()).position(|window| window == doc).unwrap();
    let file = OpenOptions::new().write(true).open(rig.path(&key)).unwrap();
    file.write_all_at(&[bytes[at + 8] ^ 1], at as u64 + 8).unwrap();

    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let (read, error) = drain(rig.open(ticket).await.unwrap()).await;
    let error = error.expect("the damage went unnoticed");
    assert_eq!((error.code(), reason(&error)), (tonic::Code::DataLoss, Reason::ShardCorrupt));
    assert!(error.message().contains("shard 0") && !error.message().contains(".arrow"), "{}", error.message());
    assert_eq!(docs(&read), (0..10).collect::<Vec<_>>(), "the batch before the damage, and no row after it");
    let rows = ["tokenizations", &id, "rows", "12", "2"];
    assert_eq!(reason(&rig.read(&rows).await.unwrap_err()), Reason::ShardCorrupt, "also when the batch is cut");
    assert_eq!(docs(&rig.read(&["tokenizations", &id, "rows", "20", "5"]).await.unwrap()), [20, 21, 22, 23, 24]);
}

#[tokio::test]
async fn torn_and_missing_files_are_data_loss() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let tickets = rig.info(&["tokenizations", &id]).await.unwrap().endpoint;
    let keys: Vec<String> = rig.catalog.table().shards[0].1.iter().map(|shard| shard.key.clone()).collect();
    OpenOptions::new().write(true).open(rig.path(&keys[0])).unwrap().set_len(1000).unwrap();
    fs::remove_file(rig.path(&keys[1])).unwrap();
    // A whole shard, but another one.
    fs::copy(rig.path(&rig.shard("datasets/other.arrow", &[windows(0, 10, 51)]).key), rig.path(&keys[2])).unwrap();
    for endpoint in tickets {
        let error = rig.redeem(endpoint.ticket.unwrap()).await.unwrap_err();
        assert_eq!((error.code(), reason(&error)), (tonic::Code::DataLoss, Reason::ShardCorrupt), "{error}");
    }
}

/// A plan over everything that is stored, shuffled.
async fn shuffled(rig: &Rig, id: &str) -> Ticket {
    let plan = serde_json::json!({"sources": [{"tokenization_id": id}], "shuffle": "global", "global_batch_rows": 1});
    let info = rig.client.clone().get_flight_info(FlightDescriptor::new_cmd(plan.to_string())).await.expect("a plan");
    info.into_inner().endpoint[0].ticket.clone().expect("a ticket")
}

#[tokio::test]
async fn a_plan_over_damage_ends_before_a_wrong_row() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let ticket = shuffled(&rig, &id).await;
    let keys: Vec<String> = rig.catalog.table().shards[0].1.iter().map(|shard| shard.key.clone()).collect();
    let good = fs::read(rig.path(&keys[1])).unwrap();
    let mut refused = 0;
    let flipped = {
        let mut bytes = good.clone();
        let doc: Vec<u8> = (40u64..50).flat_map(u64::to_le_bytes).collect();
        let at = bytes.windows(doc.len()).position(|window| window == doc).unwrap();
        bytes[at] ^= 1;
        bytes
    };
    for damage in [Some(flipped), Some(good[..good.len() / 2].to_vec()), None] {
        match damage {
            Some(bytes) => fs::write(rig.path(&keys[1]), bytes).unwrap(),
            None => fs::remove_file(rig.path(&keys[1])).unwrap(),
        }
        let (read, error) = match rig.open(ticket.clone()).await {
            Ok(stream) => drain(stream).await,
            Err(error) => (Vec::new(), Some(error)),
        };
        let error = error.expect("the damage went unnoticed");
        assert_eq!((error.code(), reason(&error)), (tonic::Code::DataLoss, Reason::ShardCorrupt));
        assert!(docs(&read).iter().all(|doc| *doc < 60), "a wrong row");
        refused += 1;
    }
    fs::write(rig.path(&keys[1]), good).unwrap();
    assert_eq!(docs(&rig.redeem(ticket).await.unwrap()).len(), 60, "restored, and read without a restart");
    println!("{refused} kinds of damage");
}

#[tokio::test]
async fn a_file_that_changes_under_an_open_plan_ends_it() {
    let rig = Rig::start().await;
    // Larger than the sockets' buffers and windows, so that the server is still reading.
    let batches: Vec<RecordBatch> = (0..100).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[batches]).to_string();
    let ticket = shuffled(&rig, &id).await;
    let mut stream = rig.open(ticket.clone()).await.unwrap();
    stream.message().await.unwrap().expect("the schema");
    let key = rig.catalog.table().shards[0].1[0].key.clone();
    OpenOptions::new().write(true).open(rig.path(&key)).unwrap().set_len(10_000).unwrap();
    let (_, error) = drain_from(stream, &windows(0, 1, 1)).await;
    assert_eq!(error.expect("a truncated file").code(), tonic::Code::DataLoss);
    // The service lives.
    assert_eq!(reason(&rig.redeem(ticket).await.unwrap_err()), Reason::ShardCorrupt);
}

#[tokio::test]
async fn what_is_written_over_while_it_is_sent_is_never_taken_for_rows() {
    let rig = Rig::start().await;
    let batch = |n: u64| windows(n * 10, 10, 50_000);
    let id = rig.tokenization(&[(0..60).map(batch).collect()]).to_string();
    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let mut stream = rig.open(ticket).await.unwrap();
    stream.message().await.unwrap().expect("the schema");
    // Messages were made by now that neither windows nor sockets had room for: their batches are checked and not sent.
    let key = rig.catalog.table().shards[0].1[0].key.clone();
    let file = OpenOptions::new().write(true).open(rig.path(&key)).unwrap();
    file.write_all_at(&vec![0xee; usize::try_from(file.metadata().unwrap().len()).unwrap()], 0).unwrap();
    let (read, error) = drain_from(stream, &batch(0)).await;
    let error = error.expect("the damage went unnoticed");
    assert_eq!((error.code(), reason(&error)), (tonic::Code::DataLoss, Reason::ShardCorrupt));
    assert!(read.len() < 60 && read.iter().zip(0..).all(|(read, n)| *read == batch(n)), "a wrong row");
}

#[tokio::test]
async fn an_open_plan_survives_a_delete() {
    let rig = Rig::start().await;
    let batches: Vec<RecordBatch> = (0..60).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[batches]).to_string();
    let mut stream = rig.open(shuffled(&rig, &id).await).await.unwrap();
    stream.message().await.unwrap().expect("the schema");
    rig.catalog.table().shards.clear();
    assert!(rig.store.remove_dir(&format!("datasets/{id}")).unwrap());
    let (read, error) = drain_from(stream, &windows(0, 1, 1)).await;
    assert!(error.is_none());
    let rows: std::collections::BTreeSet<u64> = docs(&read).into_iter().collect();
    assert_eq!(rows.len(), 600);
}

#[tokio::test]
async fn an_open_stream_survives_a_delete() {
    let rig = Rig::start().await;
    // Larger than the sockets' buffers and windows, so that the server is still reading while files go.
    let batches: Vec<RecordBatch> = (0..60).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[batches]).to_string();
    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let mut stream = rig.open(ticket.clone()).await.unwrap();
    stream.message().await.unwrap().expect("the schema");
    rig.catalog.table().shards.clear();
    assert!(rig.store.remove_dir(&format!("datasets/{id}")).unwrap());
    let mut messages = 0;
    while stream.message().await.unwrap().is_some() {
        messages += 1;
    }
    assert_eq!(messages, 60);
    let error = rig.redeem(ticket).await.unwrap_err();
    assert_eq!(reason(&error), Reason::NotFound, "a new stream finds nothing");
}

#[tokio::test]
async fn refusals_have_reasons() {
    let rig = Rig::start().await;
    let (unknown, unfinished) =
        (dataset_model::TokenizationId::new().to_string(), dataset_model::TokenizationId::new());
    rig.catalog.table().unfinished.push(unfinished.to_string());
    let of = |result: Result<(), Status>| reason(&result.unwrap_err());
    assert_eq!(of(rig.info(&["tokenizations", &unknown]).await.map(drop)), Reason::NotFound);
    assert_eq!(of(rig.info(&["tokenizations", &unfinished.to_string()]).await.map(drop)), Reason::DatasetNotReady);
    assert_eq!(of(rig.info(&["tokenizations", "x"]).await.map(drop)), Reason::InvalidField);
    assert_eq!(of(rig.redeem(Ticket::new("garbage")).await.map(drop)), Reason::InvalidField);
    let mut client = rig.client.clone();
    let plan = FlightDescriptor::new_cmd("{}");
    assert_eq!(of(client.get_flight_info(plan.clone()).await.map(drop)), Reason::InvalidField);
    assert_eq!(of(client.get_schema(plan).await.map(drop)), Reason::InvalidField);
    assert_eq!(of(client.do_action(Action::new("x", "")).await.map(drop)), Reason::NotImplemented);
    assert_eq!(of(client.do_put(tokio_stream::empty()).await.map(drop)), Reason::NotImplemented);
    assert_eq!(of(client.do_exchange(tokio_stream::empty()).await.map(drop)), Reason::NotImplemented);

    // Rows beyond the end can only come from another target's ticket.
    let (long, short) = (rig.tokenization(&shards()), rig.tokenization(&[vec![windows(0, 5, 3)]]));
    let ticket = rig.info(&["tokenizations", &long.to_string()]).await.unwrap().endpoint[2].ticket.clone().unwrap();
    let bytes: Vec<u8> = ticket.ticket.into();
    let at = bytes.windows(36).position(|window| window == long.to_string().as_bytes()).unwrap();
    let forged = [&bytes[..at], short.to_string().as_bytes(), &bytes[at + 36..]].concat();
    assert_eq!(of(rig.redeem(Ticket::new(forged)).await.map(drop)), Reason::InvalidField);
}

#[tokio::test]
async fn open_streams_are_limited() {
    let rig = Rig::start_with(1).await;
    let batches: Vec<RecordBatch> = (0..60).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[batches]).to_string();
    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let first = rig.open(ticket.clone()).await.unwrap();
    let error = rig.redeem(ticket.clone()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::Overloaded);
    assert!(from_status(&error).retry_after_ms.is_some());
    let (read, error) = drain(first).await;
    assert!(error.is_none() && read.len() == 60);
    assert_eq!(rig.redeem(ticket.clone()).await.unwrap().len(), 60, "the permit came back with the end of the stream");

    // A client that goes away gives its permit back as soon as the server hears of it.
    drop(rig.open(ticket.clone()).await.unwrap());
    let again = async { while rig.redeem(ticket.clone()).await.is_err() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), again).await.expect("the permit never came back");
}
