//! What a user chooses about a tokenization, and its statistics.

use super::{BadMessage, Required, simple};
use crate::catalog as proto;
use dataset_model::{
    Packing, Statistics, TokenizeConfig, TokenizeRequest,
    statistics::{LengthPercentiles, VocabCount},
};

impl TryFrom<proto::TokenizeConfig> for TokenizeRequest {
    type Error = BadMessage;

    fn try_from(config: proto::TokenizeConfig) -> Result<Self, Self::Error> {
        let packing = match config.packing.map(proto::Packing::try_from) {
            None | Some(Ok(proto::Packing::Unspecified)) => None,
            Some(Ok(packing)) => Some(Packing::try_from(packing)?),
            Some(Err(error)) => return Err(BadMessage::new("packing", error.to_string())),
        };
        Ok(Self {
            tokenizer_name: config.tokenizer_name,
            tokenizer_revision: config.tokenizer_revision,
            max_length: config.max_length,
            stride: config.stride,
            min_token_length: config.min_token_length,
            filter_special_tokens: config.filter_special_tokens,
            filter_stop_words: config.filter_stop_words,
            stop_words_language: config.stop_words_language,
            add_special_tokens: config.add_special_tokens,
            text_column: config.text_column,
            split: config.split,
            chat_template: config.chat_template,
            packing,
            append_eos: config.append_eos,
            batch_size: config.batch_size,
        })
    }
}

impl From<TokenizeRequest> for proto::TokenizeConfig {
    fn from(config: TokenizeRequest) -> Self {
        Self {
            tokenizer_name: config.tokenizer_name,
            tokenizer_revision: config.tokenizer_revision,
            max_length: config.max_length,
            stride: config.stride,
            min_token_length: config.min_token_length,
            filter_special_tokens: config.filter_special_tokens,
            filter_stop_words: config.filter_stop_words,
            stop_words_language: config.stop_words_language,
            add_special_tokens: config.add_special_tokens,
            text_column: config.text_column,
            split: config.split,
            chat_template: config.chat_template,
            packing: config.packing.map(|packing| proto::Packing::from(packing).into()),
            append_eos: config.append_eos,
            batch_size: config.batch_size,
        }
    }
}

impl From<TokenizeConfig> for proto::TokenizeConfig {
    fn from(config: TokenizeConfig) -> Self {
        Self {
            tokenizer_name: config.tokenizer_name,
            tokenizer_revision: config.tokenizer_revision,
            max_length: Some(config.max_length),
            stride: Some(config.stride),
            min_token_length: Some(config.min_token_length),
            filter_special_tokens: Some(config.filter_special_tokens),
            filter_stop_words: Some(config.filter_stop_words),
            stop_words_language: Some(config.stop_words_language),
            add_special_tokens: Some(config.add_special_tokens),
            text_column: config.text_column,
            split: config.split,
            chat_template: config.chat_template,
            packing: Some(proto::Packing::from(config.packing).into()),
            append_eos: Some(config.append_eos),
            batch_size: Some(config.batch_size),
        }
    }
}

impl TryFrom<proto::TokenizeConfig> for TokenizeConfig {
    type Error = BadMessage;

    fn try_from(config: proto::TokenizeConfig) -> Result<Self, Self::Error> {
        TokenizeRequest::try_from(config)?.filled().map_err(|violations| {
            let first = violations.into_iter().next().map(|v| format!("`{}` {}", v.field, v.description));
            BadMessage::new("config", first.unwrap_or_default())
        })
    }
}

impl From<Statistics> for proto::DatasetStatistics {
    fn from(s: Statistics) -> Self {
        let count = |v: VocabCount| proto::VocabCount { token_id: v.token_id, token: v.token, count: v.count };
        let lengths = s.length_percentiles;
        Self {
            total_tokens: s.total_tokens,
            unique_tokens: s.unique_tokens,
            total_sequences: s.total_sequences,
            vocab_distribution: s.vocab_distribution.into_iter().map(count).collect(),
            length_distribution: s.length_distribution,
            length_bin_width: s.length_bin_width,
            length_percentiles: Some(proto::LengthPercentiles {
                p50: lengths.p50,
                p90: lengths.p90,
                p99: lengths.p99,
                max: lengths.max,
            }),
            truncated_fraction: s.truncated_fraction,
            dropped_by_rule: Some(s.dropped_by_rule.into()),
            dropped_examples: s.dropped_examples.into_iter().map(Into::into).collect(),
            documents_in: s.documents_in,
            documents_empty: s.documents_empty,
            vocab_size: s.vocab_size,
            unused_tokens: s.unused_tokens,
            text_bytes: s.text_bytes,
            tokens_per_byte: s.tokens_per_byte,
            computed_at: Some(simple::timestamp(s.computed_at)),
        }
    }
}

impl TryFrom<proto::DatasetStatistics> for Statistics {
    type Error = BadMessage;

    #[expect(clippy::cast_precision_loss, reason = "a fraction for display")]
    fn try_from(s: proto::DatasetStatistics) -> Result<Self, Self::Error> {
        let total = s.total_tokens.max(1) as f64;
        let count = |v: proto::VocabCount| VocabCount {
            token_id: v.token_id,
            token: v.token,
            count: v.count,
            fraction: v.count as f64 / total,
        };
        let lengths = s.length_percentiles.required("length_percentiles")?;
        Ok(Self {
            total_tokens: s.total_tokens,
            unique_tokens: s.unique_tokens,
            total_sequences: s.total_sequences,
            vocab_distribution: s.vocab_distribution.into_iter().map(count).collect(),
            length_distribution: s.length_distribution,
            length_bin_width: s.length_bin_width,
            length_percentiles: LengthPercentiles {
                p50: lengths.p50,
                p90: lengths.p90,
                p99: lengths.p99,
                max: lengths.max,
            },
            truncated_fraction: s.truncated_fraction,
            dropped_by_rule: s.dropped_by_rule.required("dropped_by_rule")?.into(),
            dropped_examples: s.dropped_examples.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            documents_in: s.documents_in,
            documents_empty: s.documents_empty,
            vocab_size: s.vocab_size,
            unused_tokens: s.unused_tokens,
            text_bytes: s.text_bytes,
            tokens_per_byte: s.tokens_per_byte,
            computed_at: simple::time(s.computed_at, "computed_at")?,
        })
    }
}
