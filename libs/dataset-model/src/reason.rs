//! The closed list of reasons for failing, and what each is on the wire.
//!
//! Everything that leaves a service is one of these: gRPC code with `ErrorInfo.reason`, HTTP status with `reason`,
//! and the `error` of a dataset, tokenization or job. One table, two surfaces; a snapshot test prints it.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident $name:literal $code:ident $http:literal $retryable:literal $title:literal;)*) => {
        /// Why something failed. Clients decide by this, never by text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason { $(#[serde(rename = $name)] $variant,)* }

        impl Reason {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire, such as `NOT_FOUND`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The gRPC code (google.rpc.Code).
            pub const fn grpc_code(self) -> GrpcCode {
                match self { $(Self::$variant => GrpcCode::$code,)* }
            }

            /// The HTTP status.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)* }
            }

            /// Whether the same request may succeed later without a change.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// A few words for a person, the `title` of RFC 9457.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }

        impl std::str::FromStr for Reason {
            type Err = UnknownReason;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($name => Ok(Self::$variant),)* _ => Err(UnknownReason(text.to_owned())) }
            }
        }
    };
}

/// The names on the wire, which the derived schema would not see.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Reason {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Why something failed. Clients decide by this, never by text."))
            .enum_values(Some(Self::ALL.iter().map(|reason| reason.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Reason {}

/// A reason that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown reason `{0}`")]
pub struct UnknownReason(String);

/// google.rpc.Code, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrpcCode {
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    Unavailable,
    DataLoss,
    ResourceExhausted,
    DeadlineExceeded,
    Unimplemented,
    Internal,
}

reasons! {
    InvalidRepoId "INVALID_REPO_ID" InvalidArgument 400 false "Invalid repository id";
    InvalidRevision "INVALID_REVISION" InvalidArgument 400 false "Invalid revision";
    InvalidField "INVALID_FIELD" InvalidArgument 400 false "Invalid field";
    MalformedBody "MALFORMED_BODY" InvalidArgument 400 false "Malformed body";
    UnsupportedMedia "UNSUPPORTED_MEDIA" InvalidArgument 415 false "Unsupported media type";
    BodyTooLarge "BODY_TOO_LARGE" InvalidArgument 413 false "Body too large";
    DatasetTooLarge "DATASET_TOO_LARGE" InvalidArgument 413 false "Dataset too large";
    Unauthenticated "UNAUTHENTICATED" Unauthenticated 401 false "Credentials missing";
    Forbidden "FORBIDDEN" PermissionDenied 403 false "Not allowed";
    OriginNotAllowed "ORIGIN_NOT_ALLOWED" PermissionDenied 403 false "Origin not allowed";
    HubGated "HUB_GATED" PermissionDenied 403 false "Access to the repository is restricted";
    HubTokenRejected "HUB_TOKEN_REJECTED" PermissionDenied 403 false "The Hub refused the token";
    NotFound "NOT_FOUND" NotFound 404 false "Not found";
    HubRepoNotFound "HUB_REPO_NOT_FOUND" NotFound 404 false "No such repository on the Hub";
    HubRevisionNotFound "HUB_REVISION_NOT_FOUND" NotFound 404 false "No such revision on the Hub";
    HubSplitNotFound "HUB_SPLIT_NOT_FOUND" NotFound 404 false "No such split";
    HubConfigNotFound "HUB_CONFIG_NOT_FOUND" NotFound 404 false "No such config";
    HubConfigRequired "HUB_CONFIG_REQUIRED" NotFound 404 false "A config must be chosen";
    NoDataFiles "NO_DATA_FILES" NotFound 404 false "No data files";
    ScriptDataset "SCRIPT_DATASET" NotFound 404 false "The dataset is only a script";
    JobAlreadyActive "JOB_ALREADY_ACTIVE" FailedPrecondition 409 false "Another job is active";
    NameTaken "NAME_TAKEN" AlreadyExists 409 false "The name is taken";
    JobTerminal "JOB_TERMINAL" FailedPrecondition 409 false "Nothing is running";
    DatasetNotReady "DATASET_NOT_READY" FailedPrecondition 409 true "Not ready";
    DatasetReady "DATASET_READY" FailedPrecondition 409 false "The dataset is ready";
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" FailedPrecondition 422 false "The idempotency key was used for another request";
    StaleAttempt "STALE_ATTEMPT" Aborted 409 false "A newer attempt exists";
    DownloadFailed "DOWNLOAD_FAILED" Unavailable 502 true "The download failed";
    HubRateLimited "HUB_RATE_LIMITED" Unavailable 503 true "The Hub limits the rate of requests";
    ChecksumMismatch "CHECKSUM_MISMATCH" DataLoss 502 true "The bytes do not match the Hub's digest";
    SourceCorrupt "SOURCE_CORRUPT" FailedPrecondition 422 false "A source file cannot be read";
    SourceLimitExceeded "SOURCE_LIMIT_EXCEEDED" FailedPrecondition 422 false "A source file exceeds a limit";
    SchemaMismatch "SCHEMA_MISMATCH" FailedPrecondition 422 false "The source files' schemas differ";
    NoTextColumn "NO_TEXT_COLUMN" FailedPrecondition 422 false "No text column";
    TokenizerUnsupported "TOKENIZER_UNSUPPORTED" FailedPrecondition 422 false "The tokenizer is not supported";
    ShardCorrupt "SHARD_CORRUPT" DataLoss 500 false "A stored shard is damaged";
    TokenizeOom "TOKENIZE_OOM" ResourceExhausted 500 false "Tokenization ran out of its memory budget";
    Poison "POISON" Internal 500 false "The task killed its worker repeatedly";
    DiskFull "DISK_FULL" ResourceExhausted 507 true "The disk is full";
    RateLimited "RATE_LIMITED" ResourceExhausted 429 true "Too many requests";
    QuotaExceeded "QUOTA_EXCEEDED" ResourceExhausted 429 true "Quota exceeded";
    Overloaded "OVERLOADED" Unavailable 503 true "Overloaded";
    DbUnavailable "DB_UNAVAILABLE" Unavailable 503 true "The database is not reachable";
    Draining "DRAINING" Unavailable 503 true "Shutting down";
    DeadlineExceeded "DEADLINE_EXCEEDED" DeadlineExceeded 504 true "Deadline exceeded";
    NotImplemented "NOT_IMPLEMENTED" Unimplemented 501 false "Not offered";
    Internal "INTERNAL" Internal 500 false "Internal error";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let rows: Vec<String> = Reason::ALL
            .iter()
            .map(|r| {
                assert_eq!(r.as_str().parse::<Reason>().unwrap(), *r);
                format!(
                    "{:<24} {:<20} {} retryable={}",
                    r.as_str(),
                    format!("{:?}", r.grpc_code()),
                    r.http_status(),
                    r.is_retryable()
                )
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
    }
}
