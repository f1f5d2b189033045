//! What stands beside a `tokenizer.json`: which tokens have a role, and the chat template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The end of the keys that name tokens.
const SUFFIX: &str = "_token";

/// Special tokens by role, as `tokenizer_config.json` and the files beside it name them, and the chat template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialNames {
    /// Texts by role: `bos`, `eos`, `pad`, `unk`, and whatever else ends with `_token` there.
    pub tokens: BTreeMap<String, String>,
    /// By role, as the model's `config.json` has them. They are no text for a template.
    pub ids: BTreeMap<String, u32>,
    /// Roles that no token is to have: `null` stands there.
    pub without: BTreeSet<String>,
    pub chat_template: Option<String>,
}

impl SpecialNames {
    /// Reads `tokenizer_config.json` or `special_tokens_map.json`. What is not as expected is absent: the file only adds names.
    pub fn from_config(json: &[u8]) -> Self {
        let config: Value = serde_json::from_slice(json).unwrap_or_default();
        let named = |(key, value): (&String, &Value)| {
            let text = value.as_str().or_else(|| value.get("content")?.as_str())?;
            Some((key.strip_suffix(SUFFIX)?.to_owned(), text.to_owned()))
        };
        let without = |(key, value): (&String, &Value)| {
            value.is_null().then(|| key.strip_suffix(SUFFIX).map(str::to_owned)).flatten()
        };
        Self {
            tokens: config.as_object().into_iter().flatten().filter_map(named).collect(),
            ids: BTreeMap::new(),
            without: config.as_object().into_iter().flatten().filter_map(without).collect(),
            chat_template: config.get("chat_template").and_then(chat_template),
        }
    }

    /// Reads the model's `config.json`, which is all that some repositories say. Of several ids the first counts.
    pub fn from_model_config(json: &[u8]) -> Self {
        let config: Value = serde_json::from_slice(json).unwrap_or_default();
        let id = |role: &str| {
            let named = config.get(format!("{role}_token_id"))?;
            let id = named.as_u64().or_else(|| named.get(0)?.as_u64())?;
            Some((role.to_owned(), u32::try_from(id).ok()?))
        };
        Self { ids: ["bos", "eos", "pad"].into_iter().filter_map(id).collect(), ..Self::default() }
    }

    /// What this says, and where it says nothing the other.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        let Self { tokens, ids, without, chat_template } = other;
        for (role, text) in tokens {
            self.tokens.entry(role).or_insert(text);
        }
        for (role, id) in ids {
            self.ids.entry(role).or_insert(id);
        }
        self.without.extend(without);
        Self { chat_template: self.chat_template.or(chat_template), ..self }
    }

    /// The text of the token with a role.
    pub fn token(&self, role: &str) -> Option<&str> {
        self.tokens.get(role).map(String::as_str)
    }

    /// The id of the token with a role, for a role without a text that may have one.
    pub fn id(&self, role: &str) -> Option<u32> {
        let is_open = self.token(role).is_none() && !self.without.contains(role);
        self.ids.get(role).copied().filter(|_| is_open)
    }
}

/// The template, or of several with names the one that is meant when none is named.
fn chat_template(value: &Value) -> Option<String> {
    let default = |named: &&Value| named.get("name").and_then(Value::as_str) == Some("default");
    let text = match value {
        Value::Array(several) => several.iter().find(default)?.get("template")?,
        Value::Object(several) => several.get("default")?,
        one => one,
    };
    text.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_as_text_or_as_objects() {
        let config = br#"{"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null,
            "image_token": "<img>", "add_bos_token": true, "chat_template": "{{ x }}", "model_max_length": 1e30}"#;
        let names = SpecialNames::from_config(config);
        let tokens = [("bos", "<s>"), ("eos", "</s>"), ("image", "<img>")];
        assert_eq!(names.tokens, tokens.map(|(role, text)| (role.to_owned(), text.to_owned())).into());
        assert_eq!((names.token("eos"), names.token("pad")), (Some("</s>"), None));
        assert_eq!(names.chat_template.as_deref(), Some("{{ x }}"));
        assert_eq!(SpecialNames::from_config(b"nonsense"), SpecialNames::default());
    }

    #[test]
    fn what_one_file_does_not_say_another_may() {
        let config = SpecialNames::from_config(br#"{"eos_token": "</s>", "unk_token": null}"#);
        let map = SpecialNames::from_config(br#"{"eos_token": "<end>", "pad_token": {"content": "<pad>"}}"#);
        let model =
            SpecialNames::from_model_config(br#"{"eos_token_id": 9, "bos_token_id": [7, 8], "pad_token_id": null}"#);
        let names = config.or(map).or(model);
        assert_eq!((names.token("eos"), names.token("pad"), names.token("bos")), (Some("</s>"), Some("<pad>"), None));
        assert_eq!((names.id("bos"), names.id("eos"), names.id("pad")), (Some(7), None, None), "a text comes first");
        let denied = SpecialNames::from_config(br#"{"bos_token": null}"#);
        assert_eq!(denied.or(SpecialNames::from_model_config(br#"{"bos_token_id": 7}"#)).id("bos"), None);
    }

    #[test]
    fn of_several_templates_the_default_one_is_meant() {
        let of = |json: &str| SpecialNames::from_config(json.as_bytes()).chat_template;
        let both =
            r#"{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}"#;
        assert_eq!(of(both).as_deref(), Some("d"));
        assert_eq!(of(r#"{"chat_template": {"default": "d", "rag": "r"}}"#).as_deref(), Some("d"));
        assert_eq!(of(r#"{"chat_template": [{"name": "rag", "template": "r"}]}"#), None);
        assert_eq!(of(r#"{"chat_template": null}"#), None);
    }
}
