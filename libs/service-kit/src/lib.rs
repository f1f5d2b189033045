//! What every service is made of: settings, telemetry, lifecycle, health, gRPC server and channel. Knows no domain.

mod config;
mod error;
mod grpc;
mod internal;
mod lifecycle;
mod run;
mod sections;
mod telemetry;

pub use config::{ConfigError, Secret, Settings, load, load_over};
pub use error::ServeError;
pub use grpc::{channel, serve_grpc};
pub use internal::{Readiness, ReadyFlag, serve_internal};
pub use lifecycle::{Lifecycle, Listeners};
pub use run::{run, run_with, serve_until_signal};
pub use sections::{Nats, Peer, out_of_range, switch};
pub use telemetry::{Telemetry, follow, set_parent, traceparent};

/// The current time: the one clock, so that decisions elsewhere take `now` as an argument.
#[expect(clippy::disallowed_methods, reason = "the one clock")]
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
