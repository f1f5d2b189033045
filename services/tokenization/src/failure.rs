//! What went wrong, as a user is told: the one place where this service's errors become problems.
//!
//! Causes that a user cannot act on are logged here, once, and shown as `INTERNAL`.

use catalog_client::TaskError;
use dataset_model::{FieldViolation, Problem, Reason};
use hub::HubError;
use shard_store::StoreError;

use crate::engine::convert::ConvertError;
use crate::engine::preview::PreviewError;
use crate::engine::shard::ShardError;
use crate::engine::text_column::NotText;
use crate::engine::window::WindowError;
use crate::engine::{EncodeError, RecipeError, TokenizerError};

/// The Hub did not give a tokenizer.
pub(crate) fn hub(error: &HubError) -> Problem {
    let reason = match error {
        HubError::InvalidRepoId { .. } => Reason::InvalidRepoId,
        HubError::RepoNotFound { .. } | HubError::Disabled { .. } => Reason::HubRepoNotFound,
        HubError::RevisionNotFound { .. } => Reason::HubRevisionNotFound,
        HubError::Gated { .. } => Reason::HubGated,
        HubError::TokenRejected => Reason::HubTokenRejected,
        HubError::Forbidden { .. } => Reason::Forbidden,
        HubError::RateLimited { .. } => Reason::HubRateLimited,
        HubError::ChecksumMismatch { .. } => Reason::ChecksumMismatch,
        HubError::TooLarge { .. } | HubError::EntryNotFound { .. } => Reason::TokenizerUnsupported,
        HubError::DiskFull { .. } => Reason::DiskFull,
        HubError::InvalidEndpoint { .. }
        | HubError::Client(_)
        | HubError::InvalidPath { .. }
        | HubError::ServerError { .. }
        | HubError::UnexpectedStatus { .. }
        | HubError::StorageRefused { .. }
        | HubError::Unreachable(_)
        | HubError::Stalled { .. }
        | HubError::WrongLength { .. }
        | HubError::WrongRange { .. }
        | HubError::TooManyFiles { .. }
        | HubError::Disk { .. }
        | HubError::NotAHub { .. }
        | HubError::RedirectRefused { .. }
        | HubError::Offline { .. }
        | HubError::Cancelled => Reason::DownloadFailed,
    };
    let mut problem = Problem::new(reason, error.to_string());
    problem.retryable = error.is_retryable();
    match error {
        HubError::RateLimited { retry_after } => problem.retry_after(*retry_after),
        HubError::RepoNotFound { .. } => {
            problem.next_step("check `tokenizer_name`; for a private repository set HF_TOKEN")
        }
        HubError::RevisionNotFound { .. } => problem.next_step("use a branch, a tag or a commit of the repository"),
        HubError::Gated { url, .. } => problem.next_step(format!("ask for access at {url} and set HF_TOKEN")),
        HubError::Offline { .. } => problem.next_step("go online once, so that the tokenizer is kept on disk"),
        _ => problem,
    }
}

/// The repository has no `tokenizer.json`.
pub(crate) fn no_tokenizer_json(name: &str, files: &[String], error: &ConvertError) -> Problem {
    let found = if files.is_empty() { "no files".to_owned() } else { files.join(", ") };
    let detail =
        format!("`{name}` has no tokenizer.json, and none can be made of what it has: {error}; it has {found}");
    Problem::new(Reason::TokenizerUnsupported, detail)
        .next_step("convert it once with `AutoTokenizer.from_pretrained(…).save_pretrained(…)`, or choose another")
}

/// The repository's `tokenizer.json` cannot serve.
pub(crate) fn tokenizer(name: &str, error: &TokenizerError) -> Problem {
    Problem::new(Reason::TokenizerUnsupported, format!("`{name}`: {error}"))
}

/// The configuration does not fit the tokenizer.
pub(crate) fn recipe(error: &RecipeError) -> Problem {
    let field = match error {
        RecipeError::NoChatTemplate { .. } | RecipeError::Chat(_) => "chat_template",
        RecipeError::NoEos { .. } => "append_eos",
        RecipeError::UnknownLanguage(_) => "stop_words_language",
        RecipeError::Window(WindowError::NoRoom { .. }) => "max_length",
        RecipeError::Window(WindowError::StrideTooLarge { .. }) => "stride",
    };
    Problem::fields(vec![FieldViolation { field: field.to_owned(), description: error.to_string() }])
}

/// A text could not be previewed.
pub(crate) fn preview(name: &str, error: &PreviewError) -> Problem {
    match error {
        // Nobody is there to read it.
        PreviewError::Encode(EncodeError::Stopped) => {
            Problem::new(Reason::DeadlineExceeded, "the question was given up")
        }
        PreviewError::Encode(error) => Problem::new(Reason::TokenizerUnsupported, format!("`{name}`: {error}")),
        PreviewError::Differs { .. } => internal(error),
    }
}

/// A mask that would hide everything from the training.
pub(crate) fn no_loss_tokens() -> Problem {
    let description = "has `generation` blocks, and no token of any conversation lies in one: the mask would hide all";
    Problem::field("chat_template", description).next_step("put `{% generation %}` around what the assistant says")
}

pub(crate) fn text_column(error: &NotText) -> Problem {
    Problem::new(Reason::NoTextColumn, error.to_string()).next_step("name a text column in `text_column`")
}

/// The volume failed, or a stored shard is damaged.
pub(crate) fn store(error: &StoreError) -> Problem {
    match error {
        StoreError::DiskFull { .. } => Problem::new(Reason::DiskFull, error.to_string()),
        _ if error.is_damage() => Problem::new(Reason::ShardCorrupt, error.to_string()),
        _ => internal(error),
    }
}

/// A raw shard did not become a token shard.
pub(crate) fn shard(error: &ShardError) -> TaskError {
    TaskError::Problem(match error {
        ShardError::Stopped => return TaskError::Stopped,
        ShardError::OutOfMemory { documents, source } => {
            let detail = format!("{documents} documents do not fit the memory budget: {source}");
            let step = "raise `tokenize.memory_bytes`, or split the longest documents";
            let documents = u32::try_from(*documents).unwrap_or(u32::MAX);
            return TaskError::OutOfMemory(Problem::new(Reason::TokenizeOom, detail).next_step(step), documents);
        }
        ShardError::Store(error) => store(error),
        ShardError::Column(error) => text_column(error),
        ShardError::Encode { row, source } => {
            Problem::new(Reason::TokenizerUnsupported, format!("row {row} of the split: {source}"))
        }
        ShardError::Chat { row, source } => {
            let problem = Problem::field("chat_template", format!("row {row} of the split: {source}"));
            problem.next_step("give a template that takes such conversations in `chat_template`")
        }
        ShardError::Batch(error) => internal(error),
    })
}

/// A rate limit is waited out without counting a try; everything else is a failure.
pub(crate) fn task(problem: Problem) -> TaskError {
    match problem.retry_after_ms {
        Some(wait) if problem.reason == Reason::HubRateLimited => {
            TaskError::Wait(std::time::Duration::from_millis(wait))
        }
        _ => problem.into(),
    }
}

/// Logs the cause with its chain, and tells nobody.
pub(crate) fn internal(error: &dyn std::error::Error) -> Problem {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(error = %chain, "internal error");
    Problem::internal()
}
