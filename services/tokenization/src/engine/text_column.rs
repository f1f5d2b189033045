//! The column that is tokenized: its texts, without a copy.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::{DataType, Schema};

use super::chat::{Chat, ChatError, Conversations, Rendered, Shape};

/// The column that was chosen cannot be tokenized.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no text column `{asked}`; the columns are {}", columns.join(", "))]
pub struct NotText {
    pub asked: String,
    /// Each with its type.
    pub columns: Vec<String>,
}

/// The index of the column `asked`, which must hold text, or conversations when `chat`.
pub fn find(schema: &Schema, asked: &str, chat: bool) -> Result<usize, NotText> {
    let is_plain = |ty: &DataType| matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_text = |ty: &DataType| if chat { Shape::of(ty).is_some() } else { is_plain(ty) };
    schema.index_of(asked).ok().filter(|index| is_text(schema.field(*index).data_type())).ok_or_else(|| {
        let columns = schema.fields().iter().map(|field| format!("`{}` ({})", field.name(), field.data_type()));
        NotText { asked: asked.to_owned(), columns: columns.collect() }
    })
}

/// The documents of one batch; clones share them.
#[derive(Clone)]
pub enum Texts<'a> {
    Plain(TextColumn),
    /// The template makes texts of them one by one: that takes as long as encoding, or longer.
    Chat(Conversations, &'a Chat),
}

/// The text of a document.
pub struct Document<'a> {
    /// Of null, none.
    pub text: Cow<'a, str>,
    /// What the model said, in characters; empty where documents are no conversations.
    pub generated: Vec<Range<usize>>,
}

impl<'a> From<&'a str> for Document<'a> {
    fn from(text: &'a str) -> Self {
        Self { text: text.into(), generated: Vec::new() }
    }
}

impl<'a> Texts<'a> {
    /// None when the column holds no text, or with a template no conversations.
    pub fn new(column: &ArrayRef, chat: Option<&'a Chat>) -> Option<Self> {
        match chat {
            None => TextColumn::new(column).map(Self::Plain),
            Some(chat) => Conversations::new(column).map(|conversations| Self::Chat(conversations, chat)),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Plain(column) => column.len(),
            Self::Chat(conversations, _) => conversations.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The document in row `row`.
    pub fn document(&self, row: usize) -> Result<Document<'_>, ChatError> {
        match self {
            Self::Plain(column) => Ok(column.get(row).unwrap_or_default().into()),
            Self::Chat(conversations, chat) => {
                let Rendered { text, generated } = conversations.render(row, chat)?;
                Ok(Document { text: text.into(), generated })
            }
        }
    }
}

/// The texts of one batch; clones share them.
#[derive(Debug, Clone)]
pub enum TextColumn {
    Utf8(Arc<StringArray>),
    LargeUtf8(Arc<LargeStringArray>),
    Utf8View(Arc<StringViewArray>),
}

impl TextColumn {
    /// None when the column holds no text.
    pub fn new(column: &ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => Some(Self::Utf8(Arc::new(column.as_string().clone()))),
            DataType::LargeUtf8 => Some(Self::LargeUtf8(Arc::new(column.as_string().clone()))),
            DataType::Utf8View => Some(Self::Utf8View(Arc::new(column.as_string_view().clone()))),
            _ => None,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Utf8(array) => array.len(),
            Self::LargeUtf8(array) => array.len(),
            Self::Utf8View(array) => array.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text in row `row`, None when it is null.
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::LargeUtf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Utf8View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn a_missing_column_lists_those_there_are() {
        let fields = vec![Field::new("id", DataType::Int64, true), Field::new("body", DataType::Utf8View, true)];
        let schema = Schema::new(fields);
        assert_eq!(find(&schema, "body", false), Ok(1));
        let error = find(&schema, "text", false).unwrap_err().to_string();
        assert_eq!(error, "there is no text column `text`; the columns are `id` (Int64), `body` (Utf8View)");
        assert!(find(&schema, "id", false).is_err());
    }

    #[test]
    fn every_type_of_text_reads_the_same() {
        let texts = [Some("a"), None, Some(""), Some("longer than an inlined view")];
        let columns: [ArrayRef; 3] = [
            Arc::new(StringArray::from_iter(texts)),
            Arc::new(LargeStringArray::from_iter(texts)),
            Arc::new(StringViewArray::from_iter(texts)),
        ];
        for column in &columns {
            let column = TextColumn::new(column).unwrap();
            assert_eq!((0..column.len()).map(|row| column.get(row)).collect::<Vec<_>>(), texts);
        }
    }
}
