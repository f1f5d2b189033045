//! What is written is what is read: as batches, as rows, and as messages on a stream.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, UInt16Builder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use shard_store::{SealedShard, ShardStore, StoreError};

const KEY: &str = "datasets/org__name/1/raw/0-0-0.deadbeef.arrow";

type Row = (i64, Option<String>, Vec<u16>);

fn schema() -> SchemaRef {
    let item = Arc::new(Field::new_list_field(DataType::UInt16, true));
    let fields = vec![
        Field::new("n", DataType::Int64, false),
        Field::new("text", DataType::Utf8, true),
        Field::new("ids", DataType::List(item), false),
    ];
    let metadata = [("b", "2"), ("a", "1"), ("c", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    Arc::new(Schema::new(fields).with_metadata(metadata.into_iter().collect::<std::collections::HashMap<_, _>>()))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let mut ids = ListBuilder::new(UInt16Builder::new());
    for (_, _, list) in rows {
        ids.append_value(list.iter().map(|id| Some(*id)));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| Some(r.0)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| r.1.clone()).collect::<StringArray>()),
        Arc::new(ids.finish()),
    ];
    RecordBatch::try_new(schema(), columns).expect("the columns fit the schema")
}

fn write(store: &ShardStore, key: &str, batches: &[RecordBatch]) -> SealedShard {
    let mut writer = store.create(key, schema()).expect("create");
    for batch in batches {
        writer.write(batch).expect("write");
    }
    writer.finish().expect("finish")
}

fn store() -> (tempfile::TempDir, ShardStore) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = ShardStore::open(dir.path()).expect("open");
    (dir, store)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (any::<i64>(), proptest::option::of(".{0,40}"), proptest::collection::vec(any::<u16>(), 0..30));
    proptest::collection::vec(row, 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_is_read(shards in proptest::collection::vec(rows(), 0..6), start in 0u64..300, count in 0u64..300) {
        let (_dir, store) = store();
        let batches: Vec<RecordBatch> = shards.iter().map(|rows| batch(rows)).collect();
        let sealed = write(&store, KEY, &batches);
        let reader = store.open_shard(KEY).unwrap();

        let stored: Vec<&RecordBatch> = batches.iter().filter(|b| b.num_rows() > 0).collect();
        prop_assert_eq!(reader.schema(), schema());
        prop_assert_eq!(reader.batch_count(), stored.len());
        prop_assert_eq!(sealed.batch_digests.len(), stored.len());
        prop_assert_eq!(reader.row_count(), sealed.row_count);
        prop_assert_eq!(reader.size_bytes(), sealed.size_bytes);
        for (i, expected) in stored.iter().enumerate() {
            prop_assert_eq!(&reader.batch(i).unwrap(), *expected);
            prop_assert_eq!(reader.batch_rows(i).end - reader.batch_rows(i).start, u64::from(sealed.batch_rows[i]));
            reader.verify_batch(i, sealed.batch_digests[i]).unwrap();
        }

        let bytes = store.read_file(KEY).unwrap();
        prop_assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), sealed.sha256);
        store.verify_shard(KEY, &sealed.sha256, sealed.size_bytes).unwrap();

        let all: Vec<Row> = shards.concat();
        match reader.read_rows(start, count, Some(&["ids", "n"])) {
            Ok(parts) => {
                let from = usize::try_from(start).unwrap();
                let expected = batch(&all[from..from + usize::try_from(count).unwrap()]).project(&[2, 0]).unwrap();
                let rows: usize = parts.iter().map(RecordBatch::num_rows).sum();
                prop_assert_eq!(rows, expected.num_rows());
                let mut row = 0;
                for part in parts {
                    prop_assert_eq!(&part, &expected.slice(row, part.num_rows()));
                    row += part.num_rows();
                }
            }
            Err(StoreError::RowsOutOfRange { .. }) => prop_assert!(start + count > all.len() as u64),
            Err(other) => prop_assert!(false, "unexpected error {other:?}"),
        }
    }
}

#[test]
fn two_writes_give_the_same_bytes() {
    let (_dir, store) = store();
    let rows: Vec<Row> = (0..1000).map(|n| (n, Some(format!("row {n}")), vec![7; 5])).collect();
    let first = write(&store, KEY, &[batch(&rows), batch(&rows[..10])]);
    let second = write(&store, "datasets/other.arrow", &[batch(&rows), batch(&rows[..10])]);
    assert_eq!(first.sha256, second.sha256);
    assert_eq!(first.batch_digests, second.batch_digests);
    assert_eq!(store.read_file(&first.key).unwrap(), store.read_file(&second.key).unwrap());
}

#[test]
fn messages_of_the_file_make_a_stream() {
    let (_dir, store) = store();
    let rows: Vec<Row> = (0..300).map(|n| (n, None, vec![1, 2, 3])).collect();
    let batches = [batch(&rows[..100]), batch(&rows[100..])];
    write(&store, KEY, &batches);
    let reader = store.open_shard(KEY).unwrap();

    // A stream is the schema message, then the messages of the file each behind marker and length.
    let mut stream = StreamWriter::try_new(Vec::new(), &reader.schema()).unwrap();
    stream.flush().unwrap();
    let mut bytes = stream.get_ref().clone();
    let map = reader.message(0).unwrap();
    for i in 0..reader.batch_count() {
        let message = reader.message(i).unwrap();
        bytes.extend_from_slice(&[0xff; 4]);
        bytes.extend_from_slice(&u32::try_from(message.metadata.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&message.metadata);
        bytes.extend_from_slice(&message.body);
        assert_eq!(message.body.as_ptr().align_offset(64), 0, "bodies are aligned to 64 bytes in the map");
    }
    let read: Vec<RecordBatch> = StreamReader::try_new(&bytes[..], None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, batches);
    // Slices of one map, not copies: asking again gives the same address.
    assert_eq!(map.body.as_ptr(), reader.message(0).unwrap().body.as_ptr());
    let decoded = reader.batch(0).unwrap();
    let values = decoded.column(0).to_data().buffers()[0].as_ptr();
    assert!(map.body.as_ptr_range().contains(&values), "decoded buffers lie in the map");
}

#[test]
fn rows_find_their_batch() {
    let (_dir, store) = store();
    let rows: Vec<Row> = (0..30).map(|n| (n, None, vec![])).collect();
    write(&store, KEY, &[batch(&rows[..10]), batch(&rows[10..15]), batch(&rows[15..])]);
    let reader = store.open_shard(KEY).unwrap();
    let found: Vec<_> = [0, 9, 10, 14, 15, 29, 30].map(|row| reader.batch_of_row(row)).into();
    assert_eq!(found, [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None]);
    assert!(matches!(reader.read_rows(0, 1, Some(&["x"])), Err(StoreError::NoSuchColumn { .. })));
    assert!(matches!(reader.message(3), Err(StoreError::NoSuchBatch { batch_count: 3, .. })));
}
