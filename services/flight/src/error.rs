//! Why rows cannot be served, and what of it a client is told.
//!
//! Storage keys stay inside: a client learns which shard of what is damaged, the log learns which file.

use dataset_model::{Problem, Reason};
use dataset_proto::status::to_status;
use shard_store::StoreError;
use tonic::Status;

use crate::descriptor::Target;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Refused by the catalog or by us, in words for the client.
    #[error("refused: {0}")]
    Refused(#[from] Problem),
    #[error("could not read shard {ordinal} of {target}")]
    Shard {
        target: Target,
        ordinal: usize,
        #[source]
        source: StoreError,
    },
    /// A stored shard and the catalog's record of it do not fit together.
    #[error("shard {ordinal} of {target} is not what the catalog recorded")]
    Unlike { target: Target, ordinal: usize },
    #[error("could not encode rows or a schema of {target}")]
    Encode {
        target: Target,
        #[source]
        source: arrow_schema::ArrowError,
    },
    #[error("the reading thread stopped")]
    Stopped(#[source] tokio::task::JoinError),
}

impl ReadError {
    /// Whether stored bytes are damaged or gone.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Shard { source, .. } => source.is_damage(),
            Self::Unlike { .. } => true,
            Self::Refused(_) | Self::Encode { .. } | Self::Stopped(_) => false,
        }
    }

    /// Whose bytes are damaged.
    pub(crate) fn damaged_target(&self) -> Option<Target> {
        match self {
            Self::Shard { target, .. } | Self::Unlike { target, .. } if self.is_damage() => Some(target.clone()),
            _ => None,
        }
    }

    fn problem(&self) -> Problem {
        let corrupt = |target: &Target, ordinal: &usize, what: &str| {
            Problem::new(Reason::ShardCorrupt, format!("shard {ordinal} of {target} is damaged: {what}"))
                .next_step("restore the data directory, or delete this and make it again")
        };
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::Shard { target, ordinal, source } if source.is_damage() => corrupt(target, ordinal, &damage(source)),
            Self::Unlike { target, ordinal } => corrupt(target, ordinal, "it is not what the catalog recorded"),
            Self::Shard { .. } | Self::Encode { .. } | Self::Stopped(_) => Problem::internal(),
        }
    }

    /// The answer; what the client is not told is logged here, once.
    pub(crate) fn into_status(self) -> Status {
        let problem = self.problem();
        if matches!(problem.reason, Reason::ShardCorrupt | Reason::Internal) {
            let error: &dyn std::error::Error = &self;
            tracing::error!(reason = %problem.reason, error = %chain(error), "rows could not be served");
        }
        to_status(&problem)
    }
}

fn damage(error: &StoreError) -> String {
    match error {
        StoreError::NotFound { .. } => "its file is missing".to_owned(),
        StoreError::SizeMismatch { expected, actual, .. } => format!("it has {actual} bytes instead of {expected}"),
        StoreError::Changed { .. } => "it was modified while it was read".to_owned(),
        StoreError::BatchDigestMismatch { batch, .. } => format!("batch {batch} does not match its digest"),
        _ => "it is not a readable shard".to_owned(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
