//! One attempt of a transfer: ask for what is missing, check that this is what comes, and store it.
//!
//! The first answer decides: if it is the range that was asked for, others may be asked for beside it. A server that
//! knows no ranges sends the whole file, and then this is the only stream.

use std::collections::VecDeque;

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, ETAG, HeaderMap},
};
use tokio::{
    sync::{Semaphore, mpsc::channel},
    task::spawn_blocking,
};

use crate::{
    HubConfig,
    address::Address,
    error::HubError,
    fetch::{Fetch, resume, until_cancelled},
    http::{Answer, Ask, Http, Range},
    part::Part,
    refusal::Subject,
    spans::Span,
    streams::{Opened, Streams, Tally},
};

/// Chunks between network and disk, of at most a few hundred KiB each.
const QUEUE: usize = 16;

/// What an attempt needs besides the part.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) http: &'a Http,
    pub(crate) config: &'a HubConfig,
    /// A permit for each connection; the file has one of its own.
    pub(crate) files: &'a Semaphore,
    pub(crate) address: Address<'a>,
    pub(crate) request: &'a Fetch<'a>,
    pub(crate) tally: &'a Tally,
}

impl Attempt<'_> {
    /// Gives the part back with whatever was added to it.
    pub(crate) async fn run(self, mut part: Part) -> (Part, Result<(), HubError>) {
        let Fetch { file: remote, cancel, .. } = self.request;
        let disk = |source| HubError::disk(&remote.path, source);
        let mut pieces = self.pieces(&part);
        // All has come, and hashing it was given up.
        let Some(first) = pieces.pop_front() else { return (part, Err(HubError::Cancelled)) };
        let (answer, span) = match until_cancelled(cancel, self.open(first, part.etag())).await {
            Ok(opened) => opened,
            Err(error) => return (part, Err(error)),
        };
        // The whole file is sent instead.
        if span.first != first.first || span.end > first.end {
            pieces.clear();
            if let Err(source) = part.restart() {
                return (part, Err(disk(source)));
            }
        }
        part.remember_etag(strong_etag(answer.response.headers()));
        let is_alone = pieces.is_empty();
        let (sender, receiver) = channel(QUEUE);
        let streams = Streams { attempt: self, version: part.etag().map(str::to_owned), sender };
        let checkpoint = part.checkpoint();
        self.tally.begin(part.present());
        let writer = spawn_blocking(move || part.drain(receiver));
        let pumped = until_cancelled(cancel, streams.pump(Opened { answer, span }, pieces)).await;
        let (mut part, mut written) = writer.await.unwrap_or_else(resume);
        if is_alone && matches!(pumped, Err(HubError::WrongLength { .. })) {
            // It ended as if it were complete: a page about something else, not a file that broke off.
            written = written.and_then(|()| part.roll_back(checkpoint));
        }
        // The pump ends early and in peace when the writer has failed.
        (part, written.map_err(disk).and(pumped))
    }

    /// What to ask for, one range after the other: small ones if others can be asked for beside the first.
    fn pieces(&self, part: &Part) -> VecDeque<Span> {
        let HubConfig { single_get_limit, range_size, parallel_from, parallel_range, .. } = *self.config;
        let missing = self.request.file.size - part.present();
        let is_shared = missing >= parallel_from && self.tally.may_share();
        if part.has_holes() || is_shared && self.files.available_permits() > 0 {
            part.missing(parallel_range).collect()
        } else {
            // A bounded range, so that connections which become free are noticed.
            let longest = if missing > single_get_limit || is_shared { range_size } else { missing };
            part.missing(longest).take(1).collect()
        }
    }

    /// Asks for a piece. What comes begins where it should, or is the whole file.
    pub(crate) async fn open(&self, piece: Span, version: Option<&str>) -> Result<(Answer, Span), HubError> {
        let Fetch { file, token, .. } = *self.request;
        let last = (piece.end < file.size).then(|| piece.end - 1);
        let wanted = (piece.first > 0 || last.is_some()).then_some(piece.first);
        let ask = Ask {
            url: self.address.resolve(&file.path)?,
            subject: Subject { address: self.address, path: Some(&file.path) },
            token,
            range: wanted.map(|first| Range { first, last, version }),
        };
        let answer = self.http.get(&ask).await?;
        answer.require_hub(&self.http.endpoint)?;
        let span = span(answer.response.status(), answer.response.headers(), wanted, file.size);
        let span = span.map_err(|wrong| match wrong {
            Wrong::Range => HubError::WrongRange { path: file.path.clone() },
            Wrong::Length(actual) => HubError::WrongLength { path: file.path.clone(), expected: file.size, actual },
        })?;
        if answer.response.status() == StatusCode::PARTIAL_CONTENT && span.end > piece.end {
            return Err(HubError::WrongRange { path: file.path.clone() });
        }
        Ok((answer, span))
    }
}

/// How an answer is not what was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Range,
    Length(u64),
}

/// Which bytes an answer holds, if these can be used: from the byte `first`, or all of them.
fn span(status: StatusCode, headers: &HeaderMap, first: Option<u64>, size: u64) -> Result<Span, Wrong> {
    let text = |name: reqwest::header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if status != StatusCode::PARTIAL_CONTENT {
        let length = text(reqwest::header::CONTENT_LENGTH).and_then(|value| value.parse().ok());
        return match length {
            Some(length) if length != size => Err(Wrong::Length(length)),
            _ => Ok(Span { first: 0, end: size }),
        };
    }
    let range = text(CONTENT_RANGE).and_then(content_range).ok_or(Wrong::Range)?;
    match range {
        (from, last, total) if Some(from) == first && from <= last && last < total && total == size => {
            Ok(Span { first: from, end: last + 1 })
        }
        _ => Err(Wrong::Range),
    }
}

/// `bytes 5-9/10` as `(5, 9, 10)`.
pub(crate) fn content_range(value: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, total.parse().ok()?))
}

/// A weak one may stand for other bytes, which is useless here.
fn strong_etag(headers: &HeaderMap) -> Option<&str> {
    headers.get(ETAG)?.to_str().ok().filter(|etag| etag.starts_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, headers: &[(&'static str, &'static str)], first: Option<u64>) -> Result<Span, Wrong> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        span(StatusCode::from_u16(status).unwrap(), &headers, first, 10)
    }

    #[test]
    fn an_answer_must_be_the_range_that_was_asked_for() {
        let span = |first, end| Ok(Span { first, end });
        assert_eq!(of(206, &[("content-range", "bytes 4-9/10")], Some(4)), span(4, 10));
        assert_eq!(of(206, &[("content-range", "bytes 4-6/10")], Some(4)), span(4, 7));
        assert_eq!(of(200, &[("content-length", "10")], Some(4)), span(0, 10));
        assert_eq!(of(200, &[], None), span(0, 10), "chunked");
        assert_eq!(of(200, &[("content-length", "38")], None), Err(Wrong::Length(38)));
        for range in ["bytes 3-9/10", "bytes 4-9/11", "bytes 4-10/10", "bytes 9-4/10", "bytes 4-9/*", "4-9/10"] {
            assert_eq!(of(206, &[("content-range", range)], Some(4)), Err(Wrong::Range), "{range}");
        }
        assert_eq!(of(206, &[], Some(4)), Err(Wrong::Range));
        assert_eq!(of(206, &[("content-range", "bytes 0-9/10")], None), Err(Wrong::Range), "not asked for");
    }

    #[test]
    fn weak_etags_are_not_kept() {
        let headers = |etag: &'static str| [(ETAG, etag.parse().unwrap())].into_iter().collect::<HeaderMap>();
        assert_eq!(strong_etag(&headers("\"a\"")), Some("\"a\""));
        assert_eq!(strong_etag(&headers("W/\"a\"")), None);
    }
}
