//! All services in one process: what `tokenmill up` runs and what the end-to-end tests start.

mod platform;

pub use platform::{Addresses, Platform, Sockets};
