//! What is decided, apart from how it is stored and asked: pure functions of what they are given.
//!
//! Time, randomness and rows come in as arguments; a refusal goes out as the [`dataset_model::Problem`] that the user sees.

pub mod gc;
pub mod ingest;
pub mod job;
pub mod names;
pub(crate) mod pace;
pub mod page;
pub mod progress;
pub mod silence;
pub mod task;
pub mod text_column;
pub mod tokenize;
pub mod upload;
