//! The column that is tokenized: which one it is, and its texts without a copy.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::{DataType, Schema};

/// Columns that hold the text when nobody says which.
const USUAL_NAMES: [&str; 3] = ["text", "content", "chosen"];
/// Parts of names of columns that identify and do not tell.
const ID_NAMES: [&str; 6] = ["id", "uuid", "key", "idx", "url", "hash"];

/// No column can be tokenized.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The one that was asked for is not there, or holds no text.
    #[error("there is no text column `{asked}`; the columns are {}", columns.join(", "))]
    NotText { asked: String, columns: Vec<String> },
    /// None was asked for, and none offers itself.
    #[error("none of the columns holds text: {}", columns.join(", "))]
    NoneFound { columns: Vec<String> },
}

/// The index of the column to tokenize: the one asked for, else `text`, `content` or `chosen`, else the only text
/// column, else the first whose name does not look like an id.
pub fn choose(schema: &Schema, asked: Option<&str>) -> Result<usize, ColumnError> {
    let fields = schema.fields();
    let is_text = |index: &usize| is_text(fields[*index].data_type());
    let find = |name: &str| (0..fields.len()).find(|index| fields[*index].name() == name).filter(is_text);
    let described = || fields.iter().map(|field| format!("`{}` ({})", field.name(), field.data_type())).collect();
    if let Some(asked) = asked {
        return find(asked).ok_or_else(|| ColumnError::NotText { asked: asked.to_owned(), columns: described() });
    }
    let texts: Vec<usize> = (0..fields.len()).filter(is_text).collect();
    let usual = || USUAL_NAMES.iter().find_map(|name| find(name));
    let only = || if let [only] = texts[..] { Some(only) } else { None };
    let telling = || texts.iter().copied().find(|index| !looks_like_id(fields[*index].name()));
    usual().or_else(only).or_else(telling).ok_or_else(|| ColumnError::NoneFound { columns: described() })
}

const fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether a word of the name is one of those: `doc_id`, `imageUrl`, `sha_hash`, but not `video`.
fn looks_like_id(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        was_lower = c.is_lowercase();
    }
    words.iter().any(|word| ID_NAMES.contains(&word.as_str()))
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

    fn chosen(columns: &[(&str, DataType)], asked: Option<&str>) -> Result<String, ColumnError> {
        let fields: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(*name, ty.clone(), true)).collect();
        let schema = Schema::new(fields);
        choose(&schema, asked).map(|index| schema.field(index).name().clone())
    }

    #[test]
    fn the_usual_names_come_first() {
        let text = DataType::Utf8;
        assert_eq!(
            chosen(&[("a", text.clone()), ("content", text.clone()), ("text", text.clone())], None).unwrap(),
            "text"
        );
        assert_eq!(chosen(&[("chosen", text.clone()), ("content", DataType::Utf8View)], None).unwrap(), "content");
        // A column of the usual name that holds no text does not count.
        assert_eq!(chosen(&[("text", DataType::Int64), ("body", DataType::LargeUtf8)], None).unwrap(), "body");
        assert_eq!(chosen(&[("id", text.clone()), ("n", DataType::Int64)], None).unwrap(), "id");
        assert_eq!(
            chosen(&[("doc_id", text.clone()), ("imageUrl", text.clone()), ("video", text)], None).unwrap(),
            "video"
        );
    }

    #[test]
    fn a_missing_column_lists_those_there_are() {
        let columns = [("id", DataType::Int64), ("body", DataType::Utf8)];
        assert_eq!(chosen(&columns, Some("body")).unwrap(), "body");
        let error = chosen(&columns, Some("text")).unwrap_err().to_string();
        assert_eq!(error, "there is no text column `text`; the columns are `id` (Int64), `body` (Utf8)");
        assert!(matches!(chosen(&columns, Some("id")), Err(ColumnError::NotText { .. })));
        assert!(matches!(chosen(&columns[..1], None), Err(ColumnError::NoneFound { .. })));
        let ids = [("id", DataType::Utf8), ("url", DataType::Utf8)];
        assert!(matches!(chosen(&ids, None), Err(ColumnError::NoneFound { .. })));
    }
}
