//! Types that a card declares for columns: `features`, as `datasets` writes them.
//!
//! Source: `Features._from_yaml_list` in `datasets/features/features.py` of `datasets` 5.2.0.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::yaml::Node;

/// More JSON than this does not travel with each task.
const BYTES: usize = 256 << 10;
/// Deeper nesting is nobody's.
const MAX_DEPTH: usize = 32;

/// Columns in order, with their types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features(pub Vec<(String, Feature)>);

/// The type of a column, or of a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feature {
    /// By its name in `datasets`, such as `int64`.
    Value(String),
    /// Numbers that stand for these names.
    Labels(Vec<String>),
    List {
        item: Box<Feature>,
        length: Option<i32>,
    },
    LargeList(Box<Feature>),
    Struct(Vec<(String, Feature)>),
    /// Pictures, sound and others, which stay as they are stored.
    Other,
}

impl Features {
    /// None when they are not understood.
    pub(in crate::plan) fn read(node: &Node) -> Option<Self> {
        let features = Self(fields(node, 0)?);
        let fits = serde_json::to_string(&features).is_ok_and(|json| json.len() <= BYTES);
        fits.then_some(features)
    }

    pub(crate) fn get(&self, column: &str) -> Option<&Feature> {
        self.0.iter().find(|(name, _)| name == column).map(|(_, feature)| feature)
    }

    /// Whether any part of any column is so.
    pub(crate) fn have(&self, is_so: fn(&Feature) -> bool) -> bool {
        self.0.iter().any(|(_, feature)| feature.has(is_so))
    }

    /// What `datasets` finds in a schema's metadata: the columns that have labels, with their names.
    pub(crate) fn labels_json(&self) -> Option<String> {
        let labelled = self.0.iter().filter(|(_, feature)| feature.has(Feature::is_labels));
        let labelled =
            labelled.map(|(name, feature)| (name.clone(), feature.json())).collect::<serde_json::Map<_, _>>();
        (!labelled.is_empty()).then(|| json!({"info": {"features": labelled}}).to_string())
    }
}

impl Feature {
    pub(crate) const fn is_labels(&self) -> bool {
        matches!(self, Self::Labels(_))
    }

    pub(crate) const fn is_other(&self) -> bool {
        matches!(self, Self::Other)
    }

    fn has(&self, is_so: fn(&Self) -> bool) -> bool {
        is_so(self)
            || match self {
                Self::List { item, .. } | Self::LargeList(item) => item.has(is_so),
                Self::Struct(fields) => fields.iter().any(|(_, field)| field.has(is_so)),
                Self::Value(_) | Self::Labels(_) | Self::Other => false,
            }
    }

    fn json(&self) -> Value {
        match self {
            Self::Value(dtype) => json!({"dtype": dtype, "_type": "Value"}),
            Self::Labels(names) => json!({"names": names, "_type": "ClassLabel"}),
            Self::List { item, length } => {
                json!({"feature": item.json(), "length": length.unwrap_or(-1), "_type": "List"})
            }
            Self::LargeList(item) => json!({"feature": item.json(), "_type": "LargeList"}),
            Self::Struct(fields) => fields.iter().map(|(name, field)| (name.clone(), field.json())).collect(),
            Self::Other => json!({"dtype": "null", "_type": "Value"}),
        }
    }
}

fn fields(node: &Node, depth: usize) -> Option<Vec<(String, Feature)>> {
    let Node::List(items) = node else { return None };
    let field = |item: &Node| Some((item.get("name")?.as_name()?.to_owned(), feature(item, depth + 1)?));
    let fields: Vec<(String, Feature)> = items.iter().map(field).collect::<Option<_>>()?;
    let is_twice = |at: usize| fields[..at].iter().any(|(name, _)| *name == fields[at].0);
    (!(0..fields.len()).any(is_twice)).then_some(fields)
}

/// The first key but the name says what it is.
fn feature(node: &Node, depth: usize) -> Option<Feature> {
    let Node::Map(entries) = node else { return None };
    let (kind, of) = entries.iter().map(|(key, of)| (key.as_name(), of)).find(|(key, _)| *key != Some("name"))?;
    if depth > MAX_DEPTH {
        return None;
    }
    let length = node.get("length").and_then(Node::as_name).and_then(|length| length.parse().ok());
    let length = length.filter(|length| *length >= 0);
    let list = |item| Feature::List { item: Box::new(item), length };
    match (kind?, of) {
        ("dtype", Node::Text(dtype)) => Some(value(dtype)),
        ("dtype", inner) => feature(inner, depth + 1),
        ("struct", inner) => fields(inner, depth).map(Feature::Struct),
        // Of old: a list of objects is stored as an object of lists.
        ("sequence", Node::List(_)) => {
            let lists = fields(of, depth)?.into_iter().map(|(name, field)| (name, list(field)));
            Some(Feature::Struct(lists.collect()))
        }
        ("sequence" | "list", inner) => item(inner, depth).map(list),
        ("large_list", inner) => item(inner, depth).map(|item| Feature::LargeList(Box::new(item))),
        ("class_label", inner) => labels(inner).map(Feature::Labels),
        _ => Some(Feature::Other),
    }
}

fn item(node: &Node, depth: usize) -> Option<Feature> {
    match node {
        Node::Text(dtype) => Some(value(dtype)),
        Node::List(_) => fields(node, depth).map(Feature::Struct),
        node => feature(node, depth + 1),
    }
}

fn value(dtype: &str) -> Feature {
    match dtype {
        "double" => Feature::Value("float64".to_owned()),
        "float" => Feature::Value("float32".to_owned()),
        "image" | "audio" | "video" | "pdf" | "nifti" | "mesh" | "json" => Feature::Other,
        dtype => Feature::Value(dtype.to_owned()),
    }
}

fn labels(node: &Node) -> Option<Vec<String>> {
    let name = |node: &Node| match node {
        Node::Bool(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        node => node.as_name().map(str::to_owned),
    };
    let names: Vec<String> = match node.get("names") {
        Some(Node::List(names)) => names.iter().map(name).collect::<Option<_>>()?,
        Some(Node::Map(entries)) => {
            let numbered = |(key, of): &(Node, Node)| Some((key.as_name()?.parse::<usize>().ok()?, name(of)?));
            let mut numbered: Vec<(usize, String)> = entries.iter().map(numbered).collect::<Option<_>>()?;
            numbered.sort_unstable();
            let is_whole = numbered.iter().enumerate().all(|(at, (number, _))| at == *number);
            is_whole.then(|| numbered.into_iter().map(|(_, name)| name).collect())?
        }
        Some(_) => return None,
        None => {
            let count: usize = node.get("num_classes")?.as_name()?.parse().ok().filter(|count| *count <= BYTES)?;
            (0..count).map(|number| number.to_string()).collect()
        }
    };
    let unique: std::collections::HashSet<&String> = names.iter().collect();
    (unique.len() == names.len()).then_some(names)
}
