//! What a fast engine knows of `tokenizer.json`: a tokenizer with any other construct, field or pattern is not its own.
//!
//! Engines read past what they do not know, and then encode something else; so everything is named here.

use fastokens::tiktoken::{
    CL100K_BASE_PATTERN, DEEPSEEK_SPLIT1_PATTERN, DEEPSEEK_SPLIT2_PATTERN, DEEPSEEK_SPLIT3_PATTERN, O200K_BASE_PATTERN,
    QWEN2_PATTERN, TEKKEN_PATTERN,
};
use serde_json::Value;

use super::Kind;
use super::cuts::{Cuts, Space};
use super::parts::{self, Parts};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// How texts fall into words, if they do.
    pub(super) cuts: Option<Cuts>,
}

/// An entry of `added_tokens`.
pub(super) struct AddedToken<'a> {
    pub(super) content: &'a str,
    strips: bool,
    single_word: bool,
}

impl AddedToken<'_> {
    pub(super) fn has_blank(&self) -> bool {
        self.content.bytes().any(|byte| byte.is_ascii_whitespace())
    }
}

/// The tokens that are found in the text before the model sees it.
pub(super) fn added_tokens(json: &Value) -> impl Iterator<Item = AddedToken<'_>> {
    json.get("added_tokens").and_then(Value::as_array).into_iter().flatten().filter_map(|token| {
        let strips = ["lstrip", "rstrip"].iter().any(|key| token[*key] == true);
        let single_word = token["single_word"] == true;
        Some(AddedToken { content: token.get("content")?.as_str()?, strips, single_word })
    })
}

/// All texts that are looked for before the model sees anything: added tokens, and what a normaliser replaces.
pub(super) fn found_first(json: &Value) -> impl Iterator<Item = &str> {
    let replaced = steps(&json["normalizer"]).into_iter().filter_map(|step| step["pattern"]["String"].as_str());
    added_tokens(json).map(|token| token.content).chain(replaced.filter(|pattern| *pattern != " "))
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
    let cuts = shape.cuts.and_then(|cuts| added_tokens(json).try_fold(cuts, |cuts, token| around(cuts, &token)));
    Some(Shape { cuts, ..shape })
}

/// What is left of the cuts when none may part an added token, or change which is found; none when that is not sure.
fn around(mut cuts: Cuts, token: &AddedToken<'_>) -> Option<Cuts> {
    let bytes = token.content.as_bytes();
    // Runs of spaces have no place where words are cut, which is at single ones.
    let is_run = bytes.len() > 1 && bytes.iter().all(|byte| *byte == b' ');
    let strips = token.strips || (bytes.contains(&b' ') && !is_run);
    if spans_line(token.content) {
        cuts.not_after_lines();
    }
    if cuts.drop_spaces() {
        // A space beside an added token begins or ends a text of its own, and is more than a mark between words.
        cuts.not_before(*bytes.first()?);
        cuts.not_after(*bytes.last()?);
    }
    // One that is looked for between other words may not be seen without these.
    if token.single_word {
        cuts = cuts.with_parts(Parts::none());
    } else if cuts.space() == Space::Marked {
        // What follows it is a text of its own, which has a mark.
        cuts.leave_alone(token.content);
    } else {
        cuts.hold_together(token.content);
    }
    if token.has_blank() {
        cuts = cuts.with_runs(false);
    }
    (!strips).then_some(cuts)
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
        // No known pattern has whitespace after anything else but newlines, nor looks ahead of anything but whitespace.
        let cuts = Some(Cuts::new(Space::Kept, true));
        return (is_known && has_bytes).then_some(Shape { kind: Kind::ByteLevelBpe, cuts });
    }
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
    (is_known && is_whole && model["byte_fallback"] == true)
        .then(|| Shape { kind: Kind::SentencePieceBpe, cuts: sentence_cuts(model, &normalizers) })
}

/// Where no token of the vocabulary reaches across, merges on one side do not depend on the other.
fn sentence_cuts(model: &Value, normalizers: &[&Value]) -> Option<Cuts> {
    let prepends: Vec<&Value> = normalizers.iter().filter_map(|step| step.get("prepend")).collect();
    let blanks: Vec<&str> = normalizers.iter().filter_map(|step| step.get("content")?.as_str()).collect();
    let ([blank], vocabulary) = (&blanks[..], model["vocab"].as_object()?) else { return None };
    // The space that was dropped before a word is put there again.
    let cuts = match prepends[..] {
        [] => Cuts::new(Space::Kept, true),
        [prepended] if prepended == blank => Cuts::new(Space::Marked, false),
        _ => return None,
    };
    if model["ignore_merges"] == true || !vocabulary.contains_key(*blank) {
        return None;
    }
    // Bytes that are joined again to one token would be neither characters nor bytes.
    let is_joined = |token: &String| token.len() > "<0x00>".len() && token.contains("<0x");
    let tokens: Vec<String> = vocabulary.keys().map(|token| token.replace(blank, " ")).collect();
    let parts = || Parts::outside(tokens.iter().map(String::as_str));
    let mut cuts = cuts.with_parts(if tokens.iter().any(is_joined) { Parts::none() } else { parts() });
    for token in vocabulary.keys() {
        if spans_line(token) {
            cuts.not_after_lines();
        }
        for before in [blank, " "].iter().flat_map(|blank| token.match_indices(*blank)).map(|(at, _)| at) {
            token.as_bytes()[..before].last().into_iter().for_each(|last| cuts.not_after(*last));
        }
    }
    Some(cuts)
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
    // Whitespace parts words and is forgotten; punctuation is a word by itself.
    let cuts = || Cuts::new(Space::Forgotten, true).with_runs(true).with_parts(Parts::around_punctuation());
    is_known.then(|| Shape { kind: Kind::WordPiece, cuts: Some(cuts()) })
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
    let splits = steps(&json["pre_tokenizer"]);
    let is_known = has_only(json.get("model")?, &["type", "unk_id", "vocab", "byte_fallback"])
        && steps(&json["normalizer"]).iter().all(is_normalizer)
        && splits.iter().all(is_split);
    // A word is a pre-token by itself, and gets the mark that stands for the space before it, like a text.
    let marks = |step: &&Value| {
        let has_mark = matches!(step["prepend_scheme"].as_str(), Some("always" | "first"));
        step["type"] == "Metaspace" && has_mark && step["split"] != false
    };
    let joins = |step: &&Value| step["pattern"]["String"].as_str().is_some_and(|pattern| pattern.contains(' '));
    let is_cut = splits.last().is_some_and(marks) && !steps(&json["normalizer"]).iter().any(joins);
    let cuts =
        is_cut.then(|| Cuts::new(Space::Marked, false).with_parts_up_to(parts::LONGEST_SCORED, unigram_parts(json)));
    is_known.then_some(Shape { kind: Kind::Unigram, cuts })
}

fn unigram_parts(json: &Value) -> Parts {
    let pieces = json.pointer("/model/vocab").and_then(Value::as_array);
    let mut parts = pieces.map_or_else(Parts::none, |pieces| Parts::outside_scored(pieces));
    // What is put in the place of a pattern may be a piece with what is beside it.
    let replaced = steps(&json["normalizer"]).into_iter().filter_map(|step| step["pattern"]["String"].as_str());
    replaced.for_each(|pattern| parts.leave_alone(pattern));
    parts
}

fn is_split(step: &Value) -> bool {
    step["type"] == "Split" && has_only(step, &["type", "pattern", "behavior", "invert"])
}

fn is_replace(step: &Value, is_pattern: impl Fn(&Value) -> bool) -> bool {
    let is_known = step["type"] == "Replace" && has_only(step, &["type", "pattern", "content"]);
    is_known && is_pattern(&step["pattern"]) && step["content"].is_string()
}

/// Whether a cut after a line would fall inside the token.
fn spans_line(token: &str) -> bool {
    token.as_bytes().windows(2).any(|pair| pair[0] == b'\n' && pair[1].is_ascii_alphabetic())
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
        let known = Some(Shape { kind: Kind::ByteLevelBpe, cuts: Some(Cuts::new(Space::Kept, true)) });
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
        let unlined = Some(Shape { kind: Kind::ByteLevelBpe, cuts: Some(Cuts::new(Space::Kept, false)) });
        assert_eq!(change("/added_tokens/0/lstrip", json!(true)), uncut);
        for (token, expected) in
            [("a b", uncut.clone()), (" ", uncut), ("a\nb", unlined), ("    ", known.clone()), ("<a>", known)]
        {
            assert_eq!(change("/added_tokens/0/content", json!(token)), expected, "{token:?}");
        }
    }

    #[test]
    fn spaces_inside_tokens_hold_words_together() {
        let cuts = |normalizers: Value, vocab: Value, added: &str| {
            let mut json = gpt2();
            json["pre_tokenizer"] = Value::Null;
            json["normalizer"] = json!({"type": "Sequence", "normalizers": normalizers});
            json["added_tokens"][0]["content"] = json!(added);
            json["model"]["byte_fallback"] = json!(true);
            json["model"]["vocab"] = vocab;
            of(&json).unwrap().cuts
        };
        let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        let mut kept = Cuts::new(Space::Kept, true);
        assert_eq!(cuts(json!([replace]), json!({"▁": 0, "▁▁": 1, "▁a": 2}), "<s>"), Some(kept.clone()));
        kept.not_after(b'>');
        kept.not_after_lines();
        let kept = kept.with_parts(Parts::outside([" ", "a> </", "\nb"].into_iter()));
        assert_eq!(cuts(json!([replace]), json!({"▁": 0, "a>▁</": 1, "\nb": 2}), "<s>"), Some(kept));
        // Only where the mark is a token do two unknown characters never become one token across it.
        assert_eq!(cuts(json!([replace]), json!({"▁▁": 1}), "<s>"), None);
        assert_eq!(cuts(json!([]), json!({"▁": 1}), "<s>"), None);
        let mut dropped = Cuts::new(Space::Marked, false);
        dropped.not_before(b'[');
        dropped.not_after(b']');
        let dropped = dropped.with_parts(Parts::outside([" "].into_iter()));
        let prepend = |mark: &str| json!([{"type": "Prepend", "prepend": mark}, replace]);
        assert_eq!(cuts(prepend("▁"), json!({"▁": 0}), "[s]"), Some(dropped));
        assert_eq!(cuts(prepend("_"), json!({"▁": 0}), "[s]"), None);
    }

    #[test]
    fn words_of_unigram_get_their_mark_back() {
        let cuts = |scheme: &str, replaced: &str| {
            let mut json = gpt2();
            json["normalizer"] = json!({"type": "Replace", "pattern": {"String": replaced}, "content": "\""});
            json["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme});
            json["model"] = json!({"type": "Unigram", "unk_id": 0, "vocab": []});
            of(&json).unwrap().cuts.is_some()
        };
        assert!(cuts("always", "``") && cuts("first", "''"));
        assert!(!cuts("never", "``") && !cuts("always", "' '"));
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
