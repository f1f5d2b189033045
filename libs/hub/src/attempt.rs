//! One attempt of a transfer: ask for what is missing, check that this is what comes, and store it.

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, ETAG, HeaderMap},
};
use tokio::{
    sync::mpsc::{Sender, channel},
    task::spawn_blocking,
};

use crate::{
    HubConfig,
    address::Address,
    body::Body,
    error::HubError,
    fetch::{Fetch, resume, until_cancelled},
    http::{Answer, Ask, Http, Range},
    part::Part,
    refusal::Subject,
};

/// Chunks between network and disk, of at most a few hundred KiB each.
const QUEUE: usize = 16;

/// What an attempt needs besides the part.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) http: &'a Http,
    pub(crate) config: &'a HubConfig,
    pub(crate) address: Address<'a>,
    pub(crate) request: &'a Fetch<'a>,
}

/// Bytes `first..end` of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u64,
    end: u64,
}

impl Attempt<'_> {
    /// Gives the part back with whatever was added to it, and adds the bytes that came to `downloaded`.
    pub(crate) async fn run(self, mut part: Part, downloaded: &mut u64) -> (Part, Result<(), HubError>) {
        let remote = self.request.file;
        let (answer, span) = match until_cancelled(self.request.cancel, self.open(&part)).await {
            Ok(opened) => opened,
            Err(error) => return (part, Err(error)),
        };
        if span.first != part.length()
            && let Err(source) = part.restart()
        {
            return (part, Err(HubError::disk(&remote.path, source)));
        }
        part.remember_etag(strong_etag(answer.response.headers()));
        let body = Body::new(answer.response, self.http.patience);
        let (sender, receiver) = channel(QUEUE);
        let checkpoint = part.checkpoint();
        let writer = spawn_blocking(move || part.drain(receiver));
        let pumped = until_cancelled(self.request.cancel, self.pump(body, span, sender, downloaded)).await;
        let (mut part, mut written) = writer.await.unwrap_or_else(resume);
        if matches!(pumped, Err(HubError::WrongLength { .. })) {
            // It ended as if it were complete: a page about something else, not a file that broke off.
            written = written.and_then(|()| part.roll_back(checkpoint));
        }
        // The pump ends early and in peace when the writer has failed.
        (part, written.map_err(|source| HubError::disk(&remote.path, source)).and(pumped))
    }

    async fn open(&self, part: &Part) -> Result<(Answer, Span), HubError> {
        let Fetch { file, token, .. } = *self.request;
        let wanted = wanted(part.length(), file.size, self.config.single_get_limit, self.config.range_size);
        let ask = Ask {
            url: self.address.resolve(&file.path)?,
            subject: Subject { address: self.address, path: Some(&file.path) },
            token,
            range: wanted.map(|(first, last)| Range { first, last, version: part.etag() }),
        };
        let answer = self.http.get(&ask).await?;
        answer.require_hub(&self.http.endpoint)?;
        let first = wanted.map(|(first, _)| first);
        let span = span(answer.response.status(), answer.response.headers(), first, file.size);
        let span = span.map_err(|wrong| match wrong {
            Wrong::Range => HubError::WrongRange { path: file.path.clone() },
            Wrong::Length(actual) => HubError::WrongLength { path: file.path.clone(), expected: file.size, actual },
        })?;
        Ok((answer, span))
    }

    async fn pump(
        &self,
        mut body: Body,
        span: Span,
        sender: Sender<bytes::Bytes>,
        downloaded: &mut u64,
    ) -> Result<(), HubError> {
        let path = || self.request.file.path.clone();
        let mut at = span.first;
        while let Some(chunk) = body.next().await? {
            let count = chunk.len() as u64;
            *downloaded += count;
            if count > span.end - at {
                return Err(HubError::WrongLength { path: path(), expected: span.end, actual: at + count });
            }
            at += count;
            if sender.send(chunk).await.is_err() {
                return Ok(());
            }
            (self.request.progress)(at);
        }
        if at == span.end {
            Ok(())
        } else {
            Err(HubError::WrongLength { path: path(), expected: span.end, actual: at })
        }
    }
}

/// The range to ask for, its end included; `None` for a whole file in one piece.
fn wanted(length: u64, size: u64, single_get_limit: u64, range_size: u64) -> Option<(u64, Option<u64>)> {
    let missing = size - length;
    let last = (missing > single_get_limit).then(|| length + range_size.clamp(1, missing) - 1);
    (length > 0 || last.is_some()).then_some((length, last))
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
    fn ranges_are_asked_for_when_resuming_and_for_the_very_large() {
        assert_eq!(wanted(0, 10, 50, 4), None);
        assert_eq!(wanted(3, 10, 50, 4), Some((3, None)));
        assert_eq!(wanted(0, 100, 50, 4), Some((0, Some(3))));
        assert_eq!(wanted(96, 100, 2, 40), Some((96, Some(99))));
    }

    #[test]
    fn weak_etags_are_not_kept() {
        let headers = |etag: &'static str| [(ETAG, etag.parse().unwrap())].into_iter().collect::<HeaderMap>();
        assert_eq!(strong_etag(&headers("\"a\"")), Some("\"a\""));
        assert_eq!(strong_etag(&headers("W/\"a\"")), None);
    }
}
