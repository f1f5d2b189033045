//! Ingests of archives in which more lies than rows are read from.

use std::io::{Cursor, Write};

use crate::support::{Setup, spec};
use serde_json::{Value, json};
use test_kit::fake_hub::FakeHub;
use zip::{ZipWriter, write::SimpleFileOptions};

fn zipped(members: &[&str]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.add_directory("folder", SimpleFileOptions::default()).unwrap();
    for name in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(b"{\"n\": 1}\n").unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tarred(members: &[&str]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for name in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(4);
        archive.append_data(&mut header, name, &b"text"[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// What the manifest and the end of the job say of members that were left out, which is the same.
async fn left_out(setup: &Setup, spec: Value) -> (u64, Option<Value>) {
    let (catalog, result) = setup.ingest(spec).await;
    result.unwrap();
    let manifest = setup.manifest(&catalog);
    let rows = manifest["splits"].as_array().unwrap().iter().map(|split| split["row_count"].as_u64().unwrap()).sum();
    let told = catalog.told().finish.clone().unwrap().left_out_members.map(dataset_model::LeftOutMembers::from);
    let said = manifest.get("left_out_members").cloned();
    assert_eq!(told.map(|told| json!(told)), said);
    (rows, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_no_rows_are_read_from_are_told_with_their_rules() {
    let root = tempfile::tempdir().unwrap();
    let train = zipped(&["folder/a.jsonl", "notes.txt", "b.jsonl", ".c.jsonl", "LICENSE"]);
    let repo = FakeHub::repo(root.path(), "datasets/acme/zips").file("train.zip", train);
    repo.file("test.zip", zipped(&["a.jsonl", "more.zip", "__MACOSX/a.jsonl"])).write().unwrap();
    let train = tarred(&["a.txt", "README", "b.txt"]);
    FakeHub::repo(root.path(), "datasets/acme/tars").file("train.tar", train).write().unwrap();
    FakeHub::repo(root.path(), "datasets/acme/whole").file("train.zip", zipped(&["a.jsonl"])).write().unwrap();
    let many: Vec<String> = (0..300).map(|n| format!("{n:03}.png")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["a.jsonl"]).collect();
    FakeHub::repo(root.path(), "datasets/acme/many").file("train.zip", zipped(&many)).write().unwrap();
    let setup = Setup::new(root.path()).await;

    let first = json!([
        {"path": "train.zip/.c.jsonl", "rule": "hidden"},
        {"path": "train.zip/LICENSE", "rule": "unknown_extension"},
        {"path": "train.zip/notes.txt", "rule": "other_format"},
        {"path": "test.zip/more.zip", "rule": "archive_in_archive"},
        {"path": "test.zip/__MACOSX/a.jsonl", "rule": "special_folder"},
    ]);
    let zips = left_out(&setup, spec("acme/zips")).await;
    assert_eq!(zips, (3, Some(json!({"count": 5, "first": first}))));
    // One task takes the first rows of both splits, and opens the second archive only if it must.
    for (most, count) in [(1, 3), (3, 5)] {
        let mut spec = spec("acme/zips");
        spec["max_samples"] = json!(most);
        let (rows, told) = left_out(&setup, spec).await;
        assert_eq!((rows, told.unwrap()["count"].as_u64().unwrap()), (most, count));
    }
    let first = json!([{"path": "train.tar/README", "rule": "unknown_extension"}]);
    assert_eq!(left_out(&setup, spec("acme/tars")).await, (2, Some(json!({"count": 1, "first": first}))));
    assert_eq!(left_out(&setup, spec("acme/whole")).await, (1, None));
    let (_, many) = left_out(&setup, spec("acme/many")).await;
    let many = many.unwrap();
    assert_eq!((&many["count"], many["first"].as_array().unwrap().len()), (&json!(300), 100));
}
