//! How the files of a config are read, as its card says: the options of `datasets`' readers.
//!
//! What a reader does not know it ignores, as `datasets` does with a warning; what only says how fast it reads, too. An
//! option that would make other rows and is not followed here is refused by its name. Source: the `Config` classes in
//! `packaged_modules` of `datasets` 5.2.0.

mod features;
mod read;

use serde::{Deserialize, Serialize};

pub use features::{Feature, Features};
pub(super) use read::read;

/// What a card says of the readers of all formats that its config has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    pub encoding: Encoding,
    pub on_bad_text: OnBadText,
    pub table: TableOptions,
    /// Where in a JSON document its rows are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub sample_by: SampleBy,
    pub keep_linebreaks: bool,
    /// Those of a Parquet file that are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Types that the reader is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// Types that the rows have at last, as `dataset_info` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<Features>,
}

impl Options {
    /// The one column of text files.
    pub(crate) fn text_column(&self) -> &str {
        self.features.as_ref().and_then(|features| features.0.first()).map_or("text", |(name, _)| name)
    }

    /// Whether a table's column is text whatever its cells look like.
    pub(crate) fn is_text(&self, column: &str) -> bool {
        let is_text = |feature: &Feature| match feature {
            Feature::Value(dtype) => matches!(dtype.as_str(), "string" | "large_string"),
            feature => feature.is_labels(),
        };
        self.features.as_ref().and_then(|features| features.get(column)).is_some_and(is_text)
    }

    /// Whether nothing is as a card must say it.
    pub fn are_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the bytes of a text mean, under the names that Python has for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    #[default]
    Utf8,
    /// With a byte order mark that is no part of the text.
    Utf8Signed,
    Ascii,
    /// Each byte is the character of that number.
    Latin1,
    Windows1252,
    /// None = the byte order mark says which byte comes first.
    Utf16 {
        is_big: Option<bool>,
    },
}

/// What becomes of bytes that are no text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnBadText {
    #[default]
    Fail,
    Ignore,
    Replace,
}

/// What makes a row of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampleBy {
    #[default]
    Line,
    /// What stands between blank lines.
    Paragraph,
    /// The whole file.
    Document,
}

/// How tables in text are read, beyond what separates their cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableOptions {
    pub dialect: Dialect,
    pub header: Header,
    /// Of all columns, instead of those in the file.
    pub names: Option<Vec<String>>,
    pub columns: Option<Columns>,
    pub most_rows: Option<u64>,
    pub cells: CellOptions,
}

impl Default for TableOptions {
    fn default() -> Self {
        let (dialect, cells) = (Dialect::default(), CellOptions::default());
        Self { dialect, header: Header::Row(0), names: None, columns: None, most_rows: None, cells }
    }
}

/// How a table is cut into cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dialect {
    /// White space of any length separates cells.
    pub by_space: bool,
    /// None = quotes mean nothing.
    pub quote: Option<u8>,
    /// Whether two quotes in a quoted cell are one.
    pub double_quote: bool,
    pub escape: Option<u8>,
    /// What begins a comment, which ends with its line.
    pub comment: Option<u8>,
    /// Ends a line, instead of line feeds and carriage returns.
    pub line_end: Option<u8>,
    pub skip_initial_space: bool,
    pub skip_blank_lines: bool,
    /// The first lines that are not looked at, and others.
    pub skip_first: u64,
    pub skip_lines: Vec<u64>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            by_space: false,
            quote: Some(b'"'),
            double_quote: true,
            escape: None,
            comment: None,
            line_end: None,
            skip_initial_space: false,
            skip_blank_lines: true,
            skip_first: 0,
            skip_lines: Vec::new(),
        }
    }
}

/// Where the names of the columns stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Header {
    /// Nowhere: columns without other names are numbered.
    Absent,
    /// In that row, counted from 0; those before it are nothing.
    Row(u64),
}

/// The columns of a table that are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Columns {
    Named(Vec<String>),
    Numbered(Vec<usize>),
}

/// What cells mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CellOptions {
    /// Whether any cell is null.
    pub have_nulls: bool,
    /// Whether the words are that pandas takes for null.
    pub default_nulls: bool,
    /// Others that are.
    pub nulls: Vec<String>,
    pub thousands: Option<u8>,
    pub decimal: u8,
    /// Words for true and false, besides the usual ones.
    pub trues: Vec<String>,
    pub falses: Vec<String>,
}

impl Default for CellOptions {
    fn default() -> Self {
        Self {
            have_nulls: true,
            default_nulls: true,
            nulls: Vec::new(),
            thousands: None,
            decimal: b'.',
            trues: Vec::new(),
            falses: Vec::new(),
        }
    }
}
