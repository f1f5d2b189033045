//! Finds, starts and stops a private Postgres and a private nats-server, for `tokenmill up` and the tests.
//!
//! Nothing is fetched here: programs come from `PATH` or from the folder that `make tools` fills. Each server
//! belongs to one data directory, held by a file lock, and three rules keep a `kill -9` harmless at any instant:
//! the kernel ends a server when its owner dies (where `setpriv` exists), a start first stops a server that
//! outlived its owner all the same, and a half-made cluster never has its final name.
//!
//! Postgres refuses to run as root, so root runs it as `nobody`; [`home`] says where its files are then.

mod cluster;
mod error;
mod home;
mod nats;
mod orphan;
mod postgres;
mod process;
mod tools;

pub use error::ServerError;
pub use nats::Nats;
pub use postgres::{Postgres, PostgresOptions};
pub use tools::Tools;
