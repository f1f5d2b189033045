//! `ingestion`.

pub mod plan;
