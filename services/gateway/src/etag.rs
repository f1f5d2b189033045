//! Answers that the client has already (RFC 9110 §13).

use axum::http::{HeaderMap, header};

/// Whether `If-None-Match` names `tag`; compared weakly, as compression changes the bytes.
pub(crate) fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let given = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}
