//! A part of a file, for a look at it before it is fetched.
//!
//! Digests are of whole files, so a part cannot be verified: it is good for showing, never for keeping. No more bytes
//! are taken than were asked for, also from a server that ignores ranges.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use reqwest::{StatusCode, header::CONTENT_RANGE};
use tokio::time::sleep;

use crate::{
    HubClient,
    address::Address,
    attempt::content_range,
    body::Body,
    client::RepoKind,
    error::HubError,
    http::{Ask, Http, Range},
    listing::RemoteFile,
    refusal::Subject,
    token::Token,
};

/// Bytes `first..first + length` of a file.
#[derive(Debug, Clone, Copy)]
pub struct Excerpt<'a> {
    /// Dataset or model.
    pub kind: RepoKind,
    /// `owner/name`.
    pub repo: &'a str,
    /// The commit that `file` was listed at.
    pub commit: &'a str,
    /// As it stands in the listing.
    pub file: &'a RemoteFile,
    /// The first byte; beyond the end there are none.
    pub first: u64,
    /// At most so many bytes: fewer at the end of the file.
    pub length: u64,
    /// For gated and private repositories.
    pub token: Option<&'a Token>,
}

impl HubClient {
    /// Reads a part of a file, from the user's own Hub cache if the file lies there. The bytes are not verified.
    pub async fn read_part(&self, part: Excerpt<'_>) -> Result<Vec<u8>, HubError> {
        let http = &self.inner.http;
        let address = Address::new(&http.endpoint, part.kind, part.repo, Some(part.commit))?;
        let part = Excerpt { length: part.length.min(part.file.size.saturating_sub(part.first)), ..part };
        if part.length == 0 {
            return Ok(Vec::new());
        }
        let cached = self.cached(part.kind, part.repo).ok().and_then(|cached| cached.open(part.file));
        if let Some(Ok(content)) = cached.map(|cached| read_local(cached, &part)) {
            return Ok(content);
        }
        if self.inner.config.offline {
            return Err(HubError::Offline { what: part.file.path.clone() });
        }
        let is_whole = part.length == part.file.size;
        let range = Range { first: part.first, last: Some(part.first + part.length - 1), version: None };
        let ask = Ask {
            url: address.resolve(&part.file.path)?,
            subject: Subject { address, path: Some(&part.file.path) },
            token: part.token,
            range: (!is_whole).then_some(range),
        };
        let mut retry = self.retry();
        loop {
            match read_once(http, &ask, &part).await {
                Ok(content) => return Ok(content),
                Err(error) => sleep(retry.pause(error, rand::random())?).await,
            }
        }
    }
}

fn read_local(mut file: File, part: &Excerpt<'_>) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(part.first))?;
    file.take(part.length).read_to_end(&mut content)?;
    Ok(content)
}

async fn read_once(http: &Http, ask: &Ask<'_>, part: &Excerpt<'_>) -> Result<Vec<u8>, HubError> {
    let answer = http.get(ask).await?;
    answer.require_hub(&http.endpoint)?;
    let path = || part.file.path.clone();
    let range = answer.response.headers().get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
    let asked = (part.first, part.first + part.length - 1, part.file.size);
    match answer.response.status() {
        StatusCode::PARTIAL_CONTENT if range == Some(asked) && ask.range.is_some() => {}
        // The whole file, from its first byte: what is too much of it is not read.
        status if status != StatusCode::PARTIAL_CONTENT && part.first == 0 => {}
        _ => return Err(HubError::WrongRange { path: path() }),
    }
    let length = usize::try_from(part.length).unwrap_or(usize::MAX);
    let mut content = Body::new(answer.response, http.patience).collect(length).await?;
    content.truncate(length);
    if content.len() == length {
        return Ok(content);
    }
    let (expected, actual) = (part.first + part.length, part.first + content.len() as u64);
    Err(HubError::WrongLength { path: path(), expected, actual })
}
