//! What is known of the classes of `transformers` that can be converted.

use serde_json::{Value, json};

use super::ConvertError;
use super::given::{Given, Names};

/// The pattern of `Qwen2Tokenizer`.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Gpt2,
    Roberta,
    Qwen2,
    Bert,
}

impl Class {
    /// The class that `tokenizer_config.json` names, or the one that belongs to the model of `config.json`.
    pub(super) fn of(given: &Given) -> Result<Self, ConvertError> {
        let named = given.text("tokenizer_class").map(|class| (class.to_owned(), Self::named(class)));
        let model = given.model_type.clone().map(|model| (model.clone(), Self::of_model(&model)));
        match (named, model) {
            (Some((class, Some(named))), Some((model, Some(other)))) if named != other => {
                Err(ConvertError::Contradiction { class, model })
            }
            (Some((_, Some(class))), _) | (None, Some((_, Some(class)))) => Ok(class),
            (Some((class, None)), _) | (None, Some((class, None))) => Err(ConvertError::Class { class }),
            (None, None) => Err(ConvertError::NoClass),
        }
    }

    fn named(class: &str) -> Option<Self> {
        Some(match class.strip_suffix("Fast").unwrap_or(class) {
            "GPT2Tokenizer" => Self::Gpt2,
            "RobertaTokenizer" => Self::Roberta,
            "Qwen2Tokenizer" => Self::Qwen2,
            "BertTokenizer" | "DistilBertTokenizer" | "ElectraTokenizer" => Self::Bert,
            _ => return None,
        })
    }

    fn of_model(model_type: &str) -> Option<Self> {
        Some(match model_type {
            "gpt2" => Self::Gpt2,
            "roberta" => Self::Roberta,
            "qwen2" | "qwen3" => Self::Qwen2,
            "bert" | "distilbert" | "electra" => Self::Bert,
            _ => return None,
        })
    }

    /// Tokens that have a role where no file says otherwise.
    pub(super) fn defaults(self) -> &'static [(&'static str, &'static str)] {
        const END: &str = "<|endoftext|>";
        match self {
            Self::Gpt2 => &[("bos_token", END), ("eos_token", END), ("unk_token", END)],
            Self::Qwen2 => &[("eos_token", END), ("unk_token", END), ("pad_token", END)],
            Self::Roberta => &[
                ("bos_token", "<s>"),
                ("eos_token", "</s>"),
                ("unk_token", "<unk>"),
                ("sep_token", "</s>"),
                ("pad_token", "<pad>"),
                ("cls_token", "<s>"),
                ("mask_token", "<mask>"),
            ],
            Self::Bert => &[
                ("unk_token", "[UNK]"),
                ("sep_token", "[SEP]"),
                ("pad_token", "[PAD]"),
                ("cls_token", "[CLS]"),
                ("mask_token", "[MASK]"),
            ],
        }
    }

    pub(super) fn normalizer(self, given: &Given) -> Value {
        match self {
            Self::Gpt2 | Self::Roberta => Value::Null,
            Self::Qwen2 => json!({"type": "NFC"}),
            Self::Bert => json!({
                "type": "BertNormalizer",
                "clean_text": true,
                "handle_chinese_chars": given.flag("tokenize_chinese_chars").unwrap_or(true),
                "strip_accents": given.flag("strip_accents"),
                "lowercase": given.flag("do_lower_case").unwrap_or(true),
            }),
        }
    }

    pub(super) fn pre_tokenizer(self, given: &Given) -> Value {
        let bytes = |use_regex: bool| {
            let prefix = given.flag("add_prefix_space").unwrap_or(false);
            json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": use_regex})
        };
        match self {
            Self::Gpt2 | Self::Roberta => bytes(true),
            Self::Qwen2 => json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": false},
                bytes(false),
            ]}),
            Self::Bert => json!({"type": "BertPreTokenizer"}),
        }
    }

    pub(super) fn decoder(self) -> Value {
        match self {
            Self::Bert => json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
            _ => json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
        }
    }

    /// What stands around a text; None: nothing.
    pub(super) fn post_processor(
        self,
        given: &Given,
        names: &Names,
        id: impl Fn(&str) -> Option<u32>,
    ) -> Option<Value> {
        let with_id = |role: &str| names.get(role).and_then(|token| Some((token.clone(), id(token)?)));
        let around = match self {
            Self::Roberta => {
                let (sep, cls) = (with_id("sep_token")?, with_id("cls_token")?);
                let prefix = given.flag("add_prefix_space").unwrap_or(false);
                return Some(json!({"type": "RobertaProcessing", "sep": sep, "cls": cls,
                    "trim_offsets": given.flag("trim_offsets").unwrap_or(true), "add_prefix_space": prefix}));
            }
            Self::Bert => [with_id("cls_token"), with_id("sep_token")],
            Self::Gpt2 | Self::Qwen2 => {
                let wanted = |key: &str, role: &str| with_id(role).filter(|_| given.flag(key).unwrap_or(false));
                [wanted("add_bos_token", "bos_token"), wanted("add_eos_token", "eos_token")]
            }
        };
        let one = |(token, _): &(String, u32), of: u32| json!({"SpecialToken": {"id": token, "type_id": of}});
        let text = |of: u32| json!({"Sequence": {"id": if of == 0 { "A" } else { "B" }, "type_id": of}});
        let [before, after] = &around;
        let sequence = |of: u32| -> Vec<Value> {
            let [before, after] =
                [before, after].map(|token| token.iter().map(|token| one(token, of)).collect::<Vec<_>>());
            [before, vec![text(of)], after].concat()
        };
        let tokens = around
            .iter()
            .flatten()
            .map(|(token, id)| (token.clone(), json!({"id": token, "ids": [id], "tokens": [token]})));
        let pair = [sequence(0), sequence(1)].concat();
        Some(json!({
            "type": "TemplateProcessing",
            "single": sequence(0),
            "pair": pair,
            "special_tokens": tokens.collect::<serde_json::Map<_, _>>(),
        }))
    }
}
