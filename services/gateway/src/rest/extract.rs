//! What comes in: bodies, queries, ids and keys, each refused with the field that is wrong.
//!
//! Unknown fields are refused everywhere, so that a misspelt option is never silently ignored.

use crate::error::ApiError;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use dataset_model::{DatasetId, FieldViolation, JobId, Problem, Reason, TokenizationId};
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::{Map, Value};
use std::{collections::HashSet, str::FromStr};

/// Rows of a page when the request does not say.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 200;
const MAX_KEY_LENGTH: usize = 255;

/// A JSON body.
pub(crate) struct Body<T>(pub T);

/// A JSON body that may be left out, which is as `{}`.
pub(crate) struct OptionalBody<T>(pub T);

/// A query string.
pub(crate) struct Query<T>(pub T);

/// The `{id}` of the path. What is no UUID cannot exist, so it is `NOT_FOUND`.
pub(crate) struct Id<T>(pub T);

/// The `Idempotency-Key` header.
pub(crate) struct IdempotencyKey(pub Option<String>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if !is_json {
            return Err(ApiError::new(Reason::UnsupportedMedia, "the body must be `application/json`"));
        }
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(ApiError::new(Reason::UnsupportedMedia, "the body must be `application/json`"));
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Reason::BodyTooLarge, "the body is larger than 1 MiB"),
        _ => ApiError::new(Reason::MalformedBody, "the body could not be read to its end"),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A struct is read from an array too, position by position, which nobody means.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::new(Reason::MalformedBody, "the body must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = by_field(&mut deserializer)?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// The fields of a body from which others were taken out.
pub(crate) fn fields<T: DeserializeOwned>(body: Map<String, Value>) -> Result<T, ApiError> {
    by_field(Value::Object(body))
}

fn by_field<'de, T: DeserializeOwned>(
    deserializer: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        // A path of "." is the body itself, as of a field that is given twice.
        if error.inner().is_data() && path != "." {
            return Problem::field(&path, error.inner().to_string()).into();
        }
        malformed(error.inner())
    })
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(Reason::MalformedBody, error.to_string())
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        let value = serde_path_to_error::deserialize(pairs).map_err(|error| {
            let path = error.path().to_string();
            // A parameter that is given twice is an error of the whole query, which does not say where.
            let field = if path == "." { repeated(query).unwrap_or(path) } else { path };
            Problem::field(&field, error.inner().to_string())
        })?;
        Ok(Self(value))
    }
}

fn repeated(query: &str) -> Option<String> {
    let mut seen = HashSet::new();
    url::form_urlencoded::parse(query.as_bytes()).map(|(key, _)| key.into_owned()).find(|key| !seen.insert(key.clone()))
}

/// Ids that paths hold, and what they name.
pub(crate) trait Named: FromStr {
    const WHAT: &'static str;
}

impl Named for DatasetId {
    const WHAT: &'static str = "dataset";
}

impl Named for TokenizationId {
    const WHAT: &'static str = "tokenization";
}

impl Named for JobId {
    const WHAT: &'static str = "job";
}

impl<T: Named, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.map_or_else(|_| String::new(), |path| path.0);
        text.parse().map(Self).map_err(|_| ApiError::not_found(T::WHAT, &text))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        match value.to_str() {
            Ok(key) if !key.is_empty() && key.len() <= MAX_KEY_LENGTH => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::field("Idempotency-Key", "must be 1 to 255 visible ASCII characters").into()),
        }
    }
}

/// A page of a list: the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub page: u32,
    pub limit: u32,
}

impl Paging {
    pub(crate) fn new(page: Option<u32>, limit: Option<u32>) -> Result<Self, Problem> {
        let paging = Self { page: page.unwrap_or(1), limit: limit.unwrap_or(DEFAULT_LIMIT) };
        let mut errors = Vec::new();
        if paging.page == 0 {
            errors.push(FieldViolation { field: "page".to_owned(), description: "the first page is 1".to_owned() });
        }
        if !(1..=MAX_LIMIT).contains(&paging.limit) {
            let description = format!("must be 1 to {MAX_LIMIT}, not {}", paging.limit);
            errors.push(FieldViolation { field: "limit".to_owned(), description });
        }
        if errors.is_empty() { Ok(paging) } else { Err(Problem::fields(errors)) }
    }

    /// Rows before this page.
    pub(crate) fn offset(self) -> u64 {
        u64::from(self.page - 1) * u64::from(self.limit)
    }
}

/// A parameter that may be left out or empty, and else must parse.
pub(crate) fn choice<T: FromStr<Err: ToString>>(field: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|error: T::Err| Problem::field(field, error.to_string()))
}
