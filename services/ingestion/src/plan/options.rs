//! Options of `datasets`' readers in a card: those that would make other rows, and are not followed here.
//!
//! What a reader does not know it ignores, as `datasets` does with a warning; what only says how fast it reads, too. The
//! separator of tables is followed. Source: the `Config` classes in `packaged_modules` of `datasets` 5.2.0.

use super::yaml::Node;

/// An option and the values with which it changes nothing.
type Changing = (&'static str, &'static [&'static str]);

const NONE: &[&str] = &["null"];
const OFF: &[&str] = &["null", "false"];
const ON: &[&str] = &["true"];
const UTF8: &[&str] = &["null", "utf-8", "utf8", "utf_8", "utf-8-sig"];
const STRICT: &[&str] = &["null", "strict"];

const CSV: &[Changing] = &[
    ("header", &["infer", "0"]),
    ("names", NONE),
    ("column_names", NONE),
    ("index_col", OFF),
    ("usecols", NONE),
    ("converters", NONE),
    ("true_values", NONE),
    ("false_values", NONE),
    ("skipinitialspace", OFF),
    ("skiprows", &["null", "0"]),
    ("nrows", NONE),
    ("na_values", NONE),
    ("keep_default_na", ON),
    ("na_filter", ON),
    ("skip_blank_lines", ON),
    ("thousands", NONE),
    ("decimal", &["."]),
    ("lineterminator", &["null", "\n"]),
    ("quotechar", &["\""]),
    ("quoting", &["0", "1"]),
    ("escapechar", NONE),
    ("comment", NONE),
    ("encoding", UTF8),
    ("dialect", NONE),
    ("skipfooter", &["0"]),
    ("doublequote", ON),
    ("features", NONE),
    ("encoding_errors", STRICT),
    ("on_bad_lines", &["error"]),
    ("date_format", NONE),
];
const JSON: &[Changing] = &[("features", NONE), ("encoding", UTF8), ("encoding_errors", STRICT), ("field", NONE)];
const TEXT: &[Changing] = &[
    ("features", NONE),
    ("encoding", UTF8),
    ("encoding_errors", STRICT),
    ("keep_linebreaks", OFF),
    ("sample_by", &["line"]),
];
const PARQUET: &[Changing] = &[("columns", NONE), ("features", NONE), ("filters", NONE), ("on_bad_files", &["error"])];
const ARROW: &[Changing] = &[("features", NONE)];

/// The first option of a config that would change the rows of its files in that format.
pub(super) fn unheeded(config: &Node, format: &str) -> Option<&'static str> {
    let lists: &[&[Changing]] = match format {
        "csv" => &[CSV],
        "json" => &[JSON],
        "text" => &[TEXT],
        "parquet" => &[PARQUET],
        "arrow" => &[ARROW],
        // Its members may be anything.
        "zip" => &[CSV, JSON, TEXT, PARQUET, ARROW],
        _ => &[],
    };
    let changes = |(name, harmless): &&Changing| config.get(name).is_some_and(|value| !is_among(value, harmless));
    lists.iter().copied().flatten().find(changes).map(|(name, _)| *name)
}

fn is_among(value: &Node, harmless: &[&str]) -> bool {
    let shown = match value {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(text) => text.clone(),
        Node::Text(text) => text.to_lowercase(),
        Node::List(items) => return items.is_empty(),
        Node::Map(entries) => return entries.is_empty(),
    };
    harmless.contains(&shown.as_str())
}
