//! Real servers, real data and real faults for tests; a dev-dependency only.
//!
//! Each function gives a test something of its own and cleans up when it is dropped, so that tests run side by
//! side in any order. What is missing on the machine is a panic that names the next step.

mod chaos_proxy;
pub mod fake_hub;
mod paths;
mod ports;
mod servers;
mod wait;

pub use chaos_proxy::{ChaosProxy, Target};
pub use paths::{project_root, python, sample_hub, sample_templates, tools};
pub use ports::free_addresses;
pub use servers::{TestDatabase, TestNats, nats, postgres};
pub use wait::wait_until;
