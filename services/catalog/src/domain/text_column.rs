//! Which column of a dataset is tokenized: one of texts, or one of conversations.

use dataset_model::{Problem, Reason, problem::shortened};
use serde_json::Value;

/// Text columns by name, in order of preference.
const PREFERRED: [&str; 3] = ["text", "content", "chosen"];
/// Columns of conversations by name, in order of preference.
const CONVERSATIONS: [&str; 4] = ["messages", "conversations", "conversation", "chosen"];
/// Names that look like an id, not like text.
const ID_LIKE: [&str; 6] = ["id", "uuid", "key", "idx", "url", "hash"];

/// The column that is tokenized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    pub name: String,
    /// It holds conversations.
    pub is_chat: bool,
}

/// The text column asked for, else the rule's: preferred names, then the only string column, then the first one whose
/// name does not look like an id; and where there is none, or a chat template is given, a column of conversations.
/// `schema` is an Arrow schema in arrow-schema's serde form.
pub fn choose_text_column(schema: &Value, asked: Option<&str>, has_template: bool) -> Result<TextColumn, Problem> {
    let fields = schema["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |field: &Value| field["name"].as_str().unwrap_or_default().to_owned();
    let named = |is: fn(&Value) -> bool| fields.iter().filter(move |field| is(field)).map(name).collect::<Vec<_>>();
    let (texts, chats) = (named(is_text), named(is_conversation));
    let pick = |names: &[String], preferred: &[&str]| {
        let preferred = preferred.iter().find_map(|preferred| names.iter().find(|name| name == preferred));
        let only = if let [only] = names { Some(only) } else { None };
        preferred.or(only).or_else(|| names.iter().find(|name| !looks_like_id(name))).cloned()
    };
    let text = |name: String| TextColumn { name, is_chat: false };
    let chat = |name: String| TextColumn { name, is_chat: true };
    let find = |names: &[String], column: &str| names.iter().find(|name| *name == column).cloned();
    let chosen = match (asked, has_template) {
        (Some(column), false) => find(&texts, column).map(text).or_else(|| find(&chats, column).map(chat)),
        (Some(column), true) => find(&chats, column).map(chat),
        (None, false) => pick(&texts, &PREFERRED).map(text).or_else(|| pick(&chats, &CONVERSATIONS).map(chat)),
        (None, true) => pick(&chats, &CONVERSATIONS).map(chat),
    };
    chosen.ok_or_else(|| {
        let columns = fields.iter().map(|f| format!("`{}`", name(f))).collect::<Vec<_>>().join(", ");
        let kind = if has_template { "conversations, which `chat_template` is for" } else { "text" };
        let what = match asked {
            Some(column) if fields.iter().any(|field| name(field) == column) => {
                format!("column `{}` does not hold {kind}", shortened(column))
            }
            Some(column) => format!("there is no column `{}`", shortened(column)),
            None => format!("no column holds {kind}"),
        };
        Problem::new(Reason::NoTextColumn, format!("{what}; the columns are {columns}"))
            .next_step("name a text column in `text_column`")
    })
}

fn is_text(field: &Value) -> bool {
    matches!(field["data_type"].as_str(), Some("Utf8" | "LargeUtf8" | "Utf8View"))
}

/// Lists of texts, or of messages in a shape that is known.
fn is_conversation(field: &Value) -> bool {
    let list = ["List", "LargeList", "FixedSizeList"].iter().find_map(|list| field["data_type"].get(list));
    // A list of a fixed size is a pair of its field and its size.
    let Some(item) = list.map(|list| list.get(0).unwrap_or(list)) else { return false };
    let fields = item["data_type"]["Struct"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has = |name: &str| fields.iter().any(|field| field["name"] == name);
    is_text(item) || (has("role") && has("content")) || (has("from") && has("value"))
}

fn looks_like_id(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ID_LIKE.iter().any(|id| name == *id || name.strip_suffix(id).is_some_and(|rest| rest.ends_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_columns() {
        let schema = |columns: &[(&str, &str)]| json!({"fields": columns.iter().map(|(n, t)| json!({"name": n, "data_type": t})).collect::<Vec<_>>()});
        let chosen =
            |columns: &[(&str, &str)]| choose_text_column(&schema(columns), None, false).map(|column| column.name);
        assert_eq!(chosen(&[("content", "Utf8"), ("text", "LargeUtf8")]).unwrap(), "text");
        assert_eq!(chosen(&[("url", "Utf8"), ("n", "Int64")]).unwrap(), "url");
        assert_eq!(chosen(&[("doc_id", "Utf8"), ("url", "Utf8"), ("story", "Utf8View")]).unwrap(), "story");
        let none = chosen(&[("id", "Int64"), ("label", "Int64")]).unwrap_err();
        assert_eq!(none.reason, Reason::NoTextColumn);
        assert!(none.detail.contains("`id`, `label`"), "{none}");
        let wrong = choose_text_column(&schema(&[("text", "Utf8"), ("n", "Int64")]), Some("n"), false).unwrap_err();
        assert_eq!(wrong.reason, Reason::NoTextColumn);
    }

    #[test]
    fn conversations_are_chosen_where_there_is_no_text_or_a_template() {
        let list = |names: [&str; 2]| {
            let fields = names.map(|name| json!({"name": name, "data_type": "Utf8"}));
            json!({"List": {"name": "item", "data_type": {"Struct": fields}}})
        };
        let numbers = json!({"List": {"name": "item", "data_type": "Int64"}});
        let texts = json!({"FixedSizeList": [{"name": "item", "data_type": "Utf8"}, 2]});
        let field = |name: &str, data_type: &Value| json!({"name": name, "data_type": data_type});
        let schema = |fields: &[Value]| json!({"fields": fields});
        let chat = schema(&[
            field("id", &json!("Int64")),
            field("scores", &numbers),
            field("tags", &texts),
            field("messages", &list(["role", "content"])),
        ]);
        let chosen = |schema: &Value, asked, template| choose_text_column(schema, asked, template);
        let messages = TextColumn { name: "messages".into(), is_chat: true };
        assert_eq!(chosen(&chat, None, false).unwrap(), messages);
        assert_eq!(chosen(&chat, Some("tags"), false).unwrap().name, "tags");
        assert_eq!(chosen(&chat, Some("scores"), false).unwrap_err().reason, Reason::NoTextColumn);
        let odd = schema(&[field("scores", &numbers), field("pairs", &list(["a", "b"])), field("dialog", &texts)]);
        assert_eq!(chosen(&odd, None, false).unwrap().name, "dialog");
        let both = schema(&[field("text", &json!("Utf8")), field("messages", &list(["from", "value"]))]);
        assert_eq!(chosen(&both, None, false).unwrap(), TextColumn { name: "text".into(), is_chat: false });
        assert_eq!(chosen(&both, None, true).unwrap(), messages);
        let refused = chosen(&both, Some("text"), true).unwrap_err();
        assert_eq!(refused.reason, Reason::NoTextColumn);
        assert!(refused.detail.contains("conversations"), "{refused}");
    }
}
