//! What the Hub's error answers mean: status, `X-Error-Code` and the message as one [`HubError`].

use std::time::Duration;

use reqwest::{StatusCode, header::HeaderMap};

use crate::{address::Address, error::HubError, governor::asked_wait};

/// What a request was about, for the error's text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) address: Address<'a>,
    pub(crate) path: Option<&'a str>,
}

/// Maps an answer of the Hub itself. `unstated_wait` is how long a 429 lasts that says nothing about it.
pub(crate) fn of_hub(
    subject: &Subject<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    unstated_wait: Duration,
) -> HubError {
    let repo = subject.address.repo.to_owned();
    let revision = || subject.address.revision.unwrap_or("main").to_owned();
    let code = headers.get("x-error-code").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (status.as_u16(), code) {
        (401 | 403, "GatedRepo") => HubError::Gated { repo, url: subject.address.page().into() },
        (401, _) if message.contains("Invalid credentials") => HubError::TokenRejected,
        // Without a token, or with one that may not see it, a private repository looks like a missing one.
        (401, _) | (404, "RepoNotFound") => HubError::RepoNotFound { repo },
        (404, "RevisionNotFound") => HubError::RevisionNotFound { repo, revision: revision() },
        (404, _) => match subject.path {
            Some(path) => HubError::EntryNotFound { repo, path: path.to_owned() },
            None => HubError::RepoNotFound { repo },
        },
        (403, _) if message.contains("disabled") => HubError::Disabled { repo },
        (403, _) => HubError::Forbidden { repo },
        (451, _) => HubError::Disabled { repo },
        (429, _) => HubError::RateLimited { retry_after: asked_wait(headers).unwrap_or(unstated_wait) },
        (408 | 500..=599, _) => HubError::ServerError { status: status.as_u16() },
        _ => HubError::UnexpectedStatus { status: status.as_u16() },
    }
}

/// Maps an answer of the storage that the Hub redirected to. Whatever it refuses, a new signed address from
/// the Hub may cure; only the Hub itself can say that a file is forbidden or missing.
pub(crate) fn of_storage(subject: &Subject<'_>, status: StatusCode, headers: &HeaderMap) -> HubError {
    match status.as_u16() {
        416 => HubError::WrongRange { path: subject.path.unwrap_or_default().to_owned() },
        429 if let Some(retry_after) = asked_wait(headers) => HubError::RateLimited { retry_after },
        408 | 500..=599 => HubError::ServerError { status: status.as_u16() },
        other => HubError::StorageRefused { status: other },
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::client::RepoKind;

    /// The table of the Hub's answers, as `huggingface_hub` reads it.
    #[test]
    fn every_row_of_the_table() {
        let endpoint = Url::parse("https://hub.test").unwrap();
        let address = Address::new(&endpoint, RepoKind::Dataset, "acme/corpus", Some("dev")).unwrap();
        let of = |path, status: u16, code: &'static str, message| {
            let subject = Subject { address, path };
            let mut headers = HeaderMap::new();
            headers.insert("x-error-code", code.parse().unwrap());
            let status = StatusCode::from_u16(status).unwrap();
            format!("{:?}", of_hub(&subject, status, &headers, message, Duration::from_secs(2)))
        };
        for (path, status, code, message, expected) in [
            (
                None,
                401,
                "GatedRepo",
                "",
                "Gated { repo: \"acme/corpus\", url: \"https://hub.test/datasets/acme/corpus\" }",
            ),
            (None, 403, "GatedRepo", "", "Gated {"),
            (None, 401, "", "Invalid credentials in Authorization header", "TokenRejected"),
            (None, 401, "", "Invalid username or password.", "RepoNotFound {"),
            (None, 401, "RepoNotFound", "", "RepoNotFound {"),
            (None, 404, "RepoNotFound", "", "RepoNotFound {"),
            (None, 404, "RevisionNotFound", "", "RevisionNotFound { repo: \"acme/corpus\", revision: \"dev\" }"),
            (Some("a.txt"), 404, "EntryNotFound", "", "EntryNotFound { repo: \"acme/corpus\", path: \"a.txt\" }"),
            (Some("a.txt"), 404, "RepoNotFound", "", "RepoNotFound {"),
            (None, 403, "", "Access to this resource is disabled.", "Disabled {"),
            (None, 403, "", "", "Forbidden {"),
            (None, 429, "", "", "RateLimited { retry_after: 2s }"),
            (None, 503, "", "", "ServerError { status: 503 }"),
            (None, 418, "", "", "UnexpectedStatus { status: 418 }"),
        ] {
            let actual = of(path, status, code, message);
            assert!(actual.starts_with(expected), "{status} {code}: {actual}");
        }
    }
}
