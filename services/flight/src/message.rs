//! One message of a stream: an IPC header, and a body in the pieces in which it lies in memory.
//!
//! `FlightData` wants a body in one piece, which costs another copy of every gathered row; frames can be cut anywhere.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_flight::{FlightData, SchemaAsIpc};
use arrow_ipc::writer::{IpcWriteOptions, StreamEncoder};
use arrow_schema::{ArrowError, Schema};
use bytes::{Bytes, BytesMut};

use crate::withheld::Lender;

/// Continuation marker and length, which precede an IPC header in a file or stream.
const IPC_PREFIX: usize = 8;
/// Pieces below this are copied together: a frame of their own would cost more.
const SMALL_BYTES: usize = 32 << 10;

/// What goes into one `FlightData`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// The flatbuffer of an IPC message.
    pub(crate) header: Bytes,
    pub(crate) body: Vec<Bytes>,
    /// Whose map the body lies in; None when it is memory of its own.
    pub(crate) lender: Option<Lender>,
}

impl Message {
    /// The one that precedes all batches, also of an empty stream.
    pub(crate) fn of_schema(schema: &Schema) -> Self {
        let encoded: FlightData = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).into();
        Self { header: encoded.data_header, ..Self::default() }
    }

    pub(crate) fn body_bytes(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    /// Rows of a batch; 0 for a schema.
    pub(crate) fn rows(&self) -> u64 {
        let header = arrow_ipc::root_as_message(&self.header).ok();
        let batch = header.and_then(|header| header.header_as_record_batch().map(|batch| batch.length()));
        u64::try_from(batch.unwrap_or(0)).unwrap_or(0)
    }

    fn of_pieces(pieces: Vec<Buffer>) -> Self {
        let (mut header, mut body, mut small) = (BytesMut::new(), Vec::new(), BytesMut::new());
        for piece in pieces {
            if is_cut_short(&header) {
                header.extend_from_slice(&piece);
            } else if piece.len() < SMALL_BYTES {
                small.extend_from_slice(&piece);
            } else {
                body.extend([small.split().freeze(), piece.into()]);
            }
        }
        body.push(small.freeze());
        body.retain(|piece| !piece.is_empty());
        Self { header: header.split_off(IPC_PREFIX.min(header.len())).freeze(), body, lender: None }
    }
}

/// Whether more of the encapsulated header follows: its length stands behind the marker.
fn is_cut_short(header: &[u8]) -> bool {
    let length = header.get(4..IPC_PREFIX).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    length.is_none_or(|length| header.len() - IPC_PREFIX < length as usize)
}

/// Encodes batches of one schema that are not sent as stored; large buffers are not copied.
#[derive(Default)]
pub(crate) struct Encoder {
    stream: Option<StreamEncoder>,
}

impl Encoder {
    pub(crate) fn encode(&mut self, batch: &RecordBatch) -> Result<Message, ArrowError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let mut stream = StreamEncoder::try_new(batch.schema_ref())?;
                // With its first batch the encoder gives the schema, which a stream of ours has sent already.
                stream.encode(&RecordBatch::new_empty(Arc::clone(batch.schema_ref())))?;
                none.insert(stream)
            }
        };
        stream.encode(batch).map(Message::of_pieces)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int32Array, ListArray, StringArray, types::UInt16Type};
    use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext};

    use super::*;

    #[test]
    fn a_message_holds_what_arrows_own_encoder_writes() {
        let row = |n: i32| (n % 7 > 0).then(|| (0..n % 50).map(|id| u16::try_from(id).ok()));
        for rows in [0, 1, 40, 60_000] {
            let columns: [(&str, ArrayRef); 3] = [
                ("doc", Arc::new(Int32Array::from_iter_values(0..rows))),
                ("ids", Arc::new(ListArray::from_iter_primitive::<UInt16Type, _, _>((0..rows).map(row)))),
                ("text", Arc::new((0..rows).map(|n| (n % 3 > 0).then(|| n.to_string())).collect::<StringArray>())),
            ];
            let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap();
            let half = batch.slice(batch.num_rows() / 2, batch.num_rows().div_ceil(2));
            let mut encoder = Encoder::default();
            for batch in [&batch, &half, &batch] {
                let message = encoder.encode(batch).unwrap();
                let (_, expected) = IpcDataGenerator::default()
                    .encode(
                        batch,
                        &mut DictionaryTracker::new(true),
                        &IpcWriteOptions::default(),
                        &mut IpcWriteContext::default(),
                    )
                    .unwrap();
                assert_eq!(message.rows(), batch.num_rows() as u64);
                assert_eq!(message.body_bytes(), expected.arrow_data.len());
                // The header may be followed by its padding.
                assert_eq!(message.header[..expected.ipc_message.len()], expected.ipc_message);
                assert_eq!(message.body.concat(), expected.arrow_data);
            }
        }
    }
}
