//! What a configuration makes of one text: each token with its fate, and the rows as a job would store them.

use crate::statistics::{DropRule, DroppedByRule};
use serde::{Deserialize, Serialize};

/// Upper limit of a previewed text, in bytes of UTF-8; of a conversation also as JSON.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// The answer of `POST /tokenize/preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// The commit that the tokenizer was pinned to.
    pub tokenizer_revision: String,
    /// Which engine serves, but for single pieces of text.
    pub engine: String,
    /// The tokens of the text, in order; what stands around a window is only in `windows`.
    pub tokens: Vec<PreviewToken>,
    pub dropped_by_rule: DroppedByRule,
    /// The rows that a job would store of this text alone, until their ids are a million.
    pub windows: Vec<PreviewWindow>,
    /// How many rows there are, those that are not shown included.
    pub window_count: u64,
    /// Of a conversation, what the chat template made of it: the offsets are those of this text.
    pub rendered: Option<String>,
    /// Of each token, whether the model said it; empty where no template tells.
    pub loss_mask: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewToken {
    pub id: u32,
    /// The bytes as text; what is not whole UTF-8 as `<0xNN>`.
    pub piece: String,
    /// Of the piece, each 0 to 255; a character may be split among tokens.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u32>))]
    pub bytes: Vec<u8>,
    /// Where the token begins and ends in the text, in characters (Unicode code points, as Python counts); tokens that
    /// split a character all name it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u32>, min_items = 2, max_items = 2))]
    pub offsets: [u32; 2],
    pub special: bool,
    pub kept: bool,
    /// The first rule that drops it; null when it is kept.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub dropped_by: Option<DropRule>,
}

/// A row: a window, or of packed rows one that this text alone fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewWindow {
    /// As stored, special tokens of the template or the fill of a packed row included.
    pub input_ids: Vec<u32>,
    /// Ids that are no fill.
    pub length: u32,
    /// The first of the kept tokens in it, counted without the dropped ones.
    pub start: u32,
    /// One more than the last of the kept tokens in it.
    pub end: u32,
    /// Kept tokens that the window before has too.
    pub overlap: u32,
    /// Of a packed row: where documents begin in it.
    pub doc_starts: Vec<u32>,
}
