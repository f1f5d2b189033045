//! The state machines. Each `apply` is total, without a wildcard arm, and a snapshot prints every state × event.
//!
//! Only the catalog moves a state, and only through these functions; the guarded updates in its SQL repeat the
//! precondition, so that two replicas cannot both win.

use serde::{Deserialize, Serialize};

/// The event does not apply in this state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` does not apply to a {what} that is `{state}`")]
pub struct InvalidTransition {
    pub what: &'static str,
    pub state: &'static str,
    pub event: &'static str,
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The text in the database and on the surfaces.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownState;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$variant),)* _ => Err(UnknownState(text.to_owned())) }
            }
        }
    };
}

/// No state has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown state `{0}`")]
pub struct UnknownState(String);

states!(DatasetStatus { Pending "pending", Downloading "downloading", Ready "ready", Failed "failed", Deleting "deleting" });
states!(TokenizationStatus {
    Pending "pending", Running "running", Ready "ready", Failed "failed", Cancelled "cancelled", Deleting "deleting",
});
states!(JobState { Queued "queued", Running "running", Succeeded "succeeded", Failed "failed", Cancelled "cancelled" });
states!(TaskState { Queued "queued", Running "running", Done "done", Failed "failed", Cancelled "cancelled" });
states!(DatasetTransition { Start "start", Finish "finish", Fail "fail", Cancel "cancel", Delete "delete" });
states!(TokenizationTransition {
    Claim "claim", Finish "finish", Fail "fail", Cancel "cancel", Restart "restart", Delete "delete",
});
states!(JobTransition { Claim "claim", Finish "finish", Fail "fail", Cancel "cancel" });
states!(TaskTransition {
    Claim "claim", Commit "commit", Requeue "requeue", Fail "fail", Cancel "cancel",
});

impl DatasetStatus {
    pub fn apply(self, event: DatasetTransition) -> Result<Self, InvalidTransition> {
        use DatasetTransition as E;
        let refused = || Err(InvalidTransition { what: "dataset", state: self.as_str(), event: event.as_str() });
        match (self, event) {
            (Self::Pending | Self::Failed, E::Start) => Ok(Self::Downloading),
            (Self::Downloading, E::Finish) => Ok(Self::Ready),
            (Self::Downloading, E::Fail) => Ok(Self::Failed),
            (Self::Downloading, E::Cancel) => Ok(Self::Pending),
            (Self::Pending | Self::Downloading | Self::Ready | Self::Failed | Self::Deleting, E::Delete) => {
                Ok(Self::Deleting)
            }
            (Self::Downloading | Self::Ready | Self::Deleting, E::Start)
            | (Self::Pending | Self::Ready | Self::Failed | Self::Deleting, E::Finish | E::Fail | E::Cancel) => {
                refused()
            }
        }
    }
}

impl TokenizationStatus {
    pub fn apply(self, event: TokenizationTransition) -> Result<Self, InvalidTransition> {
        use TokenizationTransition as E;
        let refused = || Err(InvalidTransition { what: "tokenization", state: self.as_str(), event: event.as_str() });
        match (self, event) {
            // A later task of the same job is claimed while it runs.
            (Self::Pending | Self::Running, E::Claim) => Ok(Self::Running),
            (Self::Running, E::Finish) => Ok(Self::Ready),
            (Self::Pending | Self::Running, E::Fail) => Ok(Self::Failed),
            (Self::Pending | Self::Running, E::Cancel) => Ok(Self::Cancelled),
            (Self::Failed | Self::Cancelled, E::Restart) => Ok(Self::Pending),
            (
                Self::Pending | Self::Running | Self::Ready | Self::Failed | Self::Cancelled | Self::Deleting,
                E::Delete,
            ) => Ok(Self::Deleting),
            (Self::Ready | Self::Failed | Self::Cancelled | Self::Deleting, E::Claim | E::Fail | E::Cancel)
            | (Self::Pending | Self::Ready | Self::Failed | Self::Cancelled | Self::Deleting, E::Finish)
            | (Self::Pending | Self::Running | Self::Ready | Self::Deleting, E::Restart) => refused(),
        }
    }
}

impl JobState {
    pub fn apply(self, event: JobTransition) -> Result<Self, InvalidTransition> {
        use JobTransition as E;
        let refused = || Err(InvalidTransition { what: "job", state: self.as_str(), event: event.as_str() });
        match (self, event) {
            (Self::Queued | Self::Running, E::Claim) => Ok(Self::Running),
            (Self::Running, E::Finish) => Ok(Self::Succeeded),
            (Self::Queued | Self::Running, E::Fail) => Ok(Self::Failed),
            (Self::Queued | Self::Running, E::Cancel) => Ok(Self::Cancelled),
            (Self::Queued, E::Finish)
            | (Self::Succeeded | Self::Failed | Self::Cancelled, E::Claim | E::Finish | E::Fail | E::Cancel) => {
                refused()
            }
        }
    }

    /// A terminal state never changes.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
            Self::Queued | Self::Running => false,
        }
    }
}

impl TaskState {
    pub fn apply(self, event: TaskTransition) -> Result<Self, InvalidTransition> {
        use TaskTransition as E;
        let refused = || Err(InvalidTransition { what: "task", state: self.as_str(), event: event.as_str() });
        match (self, event) {
            (Self::Queued, E::Claim) => Ok(Self::Running),
            (Self::Running, E::Commit) => Ok(Self::Done),
            (Self::Running, E::Requeue) => Ok(Self::Queued),
            (Self::Running, E::Fail) => Ok(Self::Failed),
            (Self::Queued | Self::Running, E::Cancel) => Ok(Self::Cancelled),
            (Self::Queued, E::Commit | E::Requeue | E::Fail)
            | (Self::Running, E::Claim)
            | (Self::Done | Self::Failed | Self::Cancelled, E::Claim | E::Commit | E::Requeue | E::Fail | E::Cancel) => {
                refused()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<S: Copy + ToString, E: Copy + ToString>(
        states: &[S],
        events: &[E],
        apply: impl Fn(S, E) -> Result<S, InvalidTransition>,
    ) -> String {
        let mut rows = Vec::new();
        for &state in states {
            for &event in events {
                let after = apply(state, event).map_or_else(|_| "-".to_owned(), |next| next.to_string());
                rows.push(format!("{:<12} {:<8} {after}", state.to_string(), event.to_string()));
            }
        }
        rows.join("\n")
    }

    #[test]
    fn every_state_and_event() {
        insta::assert_snapshot!("dataset", table(DatasetStatus::ALL, DatasetTransition::ALL, DatasetStatus::apply));
        insta::assert_snapshot!(
            "tokenization",
            table(TokenizationStatus::ALL, TokenizationTransition::ALL, TokenizationStatus::apply)
        );
        insta::assert_snapshot!("job", table(JobState::ALL, JobTransition::ALL, JobState::apply));
        insta::assert_snapshot!("task", table(TaskState::ALL, TaskTransition::ALL, TaskState::apply));
    }
}
