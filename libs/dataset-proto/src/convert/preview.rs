//! The preview of a tokenization.

use super::{BadMessage, Required};
use crate::{catalog, tokenization as proto};
use dataset_model::{
    Preview,
    preview::{PreviewToken, PreviewWindow},
    statistics::{DropRule, DroppedByRule, DroppedToken},
};

impl From<Preview> for proto::PreviewResponse {
    fn from(preview: Preview) -> Self {
        let token = |token: PreviewToken| proto::PreviewToken {
            id: token.id,
            piece: token.piece,
            bytes: token.bytes,
            start: token.offsets[0],
            end: token.offsets[1],
            special: token.special,
            dropped_by: token.dropped_by.map_or_else(String::new, |rule| rule.as_str().to_owned()),
        };
        let window = |window: PreviewWindow| proto::PreviewWindow {
            input_ids: window.input_ids,
            length: window.length,
            start: window.start,
            end: window.end,
            overlap: window.overlap,
            doc_starts: window.doc_starts,
        };
        Self {
            tokens: preview.tokens.into_iter().map(token).collect(),
            windows: preview.windows.into_iter().map(window).collect(),
            window_count: preview.window_count,
            dropped_by_rule: Some(preview.dropped_by_rule.into()),
            tokenizer_revision: preview.tokenizer_revision,
            engine: preview.engine,
            rendered: preview.rendered,
            loss_mask: preview.loss_mask,
        }
    }
}

impl TryFrom<proto::PreviewResponse> for Preview {
    type Error = BadMessage;

    fn try_from(answer: proto::PreviewResponse) -> Result<Self, Self::Error> {
        let token = |token: proto::PreviewToken| {
            let dropped_by = rule(&token.dropped_by)?;
            Ok(PreviewToken {
                id: token.id,
                piece: token.piece,
                bytes: token.bytes,
                offsets: [token.start, token.end],
                special: token.special,
                kept: dropped_by.is_none(),
                dropped_by,
            })
        };
        let window = |window: proto::PreviewWindow| PreviewWindow {
            input_ids: window.input_ids,
            length: window.length,
            start: window.start,
            end: window.end,
            overlap: window.overlap,
            doc_starts: window.doc_starts,
        };
        Ok(Self {
            tokenizer_revision: answer.tokenizer_revision,
            engine: answer.engine,
            tokens: answer.tokens.into_iter().map(token).collect::<Result<_, _>>()?,
            dropped_by_rule: answer.dropped_by_rule.required("dropped_by_rule")?.into(),
            windows: answer.windows.into_iter().map(window).collect(),
            window_count: answer.window_count,
            rendered: answer.rendered,
            loss_mask: answer.loss_mask,
        })
    }
}

fn rule(text: &str) -> Result<Option<DropRule>, BadMessage> {
    let rules = [DropRule::Special, DropRule::StopWord, DropRule::MinLength];
    match text {
        "" => Ok(None),
        _ => match rules.into_iter().find(|rule| rule.as_str() == text) {
            Some(rule) => Ok(Some(rule)),
            None => Err(BadMessage::new("dropped_by", format!("`{text}` is no rule"))),
        },
    }
}

impl From<DroppedByRule> for catalog::DroppedByRule {
    fn from(dropped: DroppedByRule) -> Self {
        Self { special: dropped.special, stop_word: dropped.stop_word, min_length: dropped.min_length }
    }
}

impl From<catalog::DroppedByRule> for DroppedByRule {
    fn from(dropped: catalog::DroppedByRule) -> Self {
        Self { special: dropped.special, stop_word: dropped.stop_word, min_length: dropped.min_length }
    }
}

impl From<DroppedToken> for catalog::DroppedToken {
    fn from(dropped: DroppedToken) -> Self {
        let DroppedToken { rule, token_id, token, count } = dropped;
        Self { rule: rule.as_str().to_owned(), token_id, token, count }
    }
}

impl TryFrom<catalog::DroppedToken> for DroppedToken {
    type Error = BadMessage;

    fn try_from(dropped: catalog::DroppedToken) -> Result<Self, BadMessage> {
        let catalog::DroppedToken { rule: name, token_id, token, count } = dropped;
        let rule = rule(&name)?.ok_or_else(|| BadMessage::new("rule", "is empty".to_owned()))?;
        Ok(Self { rule, token_id, token, count })
    }
}
