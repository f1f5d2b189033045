//! Transport: decode, one step in one transaction, encode. No decisions and no SQL.

pub mod datasets;
mod decode;
pub mod jobs;
pub mod tasks;
pub mod tokenizations;
pub(crate) mod watch;
