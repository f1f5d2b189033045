//! Whole ingests, from a Hub to the volume.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod archives;
mod bad_rows;
mod corpus;
mod faults;
mod support;
mod tasks;
mod widening;
