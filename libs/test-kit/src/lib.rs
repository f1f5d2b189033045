//! `test-kit`.
pub mod fake_hub;
