//! The only crate that speaks NATS: doorbells, hints, and the loop of a worker that answers doorbells.
//!
//! A message is a doorbell, not a parcel. Nothing here is needed for correctness: a lost message costs time, because
//! workers also ask the catalog every [`WorkerConfig::poll`], and a doubled or forged one costs a question.

mod bus;
mod worker;

pub use bus::{BusError, JobBus, Ring};
pub use worker::{Work, WorkerConfig, work};
