//! The last byte of a message whose body lies in a memory map: sent when all before it was read, and the file is still
//! the one that was checked.
//!
//! A body waits, and is read long after its batch was checked: by the system, which copies most of it to the socket, and
//! by HTTP/2, which copies the start of each frame. Whatever was written over or cut off meanwhile goes out as it is
//! then, as zeros too ([`shard_store`]). But a message without its end is none, so the client gets the error instead.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use shard_store::ShardReader;
use tokio::sync::oneshot;

use crate::descriptor::Target;
use crate::error::ReadError;

/// The shard in whose map a body lies.
#[derive(Debug, Clone)]
pub(crate) struct Lender {
    pub(crate) target: Target,
    pub(crate) ordinal: usize,
    pub(crate) reader: ShardReader,
}

impl Lender {
    /// Whether what was read until now is what was stored.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        self.reader.check_unchanged().map_err(|source| self.failed(source))
    }

    pub(crate) fn failed(&self, source: shard_store::StoreError) -> ReadError {
        ReadError::Shard { target: self.target.clone(), ordinal: self.ordinal, source }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Withheld {
    byte: Bytes,
    lender: Lender,
    /// Nothing is ever sent: it closes when the last piece of the body is dropped.
    read: oneshot::Receiver<Infallible>,
}

/// A piece of a body, until it is sent.
struct Lent {
    bytes: Bytes,
    _reading: Arc<oneshot::Sender<Infallible>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Withheld {
    /// Takes the last byte from a body, unless it has none, and watches the rest.
    pub(crate) fn take(lender: Lender, mut body: Vec<Bytes>) -> (Vec<Bytes>, Option<Self>) {
        body.retain(|piece| !piece.is_empty());
        let Some(last) = body.last_mut() else { return (body, None) };
        let byte = last.split_off(last.len() - 1);
        let (reading, read) = oneshot::channel();
        let reading = Arc::new(reading);
        let lend = |bytes| Bytes::from_owner(Lent { bytes, _reading: Arc::clone(&reading) });
        (body.into_iter().map(lend).collect(), Some(Self { byte, lender, read }))
    }

    /// Waits until the rest was sent.
    pub(crate) async fn release(self) -> Result<Bytes, ReadError> {
        let _closed = self.read.await;
        let byte = Bytes::copy_from_slice(&self.byte);
        self.lender.check().map(|()| byte)
    }
}
