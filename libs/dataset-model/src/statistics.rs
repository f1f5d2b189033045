//! Statistics of a tokenization: exact, over all its sequences; fill of packed rows is counted nowhere.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How often one vocabulary id occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VocabCount {
    pub token_id: u32,
    pub token: String,
    pub count: u64,
    /// `count` ÷ total tokens.
    pub fraction: f64,
}

/// Lengths in tokens that 50, 90 and 99 of 100 sequences do not exceed (nearest rank), and the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LengthPercentiles {
    pub p50: u32,
    pub p90: u32,
    pub p99: u32,
    pub max: u32,
}

/// Tokens that a filter removed, by the first rule that applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DroppedByRule {
    pub special: u64,
    pub stop_word: u64,
    pub min_length: u64,
}

/// A reason to drop a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DropRule {
    Special,
    StopWord,
    MinLength,
}

impl DropRule {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Special => "special",
            Self::StopWord => "stop_word",
            Self::MinLength => "min_length",
        }
    }
}

/// A token that a filter removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DroppedToken {
    pub rule: DropRule,
    pub token_id: u32,
    pub token: String,
    pub count: u64,
}

/// The `DatasetStatistics` of the surfaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DatasetStatistics))]
pub struct Statistics {
    pub total_tokens: u64,
    /// Vocabulary ids that occur at least once.
    pub unique_tokens: u64,
    pub total_sequences: u64,
    /// The most frequent ids: counts descending, then ids ascending.
    pub vocab_distribution: Vec<VocabCount>,
    /// Sequences per bin: bin i holds lengths in `[i·width, (i+1)·width)`.
    pub length_distribution: Vec<u64>,
    pub length_bin_width: u32,
    pub length_percentiles: LengthPercentiles,
    /// Documents that gave more than one window ÷ documents that gave any.
    pub truncated_fraction: f64,
    pub dropped_by_rule: DroppedByRule,
    /// Of each rule the tokens that it removed most often: rules in their order, counts descending, then ids ascending.
    /// Empty where it was not counted.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub dropped_examples: Vec<DroppedToken>,
    pub documents_in: u64,
    /// Null, empty, or nothing left after the filters.
    pub documents_empty: u64,
    pub vocab_size: u64,
    /// Vocabulary ids that never occur: `vocab_size` − `unique_tokens`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub unused_tokens: u64,
    /// UTF-8 bytes of the documents' text.
    pub text_bytes: u64,
    /// Tokens of that text before filters, windows and special tokens, by byte of it; none where it was not counted.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub tokens_per_byte: Option<f64>,
    pub computed_at: DateTime<Utc>,
}
