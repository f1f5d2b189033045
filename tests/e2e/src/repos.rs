//! Repositories made for a test out of real text: the documents of the sample data, cut as the test needs them.

use anyhow::Result;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use test_kit::{fake_hub::FakeHub, sample_hub};

/// Plain JSON lines of real documents: `{"id", "title", "text"}`.
pub fn documents() -> Result<Vec<String>> {
    let file = sample_hub().join("datasets/tokenmill/english-docs-jsonl/data/train-00001-of-00003.jsonl");
    Ok(fs::read_to_string(file)?.lines().map(str::to_owned).collect())
}

/// The name of each repository that [`english`] writes.
pub const ENGLISH: &str = "acme/english";
/// A tokenizer on every hand-made Hub.
pub const BERT: &str = "tokenmill/bert";

/// A split of 18 MB: a job on it takes seconds, so that a test can act in its middle.
pub const LONG: &str = "long";

/// Writes `acme/english`: the sample documents shared out among `splits`; [`LONG`] has all of them, four times over.
pub fn english(root: &Path, splits: &[&str]) -> Result<()> {
    let documents = documents()?;
    let mut repo = FakeHub::repo(root, &format!("datasets/{ENGLISH}"));
    let size = documents.len() / splits.len();
    for (split, rows) in splits.iter().zip(documents.chunks(size)) {
        let text = |rows: &[String]| rows.join("\n") + "\n";
        let text = if *split == LONG { text(&documents).repeat(4) } else { text(rows) };
        repo = repo.file(&format!("data/{split}-00000-of-00001.jsonl"), text);
    }
    Ok(repo.write()?)
}

/// The repository that [`many_shards`] writes, and how many raw shards it becomes.
pub const MANY: &str = "acme/many";
pub const MANY_SHARDS: usize = 8;
/// Paths so long that a task has room for no more of them.
const FILES_PER_SHARD: usize = 61;

/// Writes `acme/many`: one split in so many files that it takes [`MANY_SHARDS`] tasks.
pub fn many_shards(root: &Path) -> Result<()> {
    let documents = documents()?;
    let files = MANY_SHARDS * FILES_PER_SHARD;
    let mut repo = FakeHub::repo(root, &format!("datasets/{MANY}"));
    for (number, rows) in documents.chunks(documents.len().div_ceil(files)).enumerate() {
        repo = repo.file(&format!("data/train-{}-{number:05}.jsonl", "x".repeat(190)), rows.join("\n") + "\n");
    }
    Ok(repo.write()?)
}

/// The repository that [`huge_document`] writes.
pub const HUGE: &str = "acme/huge";

/// Writes `acme/huge`: one row of 50 MB of prose in one line; returns its length in bytes.
pub fn huge_document(root: &Path) -> Result<usize> {
    let mut text = String::new();
    for document in documents()?.iter().cycle() {
        let document: serde_json::Value = serde_json::from_str(document)?;
        for word in document["text"].as_str().unwrap_or_default().split_whitespace() {
            text.push_str(word);
            text.push(' ');
        }
        if text.len() > 50_000_000 {
            break;
        }
    }
    let row = serde_json::json!({ "text": text }).to_string() + "\n";
    FakeHub::repo(root, &format!("datasets/{HUGE}")).file("data/train.jsonl", row).write()?;
    Ok(text.len())
}

/// Brings the sample tokenizer `name` to the Hub in `root`.
pub fn tokenizer(root: &Path, name: &str) -> Result<()> {
    copy(&sample_hub().join("models").join(name), &root.join("models").join(name))?;
    Ok(())
}

/// A Hub of one dataset, `acme/english`, and one tokenizer.
pub fn small_hub(root: &Path, splits: &[&str]) -> Result<PathBuf> {
    english(root, splits)?;
    tokenizer(root, BERT)?;
    Ok(root.to_owned())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
