//! Rows come out as they were stored, whole or cut.

use arrow_flight::Criteria;
use arrow_schema::Schema;
use dataset_model::Reason;

use crate::rig::{Rig, docs, reason, schema, shards, windows};

#[tokio::test]
async fn everything_comes_in_stored_order() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let info = rig.info(&["tokenizations", &id]).await.unwrap();
    assert!(info.ordered);
    assert_eq!(info.total_records, 60);
    let stored: u64 = rig.catalog.table().shards[0].1.iter().map(|shard| shard.size_bytes).sum();
    assert_eq!(info.total_bytes, i64::try_from(stored).unwrap());
    assert_eq!(Schema::try_from(info.clone()).unwrap(), *schema());
    let sequence: Vec<_> =
        info.endpoint.iter().map(|e| String::from_utf8_lossy(&e.app_metadata).into_owned()).collect();
    assert_eq!(sequence, ["0", "1", "2"], "one endpoint per shard");

    let read = rig.read(&["tokenizations", &id]).await.unwrap();
    assert_eq!(read, shards().concat(), "the stored batches, one message each");
    let schema_result = rig.client.clone().get_schema(info.flight_descriptor.unwrap()).await.unwrap().into_inner();
    assert_eq!(Schema::try_from(&schema_result).unwrap(), *schema());
}

#[tokio::test]
async fn stored_messages_go_out_unchanged() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let mut stream = rig.open(ticket).await.unwrap();
    let key = rig.catalog.table().shards[0].1[0].key.clone();
    let reader = rig.store.open_shard(&key).unwrap();
    assert!(stream.message().await.unwrap().unwrap().data_body.is_empty(), "the schema");
    for batch in 0..reader.batch_count() {
        let (sent, stored) = (stream.message().await.unwrap().unwrap(), reader.message(batch).unwrap());
        assert_eq!(sent.data_header, stored.metadata);
        assert_eq!(sent.data_body, stored.body);
    }
    assert!(stream.message().await.unwrap().is_none());
}

#[tokio::test]
async fn row_ranges_cut_shards_and_batches() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    for (start, count) in
        [(0u64, 60u64), (0, 1), (5, 10), (9, 2), (10, 10), (25, 30), (59, 1), (59, 100), (60, 5), (7, 0)]
    {
        let path = ["tokenizations", &id, "rows", &start.to_string(), &count.to_string()];
        let info = rig.info(&path).await.unwrap();
        let read = rig.read(&path).await.unwrap();
        let expected: Vec<u64> = (start..(start + count).min(60)).collect();
        assert_eq!(docs(&read), expected, "rows {start} + {count}");
        assert_eq!(info.total_records, i64::try_from(expected.len()).unwrap());
        assert_eq!(Schema::try_from(info).unwrap(), *schema());
        for batch in read {
            let first = docs(std::slice::from_ref(&batch))[0];
            assert_eq!(batch, windows(first, batch.num_rows() as u64, 50), "all columns of the cut rows");
        }
    }
}

#[tokio::test]
async fn raw_splits_and_empty_shards_are_read() {
    let rig = Rig::start().await;
    let id = dataset_model::DatasetId::new().to_string();
    let shards = vec![rig.shard("datasets/raw/0.arrow", &[windows(0, 5, 3)]), rig.shard("datasets/raw/1.arrow", &[])];
    let empty = vec![rig.shard("datasets/raw/2.arrow", &[])];
    rig.catalog.table().shards.extend([(format!("{id}/train"), shards), (format!("{id}/test"), empty)]);
    assert_eq!(docs(&rig.read(&["datasets", &id, "raw", "train"]).await.unwrap()), [0, 1, 2, 3, 4]);
    let info = rig.info(&["datasets", &id, "raw", "test"]).await.unwrap();
    assert_eq!((info.total_records, info.endpoint.len()), (0, 0));
    assert_eq!(Schema::try_from(info).unwrap(), *schema());
    let missing = rig.info(&["datasets", &id, "raw", "nope"]).await.unwrap_err();
    assert_eq!(reason(&missing), Reason::NotFound);
}

#[tokio::test]
async fn large_batches_are_cut_and_one_large_row_is_not() {
    let rig = Rig::start().await;
    let (large, row) = (windows(0, 60, 50_000), windows(60, 1, 2_500_000));
    let id = rig.tokenization(&[vec![large.clone(), row.clone()]]).to_string();
    let read = rig.read(&["tokenizations", &id]).await.unwrap();
    assert_eq!(docs(&read), (0..61).collect::<Vec<_>>());
    let (last, pieces) = read.split_last().unwrap();
    assert_eq!(*last, row);
    assert!(pieces.len() >= 3, "6 MB in pieces of about 2 MiB, not {}", pieces.len());
    let mut next = 0;
    for piece in pieces {
        assert!(piece.num_rows() * 100_000 < 4 << 20);
        assert_eq!(*piece, large.slice(next, piece.num_rows()));
        next += piece.num_rows();
    }
}

#[tokio::test]
async fn a_ticket_may_be_redeemed_again() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards()).to_string();
    let ticket = rig.info(&["tokenizations", &id]).await.unwrap().endpoint[1].ticket.clone().unwrap();
    assert!(ticket.ticket.len() < 100 && !String::from_utf8_lossy(&ticket.ticket).contains('/'));
    let first = rig.redeem(ticket.clone()).await.unwrap();
    assert_eq!(first, shards()[1]);
    drop(rig.open(ticket.clone()).await.unwrap());
    assert_eq!(rig.redeem(ticket).await.unwrap(), first);
    let listed = rig.catalog.table().listed.clone();
    assert_eq!(listed.iter().filter(|size| **size != 1).count(), 2, "two pages once, then only a look: {listed:?}");
}

#[tokio::test]
async fn health_answers() {
    let rig = Rig::start().await;
    let channel = service_kit::channel(&format!("http://{}", rig.address)).unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let answer = health.check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), tonic_health::pb::health_check_response::ServingStatus::Serving);
    let flights =
        rig.client.clone().list_flights(Criteria::default()).await.unwrap().into_inner().message().await.unwrap();
    assert!(flights.is_none());
}
