//! What a user chooses about a tokenization, and the defaults.

use crate::{FieldViolation, Problem, revision::check_revision};
use serde::{Deserialize, Serialize};

/// Whether documents share rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    #[default]
    None,
    Concat,
}

/// A request as it comes in: absent fields take the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TokenizeConfig))]
#[serde(deny_unknown_fields, default)]
pub struct TokenizeRequest {
    /// Model repository on the Hub.
    pub tokenizer_name: String,
    pub tokenizer_revision: Option<String>,
    /// Tokens in a window, special tokens of the template included; 1024.
    pub max_length: Option<u32>,
    /// Overlap of two windows in tokens; 512.
    pub stride: Option<u32>,
    /// Characters; 3.
    pub min_token_length: Option<u32>,
    /// true
    pub filter_special_tokens: Option<bool>,
    /// true
    pub filter_stop_words: Option<bool>,
    /// ISO 639-1; `en`.
    pub stop_words_language: Option<String>,
    /// true
    pub add_special_tokens: Option<bool>,
    pub text_column: Option<String>,
    pub split: Option<String>,
    /// Jinja, for a column of conversations; at most 65,536 bytes; the tokenizer's own.
    pub chat_template: Option<String>,
    /// `none`
    pub packing: Option<Packing>,
    /// true when packing.
    pub append_eos: Option<bool>,
    /// Documents per encoding batch, at most 10,000; no influence on the result; 1000.
    pub batch_size: Option<u32>,
}

/// The same with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TokenizeConfigFilled))]
#[serde(deny_unknown_fields)]
pub struct TokenizeConfig {
    pub tokenizer_name: String,
    pub tokenizer_revision: Option<String>,
    pub max_length: u32,
    pub stride: u32,
    pub min_token_length: u32,
    pub filter_special_tokens: bool,
    pub filter_stop_words: bool,
    pub stop_words_language: String,
    pub add_special_tokens: bool,
    pub text_column: Option<String>,
    pub split: Option<String>,
    pub chat_template: Option<String>,
    pub packing: Packing,
    pub append_eos: bool,
    pub batch_size: u32,
}

/// Upper limit of `max_length`: a million tokens is beyond every model's context.
pub const MAX_LENGTH_LIMIT: u32 = 1 << 20;

/// Upper limit of a chat template, in bytes.
pub const CHAT_TEMPLATE_LIMIT: usize = 64 << 10;

impl TokenizeRequest {
    /// What every surface that takes a configuration asks: the defaults filled in, or why it is refused.
    pub fn checked(self) -> Result<TokenizeConfig, Problem> {
        let config = self.filled().map_err(Problem::fields)?;
        config.tokenizer_revision.as_deref().map(check_revision).transpose()?;
        Ok(config)
    }

    /// Fills in the defaults and checks what can be checked without the tokenizer; returns all violations at once.
    pub fn filled(self) -> Result<TokenizeConfig, Vec<FieldViolation>> {
        let packing = self.packing.unwrap_or_default();
        let config = TokenizeConfig {
            tokenizer_name: self.tokenizer_name,
            tokenizer_revision: self.tokenizer_revision,
            max_length: self.max_length.unwrap_or(1024),
            stride: self.stride.unwrap_or(if packing == Packing::Concat { 0 } else { 512 }),
            min_token_length: self.min_token_length.unwrap_or(3),
            filter_special_tokens: self.filter_special_tokens.unwrap_or(true),
            filter_stop_words: self.filter_stop_words.unwrap_or(true),
            stop_words_language: self.stop_words_language.unwrap_or_else(|| "en".to_owned()),
            add_special_tokens: self.add_special_tokens.unwrap_or(true),
            text_column: self.text_column,
            split: self.split,
            chat_template: self.chat_template,
            packing,
            append_eos: self.append_eos.unwrap_or(packing == Packing::Concat),
            batch_size: self.batch_size.unwrap_or(1000),
        };
        let violations = config.violations();
        if violations.is_empty() { Ok(config) } else { Err(violations) }
    }
}

impl TokenizeConfig {
    fn violations(&self) -> Vec<FieldViolation> {
        let mut found = Vec::new();
        let mut refuse = |field: &str, description: String| {
            found.push(FieldViolation { field: field.to_owned(), description });
        };
        if let Err(error) = crate::RepoId::parse(&self.tokenizer_name) {
            refuse("tokenizer_name", error.to_string());
        }
        if self.max_length == 0 || self.max_length > MAX_LENGTH_LIMIT {
            refuse("max_length", format!("must be 1 to {MAX_LENGTH_LIMIT}, not {}", self.max_length));
        }
        if self.packing == Packing::None && self.stride >= self.max_length {
            refuse("stride", format!("must be below max_length ({}), not {}", self.max_length, self.stride));
        }
        if self.packing == Packing::Concat && self.stride != 0 {
            refuse("stride", "packed rows do not overlap: leave it out or give 0".to_owned());
        }
        if let Some(template) = &self.chat_template
            && (template.is_empty() || template.len() > CHAT_TEMPLATE_LIMIT)
        {
            refuse("chat_template", format!("must be 1 to {CHAT_TEMPLATE_LIMIT} bytes, not {}", template.len()));
        }
        if self.chat_template.as_ref().is_some_and(|template| template.contains('\0')) {
            refuse("chat_template", "must not hold NUL".to_owned());
        }
        let language = &self.stop_words_language;
        if language.len() != 2 || !language.bytes().all(|c| c.is_ascii_lowercase()) {
            let shown = crate::problem::shortened(language);
            refuse("stop_words_language", format!("must be an ISO 639-1 code such as `en`, not `{shown}`"));
        }
        if self.batch_size == 0 || self.batch_size > 10_000 {
            refuse("batch_size", format!("must be 1 to 10000, not {}", self.batch_size));
        }
        found
    }

    /// Whether any filter can drop a token (`min_token_length` 0 and 1 drop none).
    pub fn has_filter(&self) -> bool {
        self.filter_special_tokens || self.filter_stop_words || self.min_token_length > 1
    }
}
