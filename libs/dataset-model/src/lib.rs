//! The words of the domain: ids, states and their transitions, configurations, error reasons. No I/O, no async.
//!
//! Every service speaks in these types; the wire forms are in `dataset-proto` and, as the JSON of the REST surface,
//! in the `serde` implementations here.

pub mod event;
pub mod hub_dataset;
pub mod ids;
pub mod left_out;
pub mod preview;
pub mod problem;
pub mod reason;
pub mod records;
pub mod repo_id;
pub mod revision;
pub mod shard;
pub mod skipped;
pub mod spec;
pub mod state;
pub mod statistics;
pub mod tokenize;

pub use event::DatasetEvent;
pub use ids::{AttemptId, DatasetId, JobId, TaskId, TokenizationId};
pub use left_out::LeftOutMembers;
pub use preview::Preview;
pub use problem::{FieldViolation, Problem, ProblemDetails};
pub use reason::Reason;
pub use records::{Dataset, FileProgress, Job, JobPhase, Progress, Split, TaskCounts, Tokenization};
pub use repo_id::RepoId;
pub use revision::check_revision;
pub use shard::{ReplacedShard, Shard, SourceRange, StagedFile};
pub use skipped::{SkippedRow, SkippedRows};
pub use spec::{ChatSpec, IngestSpec, JobKind, OnBadRows, TaskKind, TokenizeSpec, Upload, UploadedFile};
pub use state::{DatasetStatus, JobState, TaskState, TokenizationStatus};
pub use statistics::Statistics;
pub use tokenize::{Packing, TokenizeConfig, TokenizeRequest};
