//! What a fast engine knows of `tokenizer.json`: a tokenizer with any other construct, field or pattern is not its own.
//!
//! Engines read past what they do not know, and then encode something else; so everything is named here.

use fastokens::tiktoken::{
    CL100K_BASE_PATTERN, DEEPSEEK_SPLIT1_PATTERN, DEEPSEEK_SPLIT2_PATTERN, DEEPSEEK_SPLIT3_PATTERN, O200K_BASE_PATTERN,
    QWEN2_PATTERN, TEKKEN_PATTERN,
};
use serde_json::Value;

use super::Kind;
use super::pieces::Cuts;

/// The splits of a byte-level pre-tokenizer that has one pattern.
const PATTERNS: [&str; 4] = [CL100K_BASE_PATTERN, QWEN2_PATTERN, O200K_BASE_PATTERN, TEKKEN_PATTERN];
const DEEPSEEK: [&str; 3] = [DEEPSEEK_SPLIT1_PATTERN, DEEPSEEK_SPLIT2_PATTERN, DEEPSEEK_SPLIT3_PATTERN];

/// What `transformers` writes for runs of blanks in SentencePiece models.
const BLANKS: &str = " {2,}";

/// Whether a pattern is one of those that are known to come to an end.
pub(super) fn is_known_pattern(source: &str) -> bool {
    source == BLANKS || PATTERNS.contains(&source) || DEEPSEEK.contains(&source)
}

/// A tokenizer that a fast engine may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// Where documents may be cut.
    pub(super) cuts: Option<Cuts>,
}

/// An entry of `added_tokens`.
pub(super) struct AddedToken<'a> {
    pub(super) content: &'a str,
    strips: bool,
}

/// The tokens that are found in the text before the model sees it.
pub(super) fn added_tokens(json: &Value) -> impl Iterator<Item = AddedToken<'_>> {
    json.get("added_tokens").and_then(Value::as_array).into_iter().flatten().filter_map(|token| {
        let strips = ["lstrip", "rstrip"].iter().any(|key| token[*key] == true);
        Some(AddedToken { content: token.get("content")?.as_str()?, strips })
    })
}

/// None when no fast engine knows all of it.
pub(super) fn of(json: &Value) -> Option<Shape> {
    let parts = ["version", "added_tokens", "normalizer", "pre_tokenizer", "model"];
    let ignored = ["truncation", "padding", "post_processor", "decoder"];
    let fields = ["id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"];
    let tokens = json.get("added_tokens").and_then(Value::as_array);
    let is_known = has_only(json, &[parts.as_slice(), &ignored].concat())
        && tokens.into_iter().flatten().all(|token| has_only(token, &fields));
    if !is_known {
        return None;
    }
    let shape = match json.pointer("/model/type")?.as_str()? {
        "BPE" => bpe(json),
        "WordPiece" => word_piece(json),
        "Unigram" => unigram(json),
        _ => None,
    }?;
    let spans = |cuts: Cuts| added_tokens(json).any(|token| token.strips || spans_cut(token.content, cuts));
    Some(Shape { cuts: shape.cuts.filter(|cuts| !spans(*cuts)), ..shape })
}

fn bpe(json: &Value) -> Option<Shape> {
    let model = json.get("model")?;
    let affixes = ["continuing_subword_prefix", "end_of_word_suffix"];
    let fields = ["type", "dropout", "unk_token", "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"];
    let is_empty = |value: &Value| value.is_null() || value == "";
    let is_plain = has_only(model, &[fields.as_slice(), &affixes].concat())
        && model["dropout"].is_null()
        && affixes.iter().all(|affix| is_empty(&model[*affix]));
    if !is_plain {
        return None;
    }
    let (normalizers, splits) = (steps(&json["normalizer"]), steps(&json["pre_tokenizer"]));
    if is_byte_level(&splits) {
        let is_known = normalizers.iter().all(|step| has_only(step, &["type"]) && step["type"] == "NFC");
        let has_bytes = model["byte_fallback"] != true && is_empty(&model["unk_token"]);
        return (is_known && has_bytes).then_some(Shape { kind: Kind::ByteLevelBpe, cuts: Some(Cuts::Words) });
    }
    let prepends = normalizers.iter().any(|step| step["type"] == "Prepend");
    let is_known = normalizers.iter().all(|step| match step["type"].as_str() {
        Some("Prepend") => has_only(step, &["type", "prepend"]),
        _ => is_replace(step, |pattern| has_only(pattern, &["String"]) && pattern["String"] == " "),
    });
    let is_whole = match &splits[..] {
        [] => true,
        // Where spaces are replaced before, this cuts nothing.
        [split] => {
            let pattern = serde_json::json!({"String": " "});
            is_split(split) && split["pattern"] == pattern && split["behavior"] == "MergedWithPrevious"
        }
        _ => false,
    };
    let spans_lines = || model["vocab"].as_object().into_iter().flatten().any(|(token, _)| spans_line(token));
    (is_known && is_whole && model["byte_fallback"] == true).then(|| Shape {
        kind: Kind::SentencePieceBpe,
        cuts: (!prepends && model["ignore_merges"] != true && !spans_lines()).then_some(Cuts::Lines),
    })
}

/// Splits by a known pattern, then the bytes as characters; or GPT-2's, which is both in one.
fn is_byte_level(splits: &[&Value]) -> bool {
    let Some((last, splits)) = splits.split_last() else { return false };
    let fields = ["type", "add_prefix_space", "trim_offsets", "use_regex"];
    if last["type"] != "ByteLevel" || !has_only(last, &fields) || last["add_prefix_space"] != false {
        return false;
    }
    let source = |split: &Value| split["pattern"]["Regex"].as_str().unwrap_or_default().to_owned();
    // Nothing lies between the matches of these patterns: to keep only them is the same as to cut around them.
    let isolates = |split: &Value| split["behavior"] == "Isolated" && split["invert"] != true;
    let keeps = |split: &Value| isolates(split) || (split["behavior"] == "Removed" && split["invert"] == true);
    match splits {
        [] => last["use_regex"] != false,
        [split] => {
            last["use_regex"] == false && is_split(split) && keeps(split) && PATTERNS.contains(&source(split).as_str())
        }
        _ => {
            let all_known = splits.iter().all(|split| is_split(split) && isolates(split));
            last["use_regex"] == false && all_known && splits.iter().map(|split| source(split)).eq(DEEPSEEK)
        }
    }
}

fn word_piece(json: &Value) -> Option<Shape> {
    let fields = ["type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"];
    let switches = ["type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"];
    let (normalizer, splits) = (json.get("normalizer")?, json.get("pre_tokenizer")?);
    let is_known = has_only(json.get("model")?, &fields)
        && normalizer["type"] == "BertNormalizer"
        && has_only(normalizer, &switches)
        && splits["type"] == "BertPreTokenizer"
        && has_only(splits, &["type"]);
    is_known.then_some(Shape { kind: Kind::WordPiece, cuts: Some(Cuts::Words) })
}

fn unigram(json: &Value) -> Option<Shape> {
    let is_blanks = |pattern: &Value| has_only(pattern, &["Regex"]) && pattern["Regex"] == BLANKS;
    let is_normalizer = |step: &&Value| match step["type"].as_str() {
        Some("Precompiled") => has_only(step, &["type", "precompiled_charsmap"]),
        Some("Strip") => has_only(step, &["type", "strip_left", "strip_right"]),
        Some("NFKC" | "NFKD" | "NFC" | "NFD" | "Lowercase" | "StripAccents") => has_only(step, &["type"]),
        _ => is_replace(step, |pattern| has_only(pattern, &["String"]) || is_blanks(pattern)),
    };
    let is_split = |step: &&Value| match step["type"].as_str() {
        Some("WhitespaceSplit") => has_only(step, &["type"]),
        Some("Metaspace") => has_only(step, &["type", "replacement", "prepend_scheme", "split", "add_prefix_space"]),
        _ => false,
    };
    let is_known = has_only(json.get("model")?, &["type", "unk_id", "vocab", "byte_fallback"])
        && steps(&json["normalizer"]).iter().all(is_normalizer)
        && steps(&json["pre_tokenizer"]).iter().all(is_split);
    is_known.then_some(Shape { kind: Kind::Unigram, cuts: None })
}

fn is_split(step: &Value) -> bool {
    step["type"] == "Split" && has_only(step, &["type", "pattern", "behavior", "invert"])
}

fn is_replace(step: &Value, is_pattern: impl Fn(&Value) -> bool) -> bool {
    let is_known = step["type"] == "Replace" && has_only(step, &["type", "pattern", "content"]);
    is_known && is_pattern(&step["pattern"]) && step["content"].is_string()
}

/// Whether a cut after a line could fall inside the token.
fn spans_line(token: &str) -> bool {
    token.as_bytes().windows(2).any(|pair| pair[0] == b'\n' && pair[1].is_ascii_alphabetic())
}

/// Whether an added token may be found across a cut: of those with spaces, only runs of them are not.
fn spans_cut(token: &str, cuts: Cuts) -> bool {
    let is_run = token.len() > 1 && token.bytes().all(|byte| byte == b' ');
    token.contains('\n') || (cuts == Cuts::Words && token.contains(' ') && !is_run)
}

fn has_only(value: &Value, keys: &[&str]) -> bool {
    value.as_object().is_some_and(|fields| fields.keys().all(|key| keys.contains(&key.as_str())))
}

/// The steps of a normaliser or pre-tokenizer, those of sequences in their place.
fn steps(part: &Value) -> Vec<&Value> {
    if part.is_null() {
        return Vec::new();
    }
    let inner = ["normalizers", "pretokenizers"].iter().find_map(|key| part.get(key)?.as_array());
    match inner {
        Some(inner) if has_only(part, &["type", "normalizers", "pretokenizers"]) && part["type"] == "Sequence" => {
            inner.iter().flat_map(steps).collect()
        }
        _ => vec![part],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gpt2() -> Value {
        json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "decoder": null,
            "added_tokens": [{"id": 2, "content": "<|end|>", "special": true}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "vocab": {"a": 0, "b": 1}, "merges": []},
        })
    }

    #[test]
    fn what_is_not_named_is_not_known() {
        let known = Some(Shape { kind: Kind::ByteLevelBpe, cuts: Some(Cuts::Words) });
        assert_eq!(of(&gpt2()), known);
        let change = |at: &str, value: Value| {
            let mut json = gpt2();
            let (parent, key) = at.rsplit_once('/').unwrap();
            json.pointer_mut(parent).unwrap()[key] = value;
            of(&json)
        };
        assert_eq!(change("/normalizer", json!({"type": "NFC"})), known);
        assert_eq!(change("/normalizer", json!({"type": "Sequence", "normalizers": []})), known);
        let unknown = [
            ("/novelty", json!(1)),
            ("/added_tokens/0/novelty", json!(true)),
            ("/model/novelty", json!(0)),
            ("/model/type", json!("Novel")),
            ("/model/end_of_word_suffix", json!("</w>")),
            ("/model/dropout", json!(0.1)),
            ("/normalizer", json!({"type": "NFKC"})),
            ("/normalizer", json!({"type": "NFC", "novelty": 1})),
            ("/pre_tokenizer/add_prefix_space", json!(true)),
            ("/pre_tokenizer/use_regex", json!(false)),
            ("/pre_tokenizer", json!({"type": "Whitespace"})),
        ];
        for (at, value) in unknown {
            let used = change(at, value.clone());
            // Bytes without a pre-tokenizer are known to nobody.
            assert_eq!(used, None, "{at} = {value}");
        }
        let uncut = Some(Shape { kind: Kind::ByteLevelBpe, cuts: None });
        assert_eq!(change("/added_tokens/0/lstrip", json!(true)), uncut);
        for (token, expected) in [("a b", uncut), (" ", uncut), ("a\nb", uncut), ("    ", known), ("<a>", known)] {
            assert_eq!(change("/added_tokens/0/content", json!(token)), expected, "{token:?}");
        }
    }

    #[test]
    fn patterns_are_known_by_their_text() {
        let split = |pattern: &str| {
            let split =
                json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
            let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false});
            let mut json = gpt2();
            json["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [split, bytes]});
            of(&json).is_some()
        };
        assert!(PATTERNS.iter().all(|pattern| split(pattern)));
        assert!(!split(r"\s+") && !split(""));
    }
}
