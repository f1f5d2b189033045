//! The streams of one attempt: as many ranges of a file at once as connections are free.
//!
//! All of them feed one writer. Each takes a range, and gives its connection back after it, so that a file that waits for
//! its turn gets it first. After a failure no further range is begun, and those under way are still read to their end.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{SemaphorePermit, mpsc::Sender};

use crate::{attempt::Attempt, body::Body, error::HubError, http::Answer, part::Chunk, spans::Span};

/// What a transfer counts over all its attempts and streams.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    present: AtomicU64,
    downloaded: AtomicU64,
    is_alone: AtomicBool,
}

impl Tally {
    /// An attempt begins with so many bytes.
    pub(crate) fn begin(&self, present: u64) {
        self.present.store(present, Relaxed);
    }

    /// Bytes that came over the network.
    pub(crate) fn downloaded(&self) -> u64 {
        self.downloaded.load(Relaxed)
    }

    /// Whether several streams make sense: until one of them did not get its range.
    pub(crate) fn may_share(&self) -> bool {
        !self.is_alone.load(Relaxed)
    }
}

/// An answer whose body comes next.
pub(crate) struct Opened {
    pub(crate) answer: Answer,
    pub(crate) span: Span,
}

/// What a stream begins with.
enum Begin {
    Opened(Opened),
    Ask(Span),
}

/// All streams of an attempt.
pub(crate) struct Streams<'a> {
    pub(crate) attempt: Attempt<'a>,
    /// Of the first answer: other ranges must be of the same.
    pub(crate) version: Option<String>,
    pub(crate) sender: Sender<Chunk>,
}

impl<'a> Streams<'a> {
    /// Reads the first answer, and the pieces behind it. Ends in peace when nobody takes the bytes any more.
    pub(crate) async fn pump(self, first: Opened, mut pieces: VecDeque<Span>) -> Result<(), HubError> {
        let mut running = FuturesUnordered::new();
        running.push(self.stream(Begin::Opened(first), None));
        let mut outcome = Ok(());
        loop {
            while !pieces.is_empty()
                && let Ok(permit) = self.attempt.files.try_acquire()
                && let Some(piece) = pieces.pop_front()
            {
                running.push(self.stream(Begin::Ask(piece), Some(permit)));
            }
            let Some((permit, ended)) = running.next().await else { return outcome };
            outcome = outcome.and(ended);
            if outcome.is_err() || self.sender.is_closed() || !self.attempt.tally.may_share() {
                pieces.clear();
            }
            // The file's own connection is free again.
            if permit.is_none()
                && let Some(piece) = pieces.pop_front()
            {
                running.push(self.stream(Begin::Ask(piece), None));
            }
        }
    }

    /// One piece; gives back the connection that it had besides the file's own.
    async fn stream(
        &self,
        begin: Begin,
        permit: Option<SemaphorePermit<'a>>,
    ) -> (Option<SemaphorePermit<'a>>, Result<(), HubError>) {
        let opened = match begin {
            Begin::Opened(opened) => Ok(opened),
            Begin::Ask(piece) => self.ask(piece).await,
        };
        let read = match opened {
            Ok(opened) => self.read(opened).await,
            // The whole file, or another version of it. The next attempt finds out which, alone.
            Err(HubError::WrongRange { .. }) => {
                self.attempt.tally.is_alone.store(true, Relaxed);
                Ok(())
            }
            Err(error) => Err(error),
        };
        (permit, read)
    }

    async fn ask(&self, piece: Span) -> Result<Opened, HubError> {
        let (answer, span) = self.attempt.open(piece, self.version.as_deref()).await?;
        if span.first == piece.first {
            return Ok(Opened { answer, span });
        }
        Err(HubError::WrongRange { path: self.attempt.request.file.path.clone() })
    }

    async fn read(&self, Opened { answer, span }: Opened) -> Result<(), HubError> {
        let Attempt { http, request, tally, .. } = self.attempt;
        let ends_at = |actual| HubError::WrongLength { path: request.file.path.clone(), expected: span.end, actual };
        let mut body = Body::new(answer.response, http.patience);
        let mut at = span.first;
        while let Some(chunk) = body.next().await? {
            let count = chunk.len() as u64;
            tally.downloaded.fetch_add(count, Relaxed);
            if count > span.end - at {
                return Err(ends_at(at + count));
            }
            if self.sender.send((at, chunk)).await.is_err() {
                return Ok(());
            }
            at += count;
            (request.progress)(tally.present.fetch_add(count, Relaxed) + count);
        }
        if at == span.end { Ok(()) } else { Err(ends_at(at)) }
    }
}
