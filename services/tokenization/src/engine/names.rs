//! What stands beside a `tokenizer.json`: which tokens have a role, and the chat template.

use std::collections::BTreeMap;

use serde_json::Value;

/// The end of the keys that name tokens.
const SUFFIX: &str = "_token";

/// Special tokens by role, as `tokenizer_config.json` names them, and the chat template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialNames {
    /// Texts by role: `bos`, `eos`, `pad`, `unk`, and whatever else ends with `_token` there.
    pub tokens: BTreeMap<String, String>,
    pub chat_template: Option<String>,
}

impl SpecialNames {
    /// Reads `tokenizer_config.json`. What is not as expected is absent: the file only adds names.
    pub fn from_config(json: &[u8]) -> Self {
        let config: Value = serde_json::from_slice(json).unwrap_or_default();
        let named = |(key, value): (&String, &Value)| {
            let text = value.as_str().or_else(|| value.get("content")?.as_str())?;
            Some((key.strip_suffix(SUFFIX)?.to_owned(), text.to_owned()))
        };
        Self {
            tokens: config.as_object().into_iter().flatten().filter_map(named).collect(),
            chat_template: config.get("chat_template").and_then(chat_template),
        }
    }

    /// The text of the token with a role.
    pub fn token(&self, role: &str) -> Option<&str> {
        self.tokens.get(role).map(String::as_str)
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
