//! The whole platform inside a test: a Hub with a will of its own, real Postgres and NATS, every service, and a
//! checker that is run at the end of each test.
//!
//! Tests wait for events and for what the Hub's log shows, never for time to pass. Whatever a test did, the checker
//! then holds the database and the volume against the promises: nothing lost, doubled or left over.

mod api;
mod check;
mod collector;
mod feed;
pub mod form;
mod gate;
mod oracle;
mod processes;
pub mod repos;
mod rig;

pub use api::{Answer, Api};
pub use collector::{Collector, Seen};
pub use feed::{Feed, Item, body_of};
pub use gate::Gate;
pub use oracle::oracle;
pub use processes::{Process, Processes};
pub use rig::{Options, Rig};
