//! The catalog through its own services, over a real Postgres and a real nats-server. One binary, as each would link
//! the same crates.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helpers fails the test, where it happens")]

mod attempts;
mod doorbells;
mod endings;
mod ingest;
mod serving;
mod support;
mod tokenize;
