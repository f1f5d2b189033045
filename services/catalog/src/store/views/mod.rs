//! Datasets, tokenizations and jobs as the surfaces show them.
//!
//! Read in batches: a page costs as many queries as a single one. What is being deleted is not there.

pub mod datasets;
pub mod jobs;
pub mod tokenizations;
