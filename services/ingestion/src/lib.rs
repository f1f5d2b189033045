//! `ingestion`.

pub mod convert;
pub mod plan;
