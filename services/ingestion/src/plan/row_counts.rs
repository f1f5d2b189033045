//! What a card's `dataset_info` says: how many rows each split has, a claim that is shown before anything is read; and
//! which types the columns have.

use super::{options::Features, yaml::Node};

/// Rows of the splits of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigRows {
    pub config: String,
    /// Splits and their rows.
    pub splits: Vec<(String, u64)>,
    pub features: Option<Features>,
}

/// Reads one `dataset_info` or a list of them; what is not understood is not known.
pub(super) fn read(node: &Node) -> Vec<ConfigRows> {
    match node {
        Node::List(items) => items.iter().map(config).collect(),
        node => vec![config(node)],
    }
}

fn config(node: &Node) -> ConfigRows {
    let name = node.get("config_name").and_then(Node::as_name).unwrap_or("default");
    let splits = match node.get("splits") {
        Some(Node::List(items)) => items.iter().filter_map(split).collect(),
        _ => Vec::new(),
    };
    ConfigRows { config: name.to_owned(), splits, features: node.get("features").and_then(Features::read) }
}

fn split(node: &Node) -> Option<(String, u64)> {
    let count = node.get("num_examples").and_then(Node::as_name)?.parse().ok()?;
    Some((node.get("name").and_then(Node::as_name)?.to_owned(), count))
}
