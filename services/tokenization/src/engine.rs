//! Text to token shards, pure: no network, no runtime, no state between calls.
//!
//! The bytes of a token shard are a function of the source rows, the tokenizer, the configuration and the format
//! version, and of nothing else: threads, batch sizes and retries change only how fast they come out.
//!
//! ```text
//! document ─ encode ─► ids ─ filter ─► ids ─ window ─► sequences ─ shard ─► batches
//!                                          ├ pack ─► rows that documents share
//!                                          └ stats: counted in the same pass
//! ```

pub mod chat;
pub mod convert;
pub mod documents;
pub mod encode;
pub mod engines;
pub mod filter;
pub mod format;
mod limits;
pub mod names;
pub mod pack;
pub mod parse;
pub mod pipeline;
pub mod preview;
pub mod recipe;
mod screen;
pub mod shard;
pub mod stats;
pub mod text_column;
pub mod vocabulary;
pub mod window;

pub use encode::{EncodeError, Engine};
pub use engines::{Encoder, EngineChoice, Refused};
pub use names::SpecialNames;
pub use parse::{Tokenizer, TokenizerError};
pub use recipe::{Recipe, RecipeError};
pub use stats::{Counts, Tally};
