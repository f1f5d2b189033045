//! Reads the options of a config from its card.

use std::collections::BTreeSet;

use super::{
    CellOptions, Columns, Dialect, Encoding, Feature, Features, Header, OnBadText, Options, SampleBy, TableOptions,
};
use crate::plan::yaml::Node;

/// The name of an option that is not followed.
pub(in crate::plan) type Refused = &'static str;

/// Options that are not followed, and the values with which they change nothing.
type Changing = (Refused, &'static [&'static str]);

const NONE: &[&str] = &["null"];
const OFF: &[&str] = &["null", "false"];

const CSV: &[Changing] = &[
    ("index_col", OFF),
    ("converters", NONE),
    ("dialect", NONE),
    ("skipfooter", &["0"]),
    ("on_bad_lines", &["error"]),
    ("date_format", NONE),
];
const PARQUET: &[Changing] = &[("filters", NONE), ("on_bad_files", &["error"])];

/// What the config says of the readers of these formats; or an option that would make other rows than are read here.
pub(in crate::plan) fn read(config: &Node, formats: &BTreeSet<&str>) -> Result<Options, Refused> {
    // The members of an archive may be anything.
    let has = |format| formats.contains(format) || formats.contains("zip");
    let changes = |(name, harmless): &&Changing| config.get(name).is_some_and(|value| !is_among(value, harmless));
    for (format, list) in [("csv", CSV), ("parquet", PARQUET)] {
        if let Some((name, _)) = list.iter().find(changes).filter(|_| has(format)) {
            return Err(name);
        }
    }
    let mut options = Options::default();
    if has("csv") || has("json") || has("text") {
        options.encoding = option(config, "encoding", encoding)?.unwrap_or_default();
        options.on_bad_text = option(config, "encoding_errors", on_bad_text)?.unwrap_or_default();
    }
    if has("csv") {
        options.table = table(config)?;
    }
    if has("json") {
        options.field = option(config, "field", text)?;
    }
    if has("text") {
        options.sample_by = option(config, "sample_by", sample_by)?.unwrap_or_default();
        options.keep_linebreaks = switch(config, "keep_linebreaks", false)?;
    }
    if has("parquet") {
        options.columns = option(config, "columns", texts)?;
    }
    if formats.iter().any(|format| *format != "webdataset") {
        options.features = option(config, "features", Features::read)?;
        let storage = ["csv", "json", "text"].into_iter().any(has);
        // What a reader makes of text for pictures and the like is not what is stored.
        let is_unclear = |features: &Features| storage && features.have(Feature::is_other);
        let is_many = |features: &Features| has("text") && features.0.len() != 1;
        if options.features.as_ref().is_some_and(|features| is_unclear(features) || is_many(features)) {
            return Err("features");
        }
    }
    Ok(options)
}

fn table(config: &Node) -> Result<TableOptions, Refused> {
    // `column_names` is another name for `names`, and wins.
    let names = match option(config, "column_names", texts)? {
        Some(names) => Some(names),
        None => option(config, "names", texts)?,
    };
    if names.as_ref().is_some_and(|names| names.iter().collect::<BTreeSet<_>>().len() < names.len()) {
        return Err("names");
    }
    let header = match config.get("header") {
        Some(Node::Null) => Header::Absent,
        Some(Node::Number(row)) => Header::Row(row.parse().map_err(|_| "header")?),
        None => inferred(names.as_ref()),
        Some(Node::Text(word)) if word == "infer" => inferred(names.as_ref()),
        Some(_) => return Err("header"),
    };
    let columns = option(config, "usecols", columns)?;
    if columns.is_some() && names.is_some() {
        return Err("usecols");
    }
    let most_rows = option(config, "nrows", number)?;
    Ok(TableOptions { dialect: dialect(config)?, header, names, columns, most_rows, cells: cells(config)? })
}

fn inferred(names: Option<&Vec<String>>) -> Header {
    if names.is_some() { Header::Absent } else { Header::Row(0) }
}

fn dialect(config: &Node) -> Result<Dialect, Refused> {
    let are_quoted = match config.get("quoting").map(Node::as_name) {
        None | Some(Some("0" | "1")) => true,
        Some(Some("3")) => false,
        Some(_) => return Err("quoting"),
    };
    let quote = match option(config, "quotechar", sign)? {
        _ if !are_quoted => None,
        None if config.get("quotechar").is_some() => return Err("quotechar"),
        quote => Some(quote.unwrap_or(b'"')),
    };
    let (mut skip_first, mut skip_lines) = (0, Vec::new());
    match config.get("skiprows") {
        Some(Node::List(lines)) => {
            skip_lines = lines.iter().map(number).collect::<Option<_>>().ok_or("skiprows")?;
        }
        _ => skip_first = option(config, "skiprows", number)?.unwrap_or(0),
    }
    let separators = ["delimiter", "sep"].iter().find_map(|key| config.get(key).and_then(Node::as_name));
    Ok(Dialect {
        by_space: separators == Some(r"\s+"),
        quote,
        double_quote: switch(config, "doublequote", true)?,
        escape: option(config, "escapechar", sign)?,
        comment: option(config, "comment", sign)?,
        line_end: option(config, "lineterminator", sign)?,
        skip_initial_space: switch(config, "skipinitialspace", false)?,
        skip_blank_lines: switch(config, "skip_blank_lines", true)?,
        skip_first,
        skip_lines,
    })
}

fn cells(config: &Node) -> Result<CellOptions, Refused> {
    let words = |name| Ok::<_, Refused>(option(config, name, texts)?.unwrap_or_default());
    Ok(CellOptions {
        have_nulls: switch(config, "na_filter", true)?,
        default_nulls: switch(config, "keep_default_na", true)?,
        nulls: option(config, "na_values", nulls)?.unwrap_or_default(),
        thousands: option(config, "thousands", sign)?,
        decimal: option(config, "decimal", sign)?.unwrap_or(b'.'),
        trues: words("true_values")?,
        falses: words("false_values")?,
    })
}

/// An option that is null is none; one whose value is not understood is refused.
fn option<T>(config: &Node, name: Refused, understood: impl Fn(&Node) -> Option<T>) -> Result<Option<T>, Refused> {
    match config.get(name) {
        None | Some(Node::Null) => Ok(None),
        Some(value) => understood(value).map(Some).ok_or(name),
    }
}

fn switch(config: &Node, name: Refused, default: bool) -> Result<bool, Refused> {
    let is_on = |value: &Node| if let Node::Bool(value) = value { Some(*value) } else { None };
    Ok(option(config, name, is_on)?.unwrap_or(default))
}

fn text(value: &Node) -> Option<String> {
    if let Node::Text(text) = value { Some(text.clone()) } else { None }
}

fn texts(value: &Node) -> Option<Vec<String>> {
    if let Node::List(items) = value { items.iter().map(text).collect() } else { None }
}

fn number<N: std::str::FromStr>(value: &Node) -> Option<N> {
    if let Node::Number(number) = value { number.parse().ok() } else { None }
}

fn columns(value: &Node) -> Option<Columns> {
    let Node::List(items) = value else { return None };
    // No column at all is nobody's wish.
    items.first()?;
    let numbers = items.iter().map(number).collect::<Option<_>>();
    numbers.map(Columns::Numbered).or_else(|| texts(value).map(Columns::Named))
}

/// One ASCII character.
fn sign(value: &Node) -> Option<u8> {
    let Node::Text(text) = value else { return None };
    if let [sign @ 0..=0x7f] = text.as_bytes() { Some(*sign) } else { None }
}

/// Words for null, as pandas spells numbers among them (`_stringify_na_values` in `pandas/io/parsers/readers.py`).
fn nulls(value: &Node) -> Option<Vec<String>> {
    let words = match value {
        Node::List(items) => items.iter().map(Node::as_name).collect::<Option<Vec<_>>>()?,
        value => vec![value.as_name()?],
    };
    let spelled = |word: &str| {
        let whole = word.trim().parse::<f64>().ok().filter(|n| n.fract() == 0.0 && n.abs() < 1e15);
        let others = whole.into_iter().flat_map(|n| [format!("{n:.1}"), format!("{n}")]);
        std::iter::once(word.to_owned()).chain(others).collect::<Vec<_>>()
    };
    Some(words.into_iter().flat_map(spelled).collect())
}

fn encoding(value: &Node) -> Option<Encoding> {
    let Node::Text(name) = value else { return None };
    Some(match name.to_lowercase().replace(['-', '_', ' '], "").as_str() {
        "utf8" | "u8" => Encoding::Utf8,
        "utf8sig" => Encoding::Utf8Signed,
        "ascii" | "usascii" | "646" => Encoding::Ascii,
        "latin1" | "latin" | "l1" | "iso88591" | "8859" | "cp819" => Encoding::Latin1,
        "cp1252" | "windows1252" | "1252" => Encoding::Windows1252,
        "utf16" | "u16" => Encoding::Utf16 { is_big: None },
        "utf16le" => Encoding::Utf16 { is_big: Some(false) },
        "utf16be" => Encoding::Utf16 { is_big: Some(true) },
        _ => return None,
    })
}

fn on_bad_text(value: &Node) -> Option<OnBadText> {
    Some(match value.as_name()? {
        "strict" => OnBadText::Fail,
        "ignore" => OnBadText::Ignore,
        "replace" => OnBadText::Replace,
        _ => return None,
    })
}

fn sample_by(value: &Node) -> Option<SampleBy> {
    Some(match value.as_name()? {
        "line" => SampleBy::Line,
        "paragraph" => SampleBy::Paragraph,
        "document" => SampleBy::Document,
        _ => return None,
    })
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
