//! Reads one shard through a memory map: batches without a copy, and messages as they lie in the file.
//!
//! Invariants: every range handed out was checked against the mapped length at open; the file's length and
//! modification time are compared with those at open before each batch. Who copies from the map compares them again
//! afterwards, as what a truncated file has lost reads as zeros. A reader outlives the removal of its name.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{
    Block, Footer, MessageHeader, MetadataVersion, convert::try_fb_to_schema, root_as_footer, root_as_message,
};
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::guarded::Guarded;
use crate::verified::{BatchDigests, FileIdentity};
use crate::{ShardStore, StoreError};

/// Magic, padded to the alignment.
const HEAD_BYTES: usize = 64;
/// Continuation marker and length, before the flatbuffer of each message.
const PREFIX_BYTES: usize = 8;
/// Footer length and magic, at the end of the file.
const TRAILER_BYTES: usize = 10;

/// One stored batch as an IPC message, both parts slices of the map.
#[derive(Debug, Clone)]
pub struct Message {
    /// The flatbuffer, without the 8-byte prefix, with the padding it has in the file.
    pub metadata: Bytes,
    /// The buffers of the batch.
    pub body: Bytes,
}

/// An open shard. Cheap to clone; clones share the map.
#[derive(Debug, Clone)]
pub struct ShardReader {
    inner: Arc<Inner>,
    digests: Option<BatchDigests>,
}

#[derive(Debug)]
struct Inner {
    key: String,
    file: File,
    size_bytes: u64,
    identity: FileIdentity,
    map: Bytes,
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<StoredBatch>,
    row_count: u64,
}

#[derive(Debug)]
struct StoredBatch {
    block: Block,
    metadata: Range<usize>,
    body: Range<usize>,
    first_row: u64,
    row_count: u64,
}

impl ShardStore {
    /// Maps the shard under `key` and reads its footer and the headers of its batches. Nothing checks what the batches
    /// say: decoding a damaged one may panic. For a shard that a manifest names use [`Self::open_verified`].
    pub fn open_shard(&self, key: &str) -> Result<ShardReader, StoreError> {
        let on_read = |e| StoreError::on_read("open", key, e);
        let file = File::open(self.path(key)?).map_err(on_read)?;
        let stat = file.metadata().map_err(on_read)?;
        let map = Bytes::from_owner(Guarded::map(&file).map_err(on_read)?);
        if map.len() as u64 != stat.len() {
            return Err(StoreError::Changed { key: key.to_owned() });
        }
        let inner = Inner::parse(key, file, FileIdentity::of(&stat), map)?;
        Ok(ShardReader { inner: Arc::new(inner), digests: None })
    }

    /// As [`Self::open_shard`]; each batch must match its digest ([`crate::SealedShard::batch_digests`]), which is
    /// checked the first time that this process touches it.
    pub fn open_verified(&self, key: &str, batch_digests: Vec<u64>) -> Result<ShardReader, StoreError> {
        let mut reader = self.open_shard(key)?;
        if batch_digests.len() != reader.batch_count() {
            return Err(StoreError::NotAShard { key: key.to_owned(), problem: "its manifest has other batches" });
        }
        reader.digests = Some(self.verified.of(key, reader.inner.identity, batch_digests));
        Ok(reader)
    }
}

impl Inner {
    fn parse(key: &str, file: File, identity: FileIdentity, map: Bytes) -> Result<Self, StoreError> {
        let bad = |problem| StoreError::NotAShard { key: key.to_owned(), problem };
        let (footer, footer_start) = footer(&map).map_err(bad)?;
        if footer.version() != MetadataVersion::V5 {
            return Err(bad("it has another version of the format"));
        }
        if footer.dictionaries().is_some_and(|d| !d.is_empty()) {
            return Err(bad("it has dictionaries"));
        }
        let schema = footer.schema().ok_or(bad("it has no schema"))?;
        let schema: SchemaRef =
            try_fb_to_schema(schema).map_err(|source| StoreError::Arrow { key: key.to_owned(), source })?.into();
        // No digest of a batch covers the schema, but the format stores it twice: damage to one is seen.
        if leading_schema(&map[..footer_start]).as_ref() != Some(&*schema) {
            return Err(bad("its two schemas differ"));
        }

        let mut blocks = Vec::new();
        let mut row_count = 0;
        for block in footer.recordBatches().iter().flatten() {
            let batch = StoredBatch::parse(&map[..footer_start], block, row_count)
                .ok_or(bad("its footer points to something that is no batch"))?;
            row_count += batch.row_count;
            blocks.push(batch);
        }
        Ok(Self {
            key: key.to_owned(),
            file,
            size_bytes: map.len() as u64,
            identity,
            decoder: FileDecoder::new(schema.clone(), footer.version()).with_require_alignment(false),
            schema,
            blocks,
            row_count,
            map,
        })
    }
}

/// The footer and where it begins, or what is wrong with it.
fn footer(map: &[u8]) -> Result<(Footer<'_>, usize), &'static str> {
    let footer_end = map.len().checked_sub(TRAILER_BYTES).ok_or("it is too short")?;
    let trailer: [u8; TRAILER_BYTES] = map[footer_end..].try_into().map_err(|_| "it is too short")?;
    let footer_bytes = read_footer_length(trailer).map_err(|_| "its end is torn")?;
    let footer_start = footer_end.checked_sub(footer_bytes).ok_or("its footer is too long")?;
    let footer = root_as_footer(&map[footer_start..footer_end]).map_err(|_| "its footer is damaged")?;
    Ok((footer, footer_start))
}

/// The schema message at the start of the file, where the writer's alignment puts it.
fn leading_schema(data: &[u8]) -> Option<Schema> {
    let prefix = data.get(HEAD_BYTES..HEAD_BYTES + PREFIX_BYTES)?;
    let length = usize::try_from(u32::from_le_bytes(*prefix.last_chunk()?)).ok()?;
    let message = root_as_message(data.get(HEAD_BYTES + PREFIX_BYTES..)?.get(..length)?).ok()?;
    try_fb_to_schema(message.header_as_schema()?).ok()
}

impl StoredBatch {
    /// None when the message is not whole inside `data`, or its buffers are not inside its body.
    fn parse(data: &[u8], block: &Block, first_row: u64) -> Option<Self> {
        let start = usize::try_from(block.offset()).ok()?;
        let metadata_end = start.checked_add(usize::try_from(block.metaDataLength()).ok()?)?;
        let body_end = metadata_end.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
        let metadata = start.checked_add(PREFIX_BYTES)?..metadata_end;

        let message = root_as_message(data.get(metadata.clone())?).ok()?;
        let body_bytes = i64::try_from(data.get(metadata_end..body_end)?.len()).ok()?;
        if message.header_type() != MessageHeader::RecordBatch || message.bodyLength() != body_bytes {
            return None;
        }
        let batch = message.header_as_record_batch()?;
        // The decoder slices without asking: a buffer outside the body would be a panic.
        let buffers_inside = batch.buffers().iter().flatten().all(|buffer| {
            buffer.offset() >= 0
                && buffer.length() >= 0
                && buffer.offset().checked_add(buffer.length()).is_some_and(|end| end <= body_bytes)
        });
        let row_count = u64::try_from(batch.length()).ok()?;
        (buffers_inside && batch.compression().is_none()).then_some(Self {
            block: *block,
            metadata,
            body: metadata_end..body_end,
            first_row,
            row_count,
        })
    }
}

impl ShardReader {
    /// The key that was opened.
    pub fn key(&self) -> &str {
        &self.inner.key
    }

    /// The stored schema with its metadata.
    pub fn schema(&self) -> SchemaRef {
        self.inner.schema.clone()
    }

    /// Length of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.inner.size_bytes
    }

    /// Rows in all batches.
    pub fn row_count(&self) -> u64 {
        self.inner.row_count
    }

    /// Number of stored batches.
    pub fn batch_count(&self) -> usize {
        self.inner.blocks.len()
    }

    /// What the footer says under this name.
    pub(crate) fn footer_value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let bad = |problem| StoreError::NotAShard { key: self.inner.key.clone(), problem };
        let footer = footer(&self.inner.map).map_err(bad)?;
        let found = footer.0.custom_metadata().into_iter().flatten().find(|pair| pair.key() == Some(name));
        Ok(found.and_then(|pair| pair.value()).map(ToOwned::to_owned))
    }

    /// The rows, counted from the start of the shard, that batch `batch` holds. Panics when there is no such batch.
    pub fn batch_rows(&self, batch: usize) -> Range<u64> {
        let stored = &self.inner.blocks[batch];
        stored.first_row..stored.first_row + stored.row_count
    }

    /// The batch that holds `row`, None beyond the end.
    pub fn batch_of_row(&self, row: u64) -> Option<usize> {
        let blocks = &self.inner.blocks;
        (row < self.inner.row_count).then(|| blocks.partition_point(|b| b.first_row + b.row_count <= row))
    }

    /// Batch `batch` as it lies in the file. Both parts keep the map alive. It is what was stored if
    /// [`Self::check_unchanged`] says so after it was read.
    pub fn message(&self, batch: usize) -> Result<Message, StoreError> {
        let stored = self.stored(batch)?;
        let map = &self.inner.map;
        Ok(Message { metadata: map.slice(stored.metadata.clone()), body: map.slice(stored.body.clone()) })
    }

    /// Decodes batch `batch`; its buffers are slices of the map.
    pub fn batch(&self, batch: usize) -> Result<RecordBatch, StoreError> {
        let stored = self.stored(batch)?;
        let block = self.inner.map.slice(stored.metadata.start - PREFIX_BYTES..stored.body.end);
        let decoded = self.inner.decoder.read_record_batch(&stored.block, &Buffer::from(block));
        self.check_unchanged()?;
        decoded
            .map_err(|source| StoreError::Arrow { key: self.inner.key.clone(), source })?
            .ok_or(StoreError::NotAShard { key: self.inner.key.clone(), problem: "a batch has no header" })
    }

    /// Compares batch `batch` with the xxh3-64 that its writer recorded ([`crate::SealedShard::batch_digests`]).
    pub fn verify_batch(&self, batch: usize, digest: u64) -> Result<(), StoreError> {
        let stored = self.unverified(batch)?;
        if self.digest(stored) == digest { Ok(()) } else { Err(self.damaged(batch)) }
    }

    /// xxh3-64 of the whole encapsulated message.
    fn digest(&self, stored: &StoredBatch) -> u64 {
        xxh3_64(&self.inner.map[stored.metadata.start - PREFIX_BYTES..stored.body.end])
    }

    fn damaged(&self, batch: usize) -> StoreError {
        StoreError::BatchDigestMismatch { key: self.inner.key.clone(), batch }
    }

    /// Rows `start..start + count`, cut from the stored batches without a copy; all columns when `columns` is None.
    pub fn read_rows(&self, start: u64, count: u64, columns: Option<&[&str]>) -> Result<Vec<RecordBatch>, StoreError> {
        let end = start.checked_add(count).filter(|end| *end <= self.inner.row_count);
        let end = end.ok_or_else(|| StoreError::RowsOutOfRange {
            key: self.inner.key.clone(),
            start,
            count,
            row_count: self.inner.row_count,
        })?;
        let projection = columns.map(|names| self.projection(names)).transpose()?;
        let Some(first) = self.batch_of_row(start) else { return Ok(Vec::new()) };
        let wanted = (first..self.batch_count()).take_while(|batch| self.batch_rows(*batch).start < end);
        wanted.map(|batch| self.cut(batch, start, end, projection.as_deref())).collect()
    }

    fn cut(&self, batch: usize, start: u64, end: u64, projection: Option<&[usize]>) -> Result<RecordBatch, StoreError> {
        let arrow = |source| StoreError::Arrow { key: self.inner.key.clone(), source };
        let rows = self.batch_rows(batch);
        let (from, to) = (start.max(rows.start) - rows.start, end.min(rows.end) - rows.start);
        let mut decoded = self.batch(batch)?;
        if let Some(projection) = projection {
            decoded = decoded.project(projection).map_err(arrow)?;
        }
        let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(decoded.slice(index(from), index(to - from)))
    }

    fn projection(&self, names: &[&str]) -> Result<Vec<usize>, StoreError> {
        let index = |name: &&str| {
            let missing = |_| StoreError::NoSuchColumn { key: self.inner.key.clone(), column: (*name).to_owned() };
            self.inner.schema.index_of(name).map_err(missing)
        };
        names.iter().map(index).collect()
    }

    /// Whether the file is still the one that was mapped. To be asked after anything was read from the map: pages behind
    /// the end of a truncated file are zeros.
    pub fn check_unchanged(&self) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let stat = inner.file.metadata().map_err(|e| StoreError::on_read("read", &inner.key, e))?;
        if stat.len() != inner.size_bytes {
            let (expected, actual) = (inner.size_bytes, stat.len());
            return Err(StoreError::SizeMismatch { key: inner.key.clone(), expected, actual });
        }
        if FileIdentity::of(&stat) != inner.identity {
            return Err(StoreError::Changed { key: inner.key.clone() });
        }
        Ok(())
    }

    /// Asks the system to read batch `batch` into memory, without waiting for it. A hint: nothing fails.
    pub fn fetch_ahead(&self, batch: usize) {
        let Some(stored) = self.inner.blocks.get(batch) else { return };
        let offset = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (start, length) = (stored.metadata.start, stored.body.end - stored.metadata.start);
        let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_WILLNEED;
        let _ = nix::fcntl::posix_fadvise(&self.inner.file, offset(start), offset(length), advice);
    }

    /// The batch's place, after the checks that the file is still the one that was mapped and says what was written.
    fn stored(&self, batch: usize) -> Result<&StoredBatch, StoreError> {
        let stored = self.unverified(batch)?;
        match &self.digests {
            Some(digests) if !digests.check(batch, || self.digest(stored)) => Err(self.damaged(batch)),
            Some(_) | None => Ok(stored),
        }
    }

    fn unverified(&self, batch: usize) -> Result<&StoredBatch, StoreError> {
        self.check_unchanged()?;
        let inner = &*self.inner;
        let batch_count = inner.blocks.len();
        inner.blocks.get(batch).ok_or(StoreError::NoSuchBatch { key: inner.key.clone(), batch, batch_count })
    }
}
