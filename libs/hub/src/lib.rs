//! The only crate that speaks to the Hugging Face Hub: listing, and verified, resumable transfer.
//!
//! A revision is resolved once to a commit and everything after uses the commit. The tree of a commit gives
//! size and digest of every file, so a transfer needs no further question: it is one GET per file, or several at
//! once for the ranges of a large one, hashed while it streams, resumed across restarts of the process, and given out only when size and digest are the
//! ones that the Hub declared. Nothing here trusts a status page, a short body or a flipped byte.
//!
//! Bytes are ours because the `hf-hub` crate neither resumes nor verifies; the layout of the user's own Hub
//! cache and the place of the token come from it.

mod address;
mod attempt;
mod body;
mod cache;
mod client;
mod config;
mod digest;
mod error;
mod excerpt;
mod fetch;
mod governor;
mod http;
mod listing;
mod part;
mod refusal;
mod resolver;
mod retry;
mod spans;
mod streams;
mod syncing;
mod token;
pub mod untrusted;

pub use client::{HubClient, RepoKind};
pub use config::HubConfig;
pub use digest::Digest;
pub use error::HubError;
pub use excerpt::Excerpt;
pub use fetch::{Fetch, FetchedFile};
pub use listing::{RemoteFile, RepoInfo};
pub use token::Token;
