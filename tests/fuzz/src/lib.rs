//! What strangers send, tried with nonsense: each target takes any bytes and panics when a promise about them is broken.
//!
//! The targets are plain functions. The fuzzer calls them from `main.rs`, the test beside them with every seed.

mod answers;
mod files;
mod names;
mod panics;
mod rows;

pub use panics::{quiet, unharmed};

/// A function that panics when its input shows a fault.
pub type Target = fn(&[u8]);

/// All targets; the seeds of each lie in the folder of its name.
pub const TARGETS: [(&str, Target); 7] = [
    ("repo_id", names::repo_id),
    ("path", names::path),
    ("tree", answers::tree),
    ("jsonl", files::jsonl),
    ("csv", files::csv),
    ("parquet", files::parquet),
    ("arrow", files::arrow),
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|(known, _)| *known == name).map(|(_, target)| target)
}
