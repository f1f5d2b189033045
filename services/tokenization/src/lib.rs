//! `tokenization`.
pub mod engine;
