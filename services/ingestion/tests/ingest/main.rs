//! Whole ingests, from a Hub to the volume.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod corpus;
mod faults;
mod support;
mod tasks;
