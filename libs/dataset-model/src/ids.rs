//! Typed ids: UUID version 7 (RFC 9562), so that they sort by time of creation.
//!
//! The only place that makes ids; one type per thing, so that a job's id can never be passed for a dataset's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = uuid::Uuid))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id.
            #[expect(clippy::disallowed_methods, clippy::new_without_default, reason = "the one place that makes ids")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id!(DatasetId);
id!(TokenizationId);
id!(JobId);
id!(TaskId);
id!(
    /// One claim of a task, chosen by the worker.
    AttemptId
);

impl AttemptId {
    /// The part of the attempt that stands in file names: its last 8 hexadecimal digits, as the first ones are time.
    pub fn short(self) -> String {
        let hex = self.0.simple().to_string();
        hex[24..].to_owned()
    }
}
