//! Takes a file's bytes on their way out and drops, stalls, damages or slows them.

use std::{io, time::Duration};

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{StreamExt, stream};
use tokio::{sync::watch, time::sleep};

use super::control::{Control, Damage, Fault};

/// A throttled body goes out in pieces of this size.
const THROTTLED_PIECE: usize = 16 << 10;

/// A disk's sector.
const SECTOR: usize = 512;

/// A moment in which what was sent before a break reaches the socket.
const FLUSH: Duration = Duration::from_millis(20);

struct Mangler {
    inner: BodyDataStream,
    pending: Bytes,
    fault: Option<Fault>,
    sent: u64,
    entry: usize,
    control: Control,
    releases: watch::Receiver<u64>,
}

pub(super) fn mangle(inner: Body, fault: Option<Fault>, entry: usize, control: Control) -> Body {
    let releases = control.releases();
    let inner = inner.into_data_stream();
    let mangler = Mangler { inner, pending: Bytes::new(), fault, sent: 0, entry, control, releases };
    Body::from_stream(stream::unfold(mangler, |mut mangler| async {
        let piece = mangler.next().await?;
        Some((piece, mangler))
    }))
}

impl Mangler {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            while self.pending.is_empty() {
                match self.inner.next().await? {
                    Ok(chunk) => self.pending = chunk,
                    Err(error) => return Some(Err(io::Error::other(error))),
                }
            }
            match self.fault {
                Some(Fault::Damage { how: Damage::End, at }) if self.sent >= at => return None,
                Some(Fault::Damage { how, at }) if self.sent >= at => {
                    self.pending = damaged(&self.pending, how);
                    self.fault = None;
                }
                _ => break,
            }
        }
        let mut limit = self.pending.len();
        match self.fault {
            Some(Fault::DropAfter(at)) if self.sent >= at => {
                sleep(FLUSH).await;
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Some(Fault::StallAfter(at)) if self.sent >= at => {
                let _ = self.releases.changed().await;
                self.fault = None;
            }
            Some(Fault::DropAfter(at) | Fault::StallAfter(at) | Fault::Damage { at, .. }) => {
                limit = limit.min(usize::try_from(at - self.sent).unwrap_or(usize::MAX));
            }
            Some(Fault::Answer { .. } | Fault::IgnoreRange) | None => {}
        }
        if let Some(bytes_per_second) = self.control.throttled_to() {
            limit = limit.min(THROTTLED_PIECE);
            sleep(Duration::from_micros(limit as u64 * 1_000_000 / bytes_per_second.max(1))).await;
        }
        let piece = self.pending.split_to(limit);
        self.sent += limit as u64;
        self.control.sent(self.entry, limit as u64);
        Some(Ok(piece))
    }
}

/// The same bytes, of which the first ones are not right any more.
fn damaged(bytes: &[u8], how: Damage) -> Bytes {
    let mut damaged = bytes.to_vec();
    match how {
        Damage::Flip => damaged[0] ^= 1,
        Damage::Zero => damaged.iter_mut().take(SECTOR).for_each(|byte| *byte = 0),
        Damage::Insert => damaged.insert(0, b'!'),
        Damage::Lose => drop(damaged.remove(0)),
        Damage::End => {}
    }
    damaged.into()
}
