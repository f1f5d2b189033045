//! What the packed buffers of Arrow messages claim to become: the decoder reserves that much before it unpacks a byte.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use arrow_ipc::Message;

/// Of the messages so far.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Dictionaries stay in memory, each until another takes its place.
    dictionaries: HashMap<i64, u64>,
    dictionary_bytes: u64,
}

impl Claims {
    /// Bytes in memory with the next message, whose buffers lie in `body`.
    pub(super) fn with(
        &mut self,
        message: Message<'_>,
        body: Range<u64>,
        input: &mut (impl Read + Seek),
    ) -> io::Result<u64> {
        let dictionary = message.header_as_dictionary_batch();
        let batch = message.header_as_record_batch().or_else(|| dictionary?.data());
        let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(self.dictionary_bytes) };
        let mut claimed: u64 = 0;
        for buffer in batch.buffers().into_iter().flatten() {
            let begin = u64::try_from(buffer.offset()).ok().and_then(|offset| body.start.checked_add(offset));
            // A buffer that has no place in the body is the decoder's to refuse.
            let Some(begin) = begin.filter(|begin| buffer.length() > 0 && *begin < body.end) else { continue };
            input.seek(SeekFrom::Start(begin))?;
            let mut length = [0; 8];
            input.read_exact(&mut length)?;
            // A negative one says that the buffer is not packed.
            claimed = claimed.saturating_add(u64::try_from(i64::from_le_bytes(length)).unwrap_or_default());
        }
        let Some(dictionary) = dictionary else { return Ok(self.dictionary_bytes.saturating_add(claimed)) };
        let known = self.dictionaries.entry(dictionary.id()).or_default();
        let replaced = if dictionary.isDelta() { 0 } else { std::mem::take(known) };
        *known = known.saturating_add(claimed);
        self.dictionary_bytes = self.dictionary_bytes.saturating_sub(replaced).saturating_add(claimed);
        Ok(self.dictionary_bytes)
    }
}
