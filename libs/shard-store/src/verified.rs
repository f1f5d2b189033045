//! Remembers, per process, which batches matched their digest: each is hashed the first time it is touched.
//!
//! The memory belongs to the file's identity (inode, length, modification time), so that a replaced or changed file is
//! hashed anew. It is bounded: when too many shards were seen it starts again, which costs time and nothing else.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// About 130 batches a shard and a byte a batch: below 10 MB.
const MAX_SHARDS: usize = 65_536;

/// What tells one content under a key from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
}

impl FileIdentity {
    pub(crate) fn of(stat: &Metadata) -> Self {
        Self { inode: stat.ino(), size_bytes: stat.len(), modified: (stat.mtime(), stat.mtime_nsec()) }
    }
}

/// One shard's digests and which of its batches matched.
#[derive(Debug, Clone)]
pub(crate) struct BatchDigests {
    expected: Arc<[u64]>,
    matched: Arc<[AtomicBool]>,
}

impl BatchDigests {
    /// Whether batch `batch`, whose digest `actual` gives, is as it was written. Asks for the digest only once.
    pub(crate) fn check(&self, batch: usize, actual: impl FnOnce() -> u64) -> bool {
        let (Some(expected), Some(matched)) = (self.expected.get(batch), self.matched.get(batch)) else { return false };
        if matched.load(Ordering::Relaxed) {
            return true;
        }
        let same = actual() == *expected;
        matched.store(same, Ordering::Relaxed);
        same
    }
}

type Known = HashMap<(String, FileIdentity, Arc<[u64]>), Arc<[AtomicBool]>>;

/// The process's memory of verified batches.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<Known>);

impl Verified {
    /// The memory of one file under the digests that its manifest promises.
    pub(crate) fn of(&self, key: &str, identity: FileIdentity, expected: Vec<u64>) -> BatchDigests {
        let expected: Arc<[u64]> = expected.into();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_SHARDS {
            known.clear();
        }
        let unknown = || expected.iter().map(|_| AtomicBool::new(false)).collect();
        let matched = known.entry((key.to_owned(), identity, expected.clone())).or_insert_with(unknown).clone();
        BatchDigests { expected, matched }
    }
}
