//! Shards and staged files.

use super::{BadMessage, Required};
use crate::catalog as proto;
use dataset_model::{
    LeftOutMembers, ReplacedShard, Shard, SkippedRow, SkippedRows, SourceRange, StagedFile, hub_dataset::LeftOut,
};

fn sha256(bytes: &[u8]) -> Result<[u8; 32], BadMessage> {
    bytes.try_into().map_err(|_| BadMessage::new("sha256", format!("must be 32 bytes, not {}", bytes.len())))
}

fn digest_bytes(digests: &[u64]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.to_le_bytes()).collect()
}

fn batch_digests(bytes: &[u8]) -> Result<Vec<u64>, BadMessage> {
    match bytes.as_chunks::<8>() {
        (digests, []) => Ok(digests.iter().map(|digest| u64::from_le_bytes(*digest)).collect()),
        _ => Err(BadMessage::new("batch_digests", "must be 8 bytes a batch")),
    }
}

impl From<SourceRange> for proto::SourceRange {
    fn from(range: SourceRange) -> Self {
        Self {
            source_file: range.source_file,
            row_start: range.row_start,
            row_count: range.row_count,
            skipped_count: range.skipped_count,
        }
    }
}

impl From<proto::SourceRange> for SourceRange {
    fn from(range: proto::SourceRange) -> Self {
        Self {
            source_file: range.source_file,
            row_start: range.row_start,
            row_count: range.row_count,
            skipped_count: range.skipped_count,
        }
    }
}

impl From<Shard> for proto::Shard {
    fn from(shard: Shard) -> Self {
        Self {
            key: shard.key,
            split: shard.split,
            n: shard.n,
            row_count: shard.row_count,
            size_bytes: shard.size_bytes,
            sha256: shard.sha256.to_vec(),
            batch_digests: digest_bytes(&shard.batch_digests).into(),
            sources: shard.sources.into_iter().map(Into::into).collect(),
            ordinal: shard.ordinal,
            row_start: shard.row_start,
        }
    }
}

impl TryFrom<proto::Shard> for Shard {
    type Error = BadMessage;

    fn try_from(shard: proto::Shard) -> Result<Self, Self::Error> {
        Ok(Self {
            sha256: sha256(&shard.sha256)?,
            batch_digests: batch_digests(&shard.batch_digests)?,
            key: shard.key,
            split: shard.split,
            n: shard.n,
            row_count: shard.row_count,
            size_bytes: shard.size_bytes,
            sources: shard.sources.into_iter().map(Into::into).collect(),
            ordinal: shard.ordinal,
            row_start: shard.row_start,
        })
    }
}

impl From<SkippedRows> for proto::SkippedRows {
    fn from(skipped: SkippedRows) -> Self {
        let row = |row: SkippedRow| proto::SkippedRow { file: row.file, line: row.line, why: row.why };
        Self { count: skipped.count, first: skipped.first.into_iter().map(row).collect() }
    }
}

impl From<proto::SkippedRows> for SkippedRows {
    fn from(skipped: proto::SkippedRows) -> Self {
        let row = |row: proto::SkippedRow| SkippedRow { file: row.file, line: row.line, why: row.why };
        Self { count: skipped.count, first: skipped.first.into_iter().map(row).collect() }
    }
}

impl From<LeftOutMembers> for proto::LeftOutMembers {
    fn from(left_out: LeftOutMembers) -> Self {
        let member = |member: LeftOut| proto::LeftOutMember { path: member.path, rule: member.rule };
        Self { count: left_out.count, first: left_out.first.into_iter().map(member).collect() }
    }
}

impl From<proto::LeftOutMembers> for LeftOutMembers {
    fn from(left_out: proto::LeftOutMembers) -> Self {
        let member = |member: proto::LeftOutMember| LeftOut { path: member.path, rule: member.rule };
        Self { count: left_out.count, first: left_out.first.into_iter().map(member).collect() }
    }
}

impl From<StagedFile> for proto::StagedFile {
    fn from(file: StagedFile) -> Self {
        Self { key: file.key, size_bytes: file.size_bytes, sha256: file.sha256.to_vec() }
    }
}

impl TryFrom<proto::StagedFile> for StagedFile {
    type Error = BadMessage;

    fn try_from(file: proto::StagedFile) -> Result<Self, Self::Error> {
        Ok(Self { sha256: sha256(&file.sha256)?, key: file.key, size_bytes: file.size_bytes })
    }
}

impl From<ReplacedShard> for proto::ReplacedShard {
    fn from(replaced: ReplacedShard) -> Self {
        Self {
            old_key: replaced.old_key,
            file: Some(replaced.file.into()),
            batch_digests: digest_bytes(&replaced.batch_digests),
        }
    }
}

impl TryFrom<proto::ReplacedShard> for ReplacedShard {
    type Error = BadMessage;

    fn try_from(replaced: proto::ReplacedShard) -> Result<Self, Self::Error> {
        Ok(Self {
            batch_digests: batch_digests(&replaced.batch_digests)?,
            old_key: replaced.old_key,
            file: replaced.file.required("file")?.try_into()?,
        })
    }
}
