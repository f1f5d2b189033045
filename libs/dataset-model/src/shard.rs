//! What is known of a shard without opening it.

use serde::{Deserialize, Serialize};

/// Consecutive rows of one source file, of which a shard holds all that were not skipped, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange {
    pub source_file: String,
    /// First row in the source file.
    pub row_start: u64,
    /// Those that the shard holds.
    pub row_count: u64,
    /// Those that are left out; which ones, the shard itself says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_count: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
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

/// A shard whose rows lie in another file now; what it stands for is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedShard {
    /// The key under which it was committed.
    pub old_key: String,
    pub file: StagedFile,
    pub batch_digests: Vec<u64>,
}
