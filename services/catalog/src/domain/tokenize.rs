//! What a request to tokenize comes to: the split, the room in a window, and the identity.
//!
//! Identity: the same fields give the same tokenization, so a repeated request costs nothing. It covers everything that
//! changes a byte of the result and nothing else.

use chrono::{DateTime, NaiveDate, Utc};
use dataset_model::{
    ChatSpec, FieldViolation, Packing, Problem, Split, TokenizeConfig, TokenizeRequest, problem::shortened,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Raised whenever the same input would give other bytes.
const FORMAT_VERSION: u32 = 1;
/// A tokenizer as the tokenization service described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    pub commit_sha: String,
    /// Hexadecimal sha256 of tokenizer.json.
    pub sha256: String,
    pub vocab_size: u64,
    /// How many special tokens the template adds to one sequence.
    pub special_token_count: u32,
    pub eos_id: Option<u32>,
    pub pad_id: Option<u32>,
    /// Hexadecimal; None when it has no chat template.
    pub chat_template_sha256: Option<String>,
    /// Hexadecimal sha256 of what a chat template is told of the tokenizer.
    pub names_sha256: String,
    /// Whether its chat template asks for the date.
    pub is_dated: bool,
}

/// The fields that make a tokenization, and their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub fields: Value,
    pub sha256: [u8; 32],
}

/// Fills in the defaults and refuses what can be refused before the tokenizer is known.
pub fn filled(request: TokenizeRequest) -> Result<TokenizeConfig, Problem> {
    request.checked()
}

/// The split asked for, else `train`, else the only one.
pub fn choose_split(splits: &[Split], asked: Option<&str>) -> Result<String, Problem> {
    let find = |name: &str| splits.iter().find(|split| split.name == name);
    let chosen = match asked {
        Some(name) => find(name),
        None => find("train").or(if let [only] = splits { Some(only) } else { None }),
    };
    chosen.map(|split| split.name.clone()).ok_or_else(|| {
        let names = splits.iter().map(|split| format!("`{}`", split.name)).collect::<Vec<_>>().join(", ");
        let asked = asked.map_or_else(|| "is needed".to_owned(), |name| format!("`{}` is unknown", shortened(name)));
        Problem::field("split", format!("{asked}; the dataset has {names}"))
    })
}

/// What a specification says of conversations: a template that asks for the date is told that of the request, which is
/// then part of the identity.
pub fn chat_spec(
    config: &TokenizeConfig,
    tokenizer: &Tokenizer,
    is_chat: bool,
    now: DateTime<Utc>,
) -> Result<Option<ChatSpec>, Problem> {
    if !is_chat {
        return Ok(None);
    }
    let is_dated = match &config.chat_template {
        Some(template) => template.contains("strftime_now"),
        None if tokenizer.chat_template_sha256.is_some() => tokenizer.is_dated,
        None => {
            let description = "must be given: the column holds conversations, and the tokenizer has no chat template";
            return Err(Problem::field("chat_template", description));
        }
    };
    Ok(Some(ChatSpec { today: if is_dated { now.date_naive() } else { NaiveDate::default() } }))
}

/// Windows must move forward: the overlap is below the room that the template's special tokens leave. Packed rows have
/// neither, but need what ends a document.
pub fn check_rows(config: &TokenizeConfig, tokenizer: &Tokenizer, is_chat: bool) -> Result<(), Problem> {
    if config.packing == Packing::Concat {
        return match (config.append_eos, tokenizer.eos_id) {
            (true, None) => {
                let description = "must be false: the tokenizer's repository names no `eos_token`";
                Err(Problem::field("append_eos", description.to_owned()))
            }
            _ => Ok(()),
        };
    }
    // A chat template writes them itself.
    let has_template = config.add_special_tokens && !config.filter_special_tokens && !is_chat;
    let special = if has_template { tokenizer.special_token_count } else { 0 };
    let room = config.max_length.saturating_sub(special);
    if room == 0 {
        let description =
            format!("must be above the {special} special tokens of the template, not {}", config.max_length);
        return Err(Problem::field("max_length", description));
    }
    if config.stride >= room {
        let violation = FieldViolation {
            field: "stride".to_owned(),
            description: format!(
                "must be below {room} (max_length {} without {special} special tokens), not {}",
                config.max_length, config.stride
            ),
        };
        return Err(Problem::fields(vec![violation]));
    }
    Ok(())
}

/// The identity of a tokenization. `config` has its split and text column; `raw_shards` are the digests of that split's
/// shards in order, and enter as one digest, so that the fields stay small whatever the size of the dataset.
pub fn identity(
    config: &TokenizeConfig,
    tokenizer: &Tokenizer,
    chat: Option<&ChatSpec>,
    raw_shards: &[[u8; 32]],
) -> Identity {
    let mut source = Sha256::new();
    for digest in raw_shards {
        source.update(digest);
    }
    let given = config.chat_template.as_ref().map(|template| hex::encode(Sha256::digest(template)));
    let template = chat.and(given.as_ref().or(tokenizer.chat_template_sha256.as_ref()));
    let language = config.filter_stop_words.then_some(&config.stop_words_language);
    // A sorted map, so that the text is canonical whatever serde_json was built with.
    let mut fields = BTreeMap::from([
        ("add_special_tokens", json!(config.add_special_tokens)),
        ("append_eos", json!(config.append_eos)),
        ("chat_template_sha256", json!(template)),
        ("filter_special_tokens", json!(config.filter_special_tokens)),
        ("filter_stop_words", json!(config.filter_stop_words)),
        ("format_version", json!(FORMAT_VERSION)),
        ("max_length", json!(config.max_length)),
        ("min_token_length", json!(config.min_token_length)),
        ("packing", json!(config.packing)),
        ("raw_shards_sha256", json!(hex::encode(source.finalize()))),
        ("split", json!(config.split)),
        ("stop_words_language", json!(language)),
        ("stride", json!(config.stride)),
        ("text_column", json!(config.text_column)),
        ("tokenizer_sha256", json!(tokenizer.sha256)),
    ]);
    if let Some(chat) = chat {
        fields.insert("names_sha256", json!(tokenizer.names_sha256));
        fields.insert("today", json!(chat.today));
    }
    // Named by a file that `tokenizer_sha256` does not cover.
    if config.packing == Packing::Concat {
        fields.insert("eos_id", json!(tokenizer.eos_id));
        fields.insert("pad_id", json!(tokenizer.pad_id));
    }
    let text = json!(fields).to_string();
    Identity { fields: json!(fields), sha256: Sha256::digest(text).into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_model::Reason;

    fn config() -> TokenizeConfig {
        let request = TokenizeRequest { tokenizer_name: "gpt2".into(), ..TokenizeRequest::default() };
        TokenizeConfig { split: Some("train".into()), text_column: Some("text".into()), ..filled(request).unwrap() }
    }

    fn tokenizer(special_token_count: u32) -> Tokenizer {
        Tokenizer {
            commit_sha: "c".into(),
            sha256: "s".into(),
            vocab_size: 10,
            special_token_count,
            eos_id: None,
            pad_id: None,
            chat_template_sha256: None,
            names_sha256: "n".into(),
            is_dated: false,
        }
    }

    #[test]
    fn splits() {
        let split = |name: &str| Split { name: name.into(), row_count: 1, size_bytes: 1 };
        let both = [split("test"), split("train")];
        assert_eq!(choose_split(&both, None).unwrap(), "train");
        assert_eq!(choose_split(&both, Some("test")).unwrap(), "test");
        assert_eq!(choose_split(&[split("validation")], None).unwrap(), "validation");
        for refused in [choose_split(&[split("a"), split("b")], None), choose_split(&both, Some("x"))] {
            let problem = refused.unwrap_err();
            assert_eq!((problem.reason, problem.errors[0].field.as_str()), (Reason::InvalidField, "split"));
        }
    }

    #[test]
    fn stride_leaves_room_for_special_tokens() {
        let config = TokenizeConfig { max_length: 128, stride: 126, filter_special_tokens: false, ..config() };
        assert!(check_rows(&config, &tokenizer(1), false).is_ok());
        assert_eq!(check_rows(&config, &tokenizer(2), false).unwrap_err().errors[0].field, "stride");
        let filtered = TokenizeConfig { filter_special_tokens: true, ..config };
        assert!(check_rows(&filtered, &tokenizer(2), false).is_ok());
        let narrow = TokenizeConfig { max_length: 2, stride: 0, filter_special_tokens: false, ..filtered };
        assert_eq!(check_rows(&narrow, &tokenizer(2), false).unwrap_err().errors[0].field, "max_length");
    }

    #[test]
    fn identity_covers_what_changes_the_result() {
        let (base, shards) = (config(), [[1; 32], [2; 32]]);
        let of = |config: &TokenizeConfig| identity(config, &tokenizer(0), None, &shards).sha256;
        assert_eq!(of(&base), of(&TokenizeConfig { batch_size: 7, ..base.clone() }));
        let quiet = TokenizeConfig { filter_stop_words: false, ..base.clone() };
        assert_eq!(of(&quiet), of(&TokenizeConfig { stop_words_language: "de".into(), ..quiet.clone() }));
        for other in [
            quiet,
            TokenizeConfig { stride: 1, ..base.clone() },
            TokenizeConfig { text_column: Some("b".into()), ..base.clone() },
            TokenizeConfig { stop_words_language: "de".into(), ..base.clone() },
        ] {
            assert_ne!(of(&base), of(&other));
        }
        assert_ne!(of(&base), identity(&base, &tokenizer(0), None, &[[2; 32], [1; 32]]).sha256);
        insta::assert_snapshot!(identity(&base, &tokenizer(0), None, &shards).fields);
    }

    #[test]
    fn packed_rows_know_what_ends_a_document() {
        let request = TokenizeRequest { packing: Some(Packing::Concat), ..TokenizeRequest::default() };
        let packed = filled(TokenizeRequest { tokenizer_name: "gpt2".into(), ..request }).unwrap();
        assert_eq!((packed.stride, packed.append_eos), (0, true));
        let refused = check_rows(&packed, &tokenizer(2), false).unwrap_err();
        assert_eq!((refused.reason, refused.errors[0].field.as_str()), (Reason::InvalidField, "append_eos"));
        assert!(check_rows(&TokenizeConfig { append_eos: false, ..packed.clone() }, &tokenizer(2), false).is_ok());
        let [one, other] = [1, 2].map(|eos| Tokenizer { eos_id: Some(eos), ..tokenizer(0) });
        assert!(check_rows(&packed, &one, false).is_ok());
        let of = |config: &TokenizeConfig, tokenizer: &Tokenizer| identity(config, tokenizer, None, &[[1; 32]]).sha256;
        assert_ne!(of(&packed, &one), of(&packed, &other));
        assert_ne!(of(&packed, &one), of(&TokenizeConfig { packing: Packing::None, ..packed.clone() }, &one));
        // Windows have no use for either.
        assert_eq!(of(&config(), &one), of(&config(), &other));
    }

    #[test]
    fn languages_are_codes() {
        let base = TokenizeRequest { tokenizer_name: "gpt2".into(), ..TokenizeRequest::default() };
        let reason = |request: TokenizeRequest| filled(request).unwrap_err().reason;
        assert_eq!(reason(TokenizeRequest { stop_words_language: Some("EN".into()), ..base }), Reason::InvalidField);
    }

    #[test]
    fn a_template_and_its_day_are_part_of_the_identity() {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(3);
        let (config, plain) = (config(), tokenizer(0));
        let refused = chat_spec(&config, &plain, true, now).unwrap_err();
        assert_eq!(refused.errors[0].field, "chat_template");
        assert_eq!(chat_spec(&config, &plain, false, now).unwrap(), None);
        let own = Tokenizer { chat_template_sha256: Some("t".into()), ..plain.clone() };
        let spec = |config: &TokenizeConfig, tokenizer: &Tokenizer| chat_spec(config, tokenizer, true, now).unwrap();
        let of = |config: &TokenizeConfig, tokenizer: &Tokenizer| {
            identity(config, tokenizer, spec(config, tokenizer).as_ref(), &[]).sha256
        };
        let base = of(&config, &own);
        assert_eq!(base, of(&config, &own));
        let given = TokenizeConfig { chat_template: Some("x".into()), ..config.clone() };
        let dated = TokenizeConfig { chat_template: Some("{{ strftime_now('%Y') }}".into()), ..config.clone() };
        let others = [
            of(&given, &own),
            of(&dated, &own),
            of(&config, &Tokenizer { names_sha256: "m".into(), ..own.clone() }),
            of(&config, &Tokenizer { chat_template_sha256: Some("u".into()), ..own.clone() }),
            of(&config, &Tokenizer { is_dated: true, ..own.clone() }),
            identity(&config, &own, None, &[]).sha256,
        ];
        assert!(others.iter().all(|other| *other != base));
        // What is not dated is the same on any day.
        assert_eq!(spec(&config, &own).unwrap().today, NaiveDate::default());
        assert_eq!(spec(&dated, &own).unwrap().today, now.date_naive());
        // Of texts, a tokenizer's template changes nothing.
        assert_eq!(identity(&config, &own, None, &[]).sha256, identity(&config, &plain, None, &[]).sha256);
    }
}
