//! What the files beside a vocabulary say of its tokens.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use super::class::Class;
use super::{ADDED_TOKENS, ConvertError, special};

/// The roles in the order in which their tokens are added.
const ROLES: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Tokens by role.
pub(super) type Names = BTreeMap<&'static str, String>;

pub(super) struct Given {
    config: Map<String, Value>,
    /// `special_tokens_map.json`, which does not count beside `added_tokens_decoder`.
    special: Map<String, Value>,
    /// Of `config.json`.
    pub(super) model_type: Option<String>,
    /// Added tokens in the order of their ids, of `added_tokens_decoder` or `added_tokens.json`.
    listed: Vec<Listed>,
    /// The id of each of these.
    pub(super) ids: BTreeMap<String, u32>,
}

struct Listed {
    content: String,
    /// What `added_tokens_decoder` says besides; the other file has only ids.
    flags: Option<Map<String, Value>>,
}

impl Given {
    pub(super) fn read<'a>(file: &impl Fn(&str) -> Option<&'a [u8]>) -> Result<Self, ConvertError> {
        let object = |name: &'static str| -> Result<Map<String, Value>, ConvertError> {
            let Some(bytes) = file(name) else { return Ok(Map::new()) };
            serde_json::from_slice(bytes)
                .map_err(|error| ConvertError::Malformed { file: name, message: error.to_string() })
        };
        let mut config = object("tokenizer_config.json")?;
        let mut special = object("special_tokens_map.json")?;
        let mut by_id = BTreeMap::new();
        if let Some(decoder) = config.remove("added_tokens_decoder") {
            special.clear();
            for (id, token) in decoder.as_object().into_iter().flatten() {
                let (Ok(id), Value::Object(flags)) = (id.parse::<u32>(), token) else { return Err(unclear(id)) };
                let content = flags.get("content").and_then(Value::as_str).ok_or_else(|| unclear(&id.to_string()))?;
                by_id.insert(id, Listed { content: content.to_owned(), flags: Some(flags.clone()) });
            }
        } else {
            for (content, id) in object(ADDED_TOKENS)? {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| unclear(&content))?;
                by_id.insert(id, Listed { content, flags: None });
            }
        }
        let ids = by_id.iter().map(|(id, token)| (token.content.clone(), *id)).collect();
        let model_type = object("config.json")?.get("model_type").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { config, special, model_type, listed: by_id.into_values().collect(), ids })
    }

    /// A setting of `tokenizer_config.json`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.config.get(key)?.as_bool()
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key)?.as_str()
    }

    /// What a file says of a role or of other special tokens; what `special_tokens_map.json` says comes first.
    fn said(&self, key: &str) -> Option<&Value> {
        self.special.get(key).or_else(|| self.config.get(key))
    }

    /// The tokens with a role, as the files or else the class have them; `null` stands for none.
    pub(super) fn names(&self, class: Class) -> Result<Names, ConvertError> {
        let mut names = Names::new();
        for role in ROLES {
            let default = class.defaults().iter().find(|(of, _)| *of == role).map(|(_, token)| (*token).to_owned());
            let token = match self.said(role) {
                None => default,
                Some(Value::Null) => None,
                Some(value) => Some(self.plain(value)?),
            };
            names.extend(token.map(|token| (role, token)));
        }
        Ok(names)
    }

    /// The text of a special token. Nothing else may be said of it, but by `added_tokens_decoder`, which counts then.
    fn plain(&self, value: &Value) -> Result<String, ConvertError> {
        let content = value.as_str().or_else(|| value.get("content")?.as_str());
        let content = content.ok_or_else(|| unclear(&value.to_string()))?.to_owned();
        let is_set = |flag: &str| value.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let is_listed = self.listed.iter().any(|token| token.content == content && token.flags.is_some());
        if !is_listed && ["lstrip", "rstrip", "single_word"].into_iter().any(is_set) {
            return Err(ConvertError::Token { token: content, what: "takes what is around it" });
        }
        Ok(content)
    }

    /// The tokens that are added first: those with an id, those with a role, and other special ones.
    pub(super) fn added(&self, names: &Names) -> Result<Vec<AddedToken>, ConvertError> {
        let is_named = |content: &str| names.values().any(|name| name == content);
        // The class's own names are not known when `added_tokens.json` is read.
        let is_said = |content: &str| {
            ROLES
                .iter()
                .filter_map(|role| self.said(role))
                .any(|value| self.plain(value).is_ok_and(|said| said == content))
                || self.others().is_ok_and(|others| others.iter().any(|other| other == content))
        };
        let mut added = Vec::new();
        for Listed { content, flags } in &self.listed {
            let token = match flags {
                Some(flags) => {
                    let flag = |key: &str| flags.get(key).and_then(Value::as_bool);
                    let is_special = flag("special").unwrap_or(false);
                    AddedToken::from(content.clone(), is_special || is_named(content))
                        .lstrip(flag("lstrip").unwrap_or(false))
                        .rstrip(flag("rstrip").unwrap_or(false))
                        .single_word(flag("single_word").unwrap_or(false))
                        .normalized(flag("normalized").unwrap_or(!is_special))
                }
                None => AddedToken::from(content.clone(), is_said(content) || is_named(content))
                    .normalized(!is_said(content)),
            };
            added.push(token);
        }
        let others = self.others()?;
        for content in ROLES.iter().filter_map(|role| names.get(role)).chain(&others) {
            if !added.iter().any(|token| token.content == *content) {
                added.push(special(content));
            }
        }
        Ok(added)
    }

    /// Those that are added once more at the end: as they were listed, else as special ones.
    pub(super) fn special(&self, names: &Names) -> Result<Vec<AddedToken>, ConvertError> {
        let others = self.others()?;
        let all = ROLES.iter().filter_map(|role| names.get(role)).chain(&others);
        Ok(all
            .filter(|content| !self.listed.iter().any(|token| token.content == **content))
            .map(|c| special(c))
            .collect())
    }

    /// Special tokens without a role.
    fn others(&self) -> Result<Vec<String>, ConvertError> {
        let mut others = Vec::new();
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            match self.said(key) {
                None | Some(Value::Null) => {}
                Some(Value::Array(tokens)) => {
                    for token in tokens {
                        others.push(self.plain(token)?);
                    }
                }
                Some(other) => return Err(unclear(&other.to_string())),
            }
        }
        Ok(others)
    }
}

fn unclear(token: &str) -> ConvertError {
    ConvertError::Token { token: token.to_owned(), what: "is not said clearly" }
}
