//! Writes one shard: record batches in, a sealed file with its digests out.
//!
//! A shard is an uncompressed Arrow IPC *file* with 64-byte alignment, so that a reader maps it and sends its messages
//! as they lie. The digests are taken of the very bytes on their way to the file. [`SealedShard`] can only come from
//! [`ShardWriter::finish`], after the file is durable under its key: holding one is the proof.

use std::io::{self, BufWriter, Write};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::durable::{PendingFile, write_error};
use crate::skipped::FOOTER_KEY;
use crate::{ShardReader, ShardStore, SkippedRuns, StoreError};

/// Collects the small writes of the IPC writer (prefixes, padding); large buffers pass by it.
const BUFFER_BYTES: usize = 256 * 1024;

/// A shard that is durable under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedShard {
    /// Storage key, relative to the store's root.
    pub key: String,
    /// Rows in all batches.
    pub row_count: u64,
    /// Length of the file in bytes.
    pub size_bytes: u64,
    /// sha256 of the file.
    pub sha256: [u8; 32],
    /// xxh3-64 of each batch's encapsulated message (prefix, metadata, body) as it lies in the file.
    pub batch_digests: Vec<u64>,
    /// Rows of each batch.
    pub batch_rows: Vec<u32>,
}

/// Writes one shard. Dropping it without [`finish`](Self::finish) removes what was written.
pub struct ShardWriter {
    store: ShardStore,
    key: String,
    schema: SchemaRef,
    /// None after a failure: the temporary file is gone.
    writer: Option<FileWriter<DigestWriter>>,
    batch_digests: Vec<u64>,
    batch_rows: Vec<u32>,
}

impl ShardStore {
    /// Starts a shard that will lie under `key`. Refuses schemas with dictionaries anywhere inside.
    pub fn create(&self, key: &str, schema: SchemaRef) -> Result<ShardWriter, StoreError> {
        crate::layout::validate(key)?;
        if let Some(column) = schema.fields().iter().find(|field| has_dictionary(field)) {
            return Err(StoreError::DictionaryColumn { key: key.to_owned(), column: column.name().clone() });
        }
        let file = PendingFile::create(self, key)?;
        // The default options are the format: 64-byte alignment, V5 metadata, no compression.
        let writer = FileWriter::try_new(DigestWriter::new(file), &schema)
            .map_err(|e| arrow_write_error(self, "write", key, None, e))?;
        Ok(ShardWriter {
            store: self.clone(),
            key: key.to_owned(),
            schema,
            writer: Some(writer),
            batch_digests: Vec::new(),
            batch_rows: Vec::new(),
        })
    }
}

impl ShardWriter {
    /// Appends one batch as one message; an empty batch is skipped. After an error the shard is gone.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = u32::try_from(batch.num_rows());
        let (true, Ok(rows)) = (self.accepts(batch), rows) else {
            self.writer = None;
            return Err(StoreError::SchemaMismatch { key: self.key.clone() });
        };
        // Taken out, so that an error on the way drops the writer and with it the temporary file.
        let mut writer = self.writer.take().ok_or_else(|| StoreError::WriterFailed { key: self.key.clone() })?;
        writer.get_mut().start_message();
        writer.write(batch).map_err(|e| {
            let needed = u64::try_from(batch.get_array_memory_size()).ok();
            arrow_write_error(&self.store, "write", &self.key, needed, e)
        })?;
        self.batch_digests.push(writer.get_ref().message_digest());
        self.batch_rows.push(rows);
        self.writer = Some(writer);
        Ok(())
    }

    /// Says which source rows the shard does not have, if any; the last call counts.
    pub fn set_skipped(&mut self, runs: SkippedRuns) {
        if let (Some(writer), Some(text)) = (&mut self.writer, runs.into_text()) {
            writer.write_metadata(FOOTER_KEY, text);
        }
    }

    /// Says the same of the source rows as `other`, whose rows the shard has.
    pub fn copy_skipped(&mut self, other: &ShardReader) -> Result<(), StoreError> {
        if let (Some(writer), Some(text)) = (&mut self.writer, other.footer_value(FOOTER_KEY)?) {
            other.check_unchanged()?;
            writer.write_metadata(FOOTER_KEY, text);
        }
        Ok(())
    }

    /// Bytes written so far, without the footer.
    pub fn bytes_written(&self) -> u64 {
        self.writer.as_ref().map_or(0, |w| w.get_ref().written)
    }

    /// Writes the footer, syncs, renames to the key and syncs the folder. Blocks for as long as the disk takes.
    pub fn finish(mut self) -> Result<SealedShard, StoreError> {
        let mut writer = self.writer.take().ok_or_else(|| StoreError::WriterFailed { key: self.key.clone() })?;
        let digest_writer = writer
            .finish()
            .and_then(|()| writer.into_inner())
            .map_err(|e| arrow_write_error(&self.store, "write", &self.key, None, e))?;
        let (file, size_bytes, sha256) = digest_writer.finish(&self.store, &self.key)?;
        file.publish()?;
        Ok(SealedShard {
            row_count: self.batch_rows.iter().copied().map(u64::from).sum(),
            key: std::mem::take(&mut self.key),
            size_bytes,
            sha256,
            batch_digests: std::mem::take(&mut self.batch_digests),
            batch_rows: std::mem::take(&mut self.batch_rows),
        })
    }

    /// The IPC writer takes any columns and would write a file that lies about its schema.
    fn accepts(&self, batch: &RecordBatch) -> bool {
        let (declared, given) = (self.schema.fields(), batch.columns());
        declared.len() == given.len()
            && declared.iter().zip(given).all(|(field, column)| {
                field.data_type() == column.data_type() && (field.is_nullable() || column.null_count() == 0)
            })
    }
}

fn has_dictionary(field: &Field) -> bool {
    match field.data_type() {
        DataType::Dictionary(..) => true,
        DataType::Struct(fields) => fields.iter().any(|f| has_dictionary(f)),
        DataType::Union(fields, _) => fields.iter().any(|(_, f)| has_dictionary(f)),
        DataType::List(f)
        | DataType::LargeList(f)
        | DataType::ListView(f)
        | DataType::LargeListView(f)
        | DataType::FixedSizeList(f, _)
        | DataType::Map(f, _)
        | DataType::RunEndEncoded(_, f) => has_dictionary(f),
        _ => false,
    }
}

fn arrow_write_error(
    store: &ShardStore,
    action: &'static str,
    key: &str,
    needed: Option<u64>,
    error: ArrowError,
) -> StoreError {
    match error {
        ArrowError::IoError(_, source) => write_error(store, action, key, needed, source),
        source => StoreError::Arrow { key: key.to_owned(), source },
    }
}

/// Hashes what passes through: sha256 of everything, xxh3 of the current message.
struct DigestWriter {
    file: BufWriter<PendingFile>,
    written: u64,
    sha256: Sha256,
    message: Box<Xxh3>,
}

impl DigestWriter {
    fn new(file: PendingFile) -> Self {
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Self { file, written: 0, sha256: Sha256::new(), message: Box::new(Xxh3::new()) }
    }

    fn start_message(&mut self) {
        self.message.reset();
    }

    fn message_digest(&self) -> u64 {
        self.message.digest()
    }

    fn finish(self, store: &ShardStore, key: &str) -> Result<(PendingFile, u64, [u8; 32]), StoreError> {
        let file = self.file.into_inner().map_err(|e| write_error(store, "write", key, None, e.into_error()))?;
        Ok((file, self.written, self.sha256.finalize().into()))
    }
}

impl Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.message.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
