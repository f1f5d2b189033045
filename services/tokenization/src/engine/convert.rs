//! A `tokenizer.json` for a repository that has none: made of `vocab.json` with `merges.txt`, or of `vocab.txt`.
//!
//! The same steps, in the same library, as the class of `transformers` (5.23) takes that the repository names: a model of
//! the vocabulary, what is [known of the class](class), and then its added tokens, in the order in which that class adds
//! them, as their ids follow from it. What would need a guess is refused: other classes, files that contradict each
//! other, tokens that take the blanks around them, ids that come out otherwise than a file says.

mod class;
mod given;

use serde_json::{Map, Value, json};
use tokenizers::AddedToken;

use super::limits;
use super::parse::{self, MAX_VOCABULARY, TokenizerError};
use class::Class;
use given::Given;

// What a repository without a `tokenizer.json` may have instead, beside what others have too.
pub const VOCAB_JSON: &str = "vocab.json";
pub const MERGES: &str = "merges.txt";
pub const VOCAB_TEXT: &str = "vocab.txt";
pub const ADDED_TOKENS: &str = "added_tokens.json";

/// Why no `tokenizer.json` is made of the files.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("neither tokenizer_config.json nor config.json says which kind of tokenizer it is")]
    NoClass,
    #[error("tokenizers of the kind `{class}` cannot be converted")]
    Class { class: String },
    #[error("tokenizer_config.json and config.json mean different tokenizers: `{class}` and `{model}`")]
    Contradiction { class: String, model: String },
    #[error("{file} is missing")]
    Missing { file: &'static str },
    #[error("{file} cannot be read: {message}")]
    Malformed { file: &'static str, message: String },
    /// Something about a token.
    #[error("its token `{token}` {what}")]
    Token { token: String, what: &'static str },
    #[error("the tokenizer library refuses it: {message}")]
    Library { message: String },
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// What `save_pretrained` would have written.
#[derive(Debug)]
pub struct Converted {
    pub tokenizer_json: Vec<u8>,
    /// The tokens with a role, those that the class gives of itself too.
    pub special_tokens_map: Vec<u8>,
}

/// Makes it of the files that `file` has.
pub fn convert<'a>(file: impl Fn(&str) -> Option<&'a [u8]>) -> Result<Converted, ConvertError> {
    let given = Given::read(&file)?;
    let class = Class::of(&given)?;
    let names = given.names(class)?;
    let json = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": class.normalizer(&given),
        "pre_tokenizer": class.pre_tokenizer(&given),
        "post_processor": null,
        "decoder": class.decoder(),
        "model": model(class, &names, &file)?,
    });
    let refused = |error: tokenizers::Error| ConvertError::Library { message: error.to_string() };
    let mut tokenizer = parse::library(json.to_string().as_bytes())?;
    for tokens in [given.added(&names)?, given.special(&names)?] {
        tokenizer.add_tokens(tokens).map_err(refused)?;
    }
    for (token, id) in &given.ids {
        if tokenizer.token_to_id(token) != Some(*id) {
            return Err(ConvertError::Token { token: token.clone(), what: "gets another id than the files say" });
        }
    }
    let id = |token: &str| tokenizer.token_to_id(token);
    if let Some(template) = class.post_processor(&given, &names, id) {
        let template: tokenizers::PostProcessorWrapper =
            serde_json::from_value(template).map_err(|error| ConvertError::Library { message: error.to_string() })?;
        tokenizer.with_post_processor(Some(template));
    }
    let tokenizer_json = tokenizer.to_string(false).map_err(refused)?.into_bytes();
    let map: Map<String, Value> = names.iter().map(|(role, token)| ((*role).to_owned(), json!(token))).collect();
    Ok(Converted { tokenizer_json, special_tokens_map: Value::Object(map).to_string().into_bytes() })
}

/// The model as `tokenizer.json` has it.
fn model<'a>(
    class: Class,
    names: &given::Names,
    file: &impl Fn(&str) -> Option<&'a [u8]>,
) -> Result<Value, ConvertError> {
    let text = |name: &'static str| {
        let bytes = file(name).ok_or(ConvertError::Missing { file: name })?;
        std::str::from_utf8(bytes).map_err(|error| ConvertError::Malformed { file: name, message: error.to_string() })
    };
    // A line, or an entry, takes many times its text once it is read: counted before, as what they become is counted.
    let lines = |name: &'static str, what: &'static str| {
        let (text, limit) = (text(name)?, u64::from(MAX_VOCABULARY));
        let found = text.lines().count() as u64;
        if found > limit {
            return Err(ConvertError::from(TokenizerError::TooMuch { what, found, limit }));
        }
        Ok(text.lines())
    };
    if class == Class::Bert {
        // A token that stands twice has the later id.
        let vocab: Map<String, Value> = lines(VOCAB_TEXT, "the number of lines of vocab.txt")?
            .zip(0_u32..)
            .map(|(line, id)| (line.trim_end().to_owned(), json!(id)))
            .collect();
        let unk = names.get("unk_token");
        return Ok(json!({"type": "WordPiece", "unk_token": unk, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab}));
    }
    let malformed = |file, message: String| ConvertError::Malformed { file, message };
    let vocab = text(VOCAB_JSON)?;
    limits::check(format!(r#"{{"vocab":{vocab}}}"#).as_bytes())?;
    let vocab: Map<String, Value> =
        serde_json::from_str(vocab).map_err(|error| malformed(VOCAB_JSON, error.to_string()))?;
    let lines =
        lines(MERGES, "the number of lines of merges.txt")?.zip(1..).filter(|(line, _)| !line.starts_with("#version"));
    let pair = |(line, number): (&str, u32)| {
        let two = line.split_once(' ').filter(|(_, right)| !right.contains(' '));
        two.map(|(left, right)| json!([left, right]))
            .ok_or_else(|| malformed(MERGES, format!("line {number} is not two tokens with a space between")))
    };
    let merges = lines.map(pair).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"type": "BPE", "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
        "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges}))
}

/// A token that is added as a special one.
fn special(token: &str) -> AddedToken {
    AddedToken::from(token, true)
}
