//! Nothing half-written is ever seen, and damage is an error: torn files, flipped bits, full volumes.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use shard_store::{SealedShard, ShardStore, StoreError};

const KEY: &str = "datasets/org__name/1/raw/0-0-0.deadbeef.arrow";

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false), Field::new("text", DataType::Utf8, true)]))
}

fn batch(rows: i32) -> RecordBatch {
    let numbers = Arc::new(Int32Array::from_iter_values(0..rows));
    let texts = Arc::new((0..rows).map(|n| Some(format!("text {n}"))).collect::<StringArray>());
    RecordBatch::try_new(schema(), vec![numbers, texts]).expect("the columns fit the schema")
}

fn write(store: &ShardStore, batches: usize) -> SealedShard {
    let mut writer = store.create(KEY, schema()).expect("create");
    for _ in 0..batches {
        writer.write(&batch(200)).expect("write");
    }
    writer.finish().expect("finish")
}

fn store() -> (tempfile::TempDir, ShardStore) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = ShardStore::open(dir.path()).expect("open");
    (dir, store)
}

#[test]
fn dropping_a_writer_removes_its_file() {
    let (_dir, store) = store();
    let mut writer = store.create(KEY, schema()).unwrap();
    writer.write(&batch(100_000)).unwrap();
    let staged = store.list_raw().unwrap();
    assert_eq!(staged.len(), 1);
    assert!(staged[0].key.starts_with("staging/") && staged[0].size_bytes > 0, "{staged:?}");
    drop(writer);
    assert_eq!(store.list_raw().unwrap(), []);
}

#[test]
fn a_wrong_batch_ends_the_writer() {
    let (_dir, store) = store();
    let mut writer = store.create(KEY, schema()).unwrap();
    let other = batch(3).project(&[1]).unwrap();
    assert!(matches!(writer.write(&other), Err(StoreError::SchemaMismatch { .. })));
    assert_eq!(store.list_raw().unwrap(), []);
    assert!(matches!(writer.write(&batch(1)), Err(StoreError::WriterFailed { .. })));
    assert!(matches!(writer.finish(), Err(StoreError::WriterFailed { .. })));
}

#[test]
fn dictionaries_are_refused_wherever_they_hide() {
    let (_dir, store) = store();
    let words: DictionaryArray<Int32Type> = vec!["a", "b"].into_iter().collect();
    let inside = Field::new("word", arrow_array::Array::data_type(&words).clone(), true);
    let hidden = Field::new("outer", DataType::Struct(vec![Field::new_list("list", inside, true)].into()), true);
    let result = store.create(KEY, Arc::new(Schema::new(vec![hidden])));
    assert!(matches!(result.err(), Some(StoreError::DictionaryColumn { column, .. }) if column == "outer"));
}

#[test]
fn a_file_torn_anywhere_is_not_a_shard() {
    let (_dir, store) = store();
    let sealed = write(&store, 3);
    let whole = store.read_file(KEY).unwrap();
    for length in (0..whole.len()).step_by(61).chain([whole.len() - 1]) {
        store.write_file("datasets/torn.arrow", &whole[..length]).unwrap();
        let error = store.open_shard("datasets/torn.arrow").expect_err("a torn file was opened");
        assert!(error.is_damage(), "{error:?}");
        assert!(matches!(
            store.verify_shard("datasets/torn.arrow", &sealed.sha256, sealed.size_bytes),
            Err(StoreError::SizeMismatch { .. })
        ));
    }
}

#[test]
fn every_flipped_byte_is_found_before_it_is_believed() {
    let (dir, store) = store();
    let mut writer = store.create(KEY, schema()).unwrap();
    writer.write(&batch(20)).unwrap();
    writer.write(&batch(20)).unwrap();
    let sealed = writer.finish().unwrap();
    let whole = store.read_file(KEY).unwrap();
    for (at, bits) in (0..whole.len()).flat_map(|at| [(at, 0x01), (at, 0xff)]) {
        let mut bytes = whole.clone();
        bytes[at] ^= bits;
        fs::write(dir.path().join("datasets/bad.arrow"), &bytes).unwrap();
        assert!(matches!(
            store.verify_shard("datasets/bad.arrow", &sealed.sha256, sealed.size_bytes),
            Err(StoreError::DigestMismatch { .. })
        ));
        // Without the whole digest: refused at open, or a batch differs, or the flip lies outside every batch.
        let Ok(reader) = store.open_verified("datasets/bad.arrow", sealed.batch_digests.clone()) else { continue };
        for i in 0..reader.batch_count() {
            match reader.batch(i) {
                Ok(read) => assert_eq!(read, batch(20), "byte {at} changed what batch {i} says"),
                Err(error) => assert!(matches!(error, StoreError::BatchDigestMismatch { .. }), "{error:?}"),
            }
            assert_eq!(reader.batch(i).is_ok(), reader.message(i).is_ok());
        }
    }
}

#[test]
fn a_batch_is_hashed_once_until_its_file_changes() {
    let (dir, store) = store();
    let sealed = write(&store, 2);
    let digests = sealed.batch_digests.clone();
    assert!(store.open_verified(KEY, digests[..1].to_vec()).unwrap_err().is_damage());
    assert!(store.open_verified(KEY, vec![digests[0], 0]).unwrap().batch(1).is_err(), "a wrong digest");
    store.open_verified(KEY, digests.clone()).unwrap().message(1).unwrap();

    // The same flip once with the file's times put back, so that only a new hash can see it, and once without.
    let path = dir.path().join(KEY);
    let stat = fs::metadata(&path).unwrap();
    let middle_of_second = store.open_shard(KEY).unwrap().message(1).unwrap().body.len() as u64;
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xee], sealed.size_bytes / 2 + middle_of_second / 4).unwrap();
    file.set_modified(stat.modified().unwrap()).unwrap();
    let reader = store.open_verified(KEY, digests.clone()).unwrap();
    assert!(reader.message(1).is_ok(), "a known batch is not hashed again");
    file.set_modified(std::time::SystemTime::now()).unwrap();
    assert!(matches!(reader.message(1), Err(StoreError::Changed { .. })));
    let reader = store.open_verified(KEY, digests).unwrap();
    assert!(matches!(reader.message(1), Err(StoreError::BatchDigestMismatch { batch: 1, .. })));
    assert!(reader.message(0).is_ok());
}

#[test]
fn a_file_changed_under_a_reader_is_an_error() {
    let (dir, store) = store();
    let sealed = write(&store, 2);
    let path = dir.path().join(KEY);

    let reader = store.open_shard(KEY).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"x", sealed.size_bytes / 2).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(matches!(reader.message(0), Err(StoreError::Changed { .. })));

    write(&store, 2);
    let reader = store.open_shard(KEY).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(sealed.size_bytes / 2).unwrap();
    assert!(matches!(reader.batch(1), Err(StoreError::SizeMismatch { .. })));
    assert!(matches!(reader.verify_batch(1, sealed.batch_digests[1]), Err(StoreError::SizeMismatch { .. })));
}

#[test]
fn an_open_reader_survives_removal() {
    let (_dir, store) = store();
    let sealed = write(&store, 2);
    let reader = store.open_shard(KEY).unwrap();
    assert!(store.remove(KEY).unwrap());
    assert!(!store.remove(KEY).unwrap(), "the second removal finds nothing");
    assert!(matches!(store.open_shard(KEY), Err(StoreError::NotFound { .. })));
    reader.verify_batch(1, sealed.batch_digests[1]).unwrap();
    assert_eq!(reader.batch(1).unwrap(), batch(200));
}

#[test]
fn removal_leaves_no_empty_folders() {
    let (dir, store) = store();
    let keys =
        ["datasets/org__name/1/metadata.json", "datasets/org__name/1/raw/a", "datasets/org__name/2/metadata.json"];
    for key in keys {
        store.write_file(key, b"{}").unwrap();
    }
    assert!(store.remove_dir("datasets/org__name/1").unwrap());
    assert!(!store.remove_dir("datasets/org__name/1").unwrap(), "the second removal finds nothing");
    assert_eq!(store.list_raw().unwrap().iter().map(|f| &*f.key).collect::<Vec<_>>(), [keys[2]]);
    assert!(store.remove(keys[2]).unwrap());
    assert_eq!(fs::read_dir(dir.path().join("datasets")).unwrap().count(), 0);
    assert!(matches!(store.write_file("../escape", b""), Err(StoreError::InvalidKey { .. })));
    assert!(matches!(store.remove_dir(".."), Err(StoreError::InvalidKey { .. })));
}

#[test]
fn files_are_replaced_whole() {
    let (_dir, store) = store();
    store.write_file("datasets/a/metadata.json", b"first").unwrap();
    let sealed = store.write_file("datasets/a/metadata.json", b"second").unwrap();
    assert_eq!(store.read_file("datasets/a/metadata.json").unwrap(), b"second");
    store.verify_shard(&sealed.key, &sealed.sha256, sealed.size_bytes).unwrap();
    assert!(matches!(store.read_file("datasets/b"), Err(StoreError::NotFound { .. })));
}

#[test]
fn folders_removed_meanwhile_are_made_again() {
    let (_dir, store) = store();
    std::thread::scope(|scope| {
        for n in 0..2 {
            let store = store.clone();
            scope.spawn(move || {
                for i in 0..200 {
                    let key = format!("datasets/shared/{n}-{i}");
                    store.write_file(&key, b"x").expect("a neighbour's removal broke a write");
                    store.remove(&key).expect("remove");
                }
            });
        }
    });
    assert_eq!(store.list_raw().unwrap(), []);
}

/// A real full volume: a small tmpfs, where mounting is allowed.
#[test]
fn a_full_volume_is_told_apart_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::tmpfs(dir.path(), "4m") else {
        println!("skipped: mounting a tmpfs is not allowed here");
        return;
    };
    let store = ShardStore::open(dir.path().join("data")).unwrap();
    assert!(store.free_space() > 0 && store.free_space() <= 4 << 20);

    let mut writer = store.create(KEY, schema()).unwrap();
    let error = (0..1000).find_map(|_| writer.write(&batch(20_000)).err()).expect("the volume never filled");
    assert!(matches!(error, StoreError::DiskFull { needed: Some(_), .. }), "{error:?}");
    assert_eq!(store.list_raw().unwrap(), [], "the partial file is gone before the writer is");
    assert!(matches!(writer.finish(), Err(StoreError::WriterFailed { .. })));

    let error = store.write_file("datasets/metadata.json", &vec![0; 8 << 20]).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { needed: Some(needed), .. } if needed == 8 << 20), "{error:?}");
    assert_eq!(store.list_raw().unwrap(), []);
    write(&store, 2);
}

struct Mount<'a>(&'a std::path::Path);

impl<'a> Mount<'a> {
    fn tmpfs(at: &'a std::path::Path, size: &str) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0).status());
    }
}
