//! What is known of a shard without opening it.

use serde::{Deserialize, Serialize};

/// Rows of one source file in a shard, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange {
    pub source_file: String,
    /// First row in the source file.
    pub row_start: u64,
    pub row_count: u64,
}

/// A shard as its task commits it; `finish` adds its place in the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Storage key relative to the data directory.
    pub key: String,
    pub split: String,
    /// The n-th shard of its task.
    pub n: u32,
    pub row_count: u64,
    pub size_bytes: u64,
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
    /// xxh3-64 of each batch's message (metadata and body) as it lies in the file.
    pub batch_digests: Vec<u64>,
    /// Empty for token shards.
    #[serde(default)]
    pub sources: Vec<SourceRange>,
    /// Position in the split, dense from 0.
    #[serde(default)]
    pub ordinal: Option<u32>,
    /// First row in the split.
    #[serde(default)]
    pub row_start: Option<u64>,
}

/// A file that lies durable under its final key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    pub key: String,
    pub size_bytes: u64,
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
}
