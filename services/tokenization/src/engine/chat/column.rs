//! The column of conversations: which shape its messages have, and its texts.
//!
//! Three shapes are known. Each becomes messages with `role` and `content`, which is what templates read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use minijinja::Value;

use super::{Chat, ChatError, Rendered, messages};

/// Speakers of `ShareGPT` by the names that its data use; others keep theirs.
const SPEAKERS: [(&str, &str); 9] = [
    ("human", "user"),
    ("user", "user"),
    ("gpt", "assistant"),
    ("chatgpt", "assistant"),
    ("bing", "assistant"),
    ("bard", "assistant"),
    ("model", "assistant"),
    ("observation", "tool"),
    ("function_response", "tool"),
];

/// What a template adds to the texts of a conversation, roughly.
const TEMPLATE_BYTES: usize = 1024;

/// How a conversation is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list of `{role, content, …}`.
    OpenAi,
    /// A list of `{from, value, …}`.
    ShareGpt,
    /// A list of texts: user and assistant in turn.
    Texts,
}

impl Shape {
    /// None when the type is none of a conversation.
    pub fn of(data_type: &DataType) -> Option<Self> {
        let item = match data_type {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => item.data_type(),
            _ => return None,
        };
        match item {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Texts),
            DataType::Struct(fields) => Self::with_fields(|name| fields.find(name).is_some()),
            _ => None,
        }
    }

    /// The shape of messages with such fields.
    pub(super) fn with_fields(has: impl Fn(&str) -> bool) -> Option<Self> {
        let known = [(["role", "content"], Self::OpenAi), (["from", "value"], Self::ShareGpt)];
        known.into_iter().find_map(|(names, shape)| names.iter().all(|name| has(name)).then_some(shape))
    }

    /// A message of this shape as templates read it.
    pub(super) fn message(self, fields: impl Iterator<Item = (String, Value)>) -> Value {
        let message = messages::message(fields);
        match self {
            Self::ShareGpt => Value::from_pairs(named(message)),
            _ => Value::from_pairs(message),
        }
    }
}

/// The conversations of one batch; clones share them.
#[derive(Debug, Clone)]
pub struct Conversations {
    column: ArrayRef,
    shape: Shape,
}

impl Conversations {
    /// None when the column holds no conversations.
    pub fn new(column: &ArrayRef) -> Option<Self> {
        Some(Self { shape: Shape::of(column.data_type())?, column: Arc::clone(column) })
    }

    pub fn len(&self) -> usize {
        self.column.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the text of row `row` will have.
    pub fn text_bytes(&self, row: usize) -> usize {
        messages::text_bytes(&self.column, row) + TEMPLATE_BYTES
    }

    /// The text of row `row`; of null, none.
    pub fn render(&self, row: usize, chat: &Chat) -> Result<Rendered, ChatError> {
        let items = if self.column.is_null(row) { None } else { messages::items(&self.column, row) };
        items.map_or_else(|| Ok(Rendered::default()), |items| chat.render(conversation(&items, self.shape)))
    }
}

/// The messages; an item that is null is none.
fn conversation(items: &ArrayRef, shape: Shape) -> Vec<Value> {
    let rows = (0..items.len()).filter(|row| items.is_valid(*row));
    match shape {
        Shape::Texts => rows.enumerate().map(|(number, row)| turn(number, messages::value(items, row))).collect(),
        _ => rows.map(|row| shape.message(messages::fields(items.as_struct(), row))).collect(),
    }
}

/// A message of which nobody says who wrote it.
pub(super) fn turn(number: usize, text: Value) -> Value {
    let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
    Value::from_pairs([("role", Value::from(role)), ("content", text)])
}

/// The words of `ShareGPT` in those of `OpenAI`.
fn named(message: Vec<(String, Value)>) -> impl Iterator<Item = (String, Value)> {
    message.into_iter().map(|(key, value)| match key.as_str() {
        "from" => {
            let speaker = value.as_str().and_then(|from| SPEAKERS.iter().find(|(name, _)| *name == from));
            ("role".to_owned(), speaker.map_or(value, |(_, role)| Value::from(*role)))
        }
        "value" => ("content".to_owned(), value),
        _ => (key, value),
    })
}
