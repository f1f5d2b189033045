//! The engine over real tokenizers: exact, and the same whatever the threads.
#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what these share")]

mod chat;
mod chat_templates;
mod conversion;
mod counting;
mod engines;
mod exactness;
mod packed;
mod preview;
mod shards;
mod stop_words;
mod support;
