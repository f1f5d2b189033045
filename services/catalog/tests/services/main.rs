//! The catalog through its own services, over a real Postgres and a real nats-server. One binary, as each would link
//! the same crates.

mod attempts;
mod doorbells;
mod endings;
mod ingest;
mod support;
