//! What a repository says about itself: the `configs` and the license in README.md's front matter and
//! `.huggingface.yaml`.
//!
//! A card that cannot be understood is an error for the whole repository, as in `datasets`: guessing would silently
//! make another dataset. Sources: `huggingface_hub/repocard.py`, `datasets/utils/metadata.py`.

use super::{
    PlanError,
    row_counts::{self, ConfigRows},
    yaml::Node,
};

/// The file that the front matter stands in.
pub const README: &str = "README.md";
/// The file whose keys replace the front matter's.
pub const STANDALONE: &str = ".huggingface.yaml";

/// What a repository declares.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Card {
    /// Empty = none declared: everything follows from the files' names.
    pub configs: Vec<DeclaredConfig>,
    pub license: Option<String>,
    /// What `dataset_info` says.
    pub row_counts: Vec<ConfigRows>,
}

/// One item of `configs`.
#[derive(Debug, PartialEq)]
pub(super) struct DeclaredConfig {
    pub name: String,
    pub is_default: bool,
    /// The folder that everything is relative to; empty = the root.
    pub data_dir: String,
    /// Splits and their patterns, in order; none = they follow from the files' names.
    pub data_files: Option<Vec<(String, Vec<String>)>>,
    /// What stands between the cells of CSV files.
    pub separator: Option<String>,
    /// All that is said of it, options of readers among it.
    pub options: Node,
}

/// Reads both files; none is there for most repositories.
pub(super) fn read(readme: Option<&str>, standalone: Option<&str>) -> Result<Card, PlanError> {
    let front = readme.and_then(front_matter).map(|yaml| parse(README, yaml)).transpose()?;
    let own = standalone.map(|yaml| parse(STANDALONE, yaml)).transpose()?;
    let find = |key: &str| {
        let found = |file: &'static str, node: &Option<Node>| Some((file, node.as_ref()?.get(key)?.clone()));
        found(STANDALONE, &own).or_else(|| found(README, &front))
    };
    let configs = match find("configs") {
        Some((file, node)) if node.is_true() => configs(&node).map_err(|why| PlanError::BadCard { file, why })?,
        _ => Vec::new(),
    };
    Ok(Card {
        configs: in_declared_order(configs),
        license: find("license").and_then(|(_, node)| license(&node)),
        row_counts: find("dataset_info").map(|(_, node)| row_counts::read(&node)).unwrap_or_default(),
    })
}

/// The text between the two `---` lines at the file's start.
fn front_matter(readme: &str) -> Option<&str> {
    let readme = readme.strip_prefix('\u{feff}').unwrap_or(readme).trim_start();
    let body = readme.strip_prefix("---")?;
    let body = body.strip_prefix("\r\n").or_else(|| body.strip_prefix(['\n', '\r']))?;
    let is_end = |at: usize| {
        let line = body[at + 3..].split(['\r', '\n']).next().unwrap_or_default();
        let starts_line = at == 0 || body[..at].ends_with(['\n', '\r']);
        starts_line && line.chars().all(|c| c == ' ' || c == '\t')
    };
    let end = body.match_indices("---").map(|(at, _)| at).find(|&at| is_end(at))?;
    Some(&body[..end])
}

fn parse(file: &'static str, text: &str) -> Result<Node, PlanError> {
    if text.trim().is_empty() {
        return Ok(Node::Null);
    }
    serde_yaml_ng::from_str(text).map_err(|e| PlanError::BadCard { file, why: format!("it is not valid YAML: {e}") })
}

fn license(node: &Node) -> Option<String> {
    match node {
        Node::List(items) => {
            let names: Vec<&str> = items.iter().filter_map(Node::as_name).collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
        node => node.as_name().map(str::to_owned),
    }
}

fn configs(node: &Node) -> Result<Vec<DeclaredConfig>, String> {
    let Node::List(items) = node else { return Err("`configs` must be a list".to_owned()) };
    items.iter().map(config).collect()
}

fn config(item: &Node) -> Result<DeclaredConfig, String> {
    let name = item.get("config_name").and_then(Node::as_name).ok_or("each item of `configs` needs a `config_name`")?;
    let data_files = match item.get("data_files") {
        None | Some(Node::Null) => None,
        Some(node) => Some(data_files(node).map_err(|why| format!("`data_files` of config `{name}`: {why}"))?),
    };
    // As in pandas, `delimiter` is another name for `sep`, and wins.
    let separator = ["delimiter", "sep"].iter().find_map(|key| item.get(key).and_then(Node::as_name));
    Ok(DeclaredConfig {
        name: name.to_owned(),
        is_default: name == "default" || item.get("default").is_some_and(Node::is_true),
        data_dir: item.get("data_dir").and_then(Node::as_name).unwrap_or_default().to_owned(),
        data_files,
        separator: separator.map(str::to_owned),
        options: item.clone(),
    })
}

fn data_files(node: &Node) -> Result<Vec<(String, Vec<String>)>, String> {
    let train = |patterns| Ok(vec![("train".to_owned(), patterns)]);
    let items = match node {
        Node::Text(pattern) => return train(vec![pattern.clone()]),
        Node::List(items) => items,
        _ => return Err("it must be a path, a list of paths, or a list of `split` and `path`".to_owned()),
    };
    if items.iter().all(|item| matches!(item, Node::Text(_))) {
        return train(items.iter().filter_map(Node::as_name).map(str::to_owned).collect());
    }
    let mut splits: Vec<(String, Vec<String>)> = Vec::new();
    for item in items {
        let (name, patterns) = split(item)?;
        if splits.iter().any(|(known, _)| *known == name) {
            return Err(format!("split `{name}` stands twice"));
        }
        splits.push((name, patterns));
    }
    Ok(splits)
}

fn split(item: &Node) -> Result<(String, Vec<String>), String> {
    const FORM: &str = "each item must have exactly the two keys `split` and `path`";
    let Node::Map(entries) = item else { return Err(FORM.to_owned()) };
    let (Some(name), Some(path), 2) = (item.get("split").and_then(Node::as_name), item.get("path"), entries.len())
    else {
        return Err(FORM.to_owned());
    };
    if !is_split_name(name) {
        return Err(format!("`{name}` is not a split name: use letters, digits, `_` and single dots"));
    }
    let patterns = match path {
        Node::Text(pattern) => vec![pattern.clone()],
        Node::List(items) => items.iter().filter_map(Node::as_name).map(str::to_owned).collect(),
        _ => return Err(FORM.to_owned()),
    };
    Ok((name.to_owned(), patterns))
}

/// `^\w+(\.\w+)*$` with Unicode's letters and digits.
pub(super) fn is_split_name(name: &str) -> bool {
    name.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// A config that stands twice keeps its first place and its last content, as in a Python dict.
fn in_declared_order(configs: Vec<DeclaredConfig>) -> Vec<DeclaredConfig> {
    let mut unique: Vec<DeclaredConfig> = Vec::with_capacity(configs.len());
    for config in configs {
        match unique.iter_mut().find(|known| known.name == config.name) {
            Some(known) => *known = config,
            None => unique.push(config),
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(yaml: &str) -> Result<Card, PlanError> {
        read(Some(&format!("---\n{yaml}\n---\n# Title\n---\nnot: this\n---\n")), None)
    }

    #[test]
    fn front_matter_as_the_hub_finds_it() {
        assert_eq!(front_matter("---\na: 1\n---\nrest"), Some("a: 1\n"));
        assert_eq!(front_matter("\n---\r\na: 1\r\n---"), Some("a: 1\r\n"));
        assert_eq!(front_matter("---\na: --- b\n--- \n"), Some("a: --- b\n"));
        assert_eq!(front_matter("# no\n---\na: 1\n---\n"), None);
        assert_eq!(front_matter("---\nnever closed"), None);
    }

    #[test]
    fn odd_keys_do_not_break_a_card() {
        let card = card("license: mit\nlicense: [apache-2.0, mit]\n0: neg\n1: pos").unwrap();
        assert_eq!(card.license.as_deref(), Some("apache-2.0, mit"));
        assert!(card.configs.is_empty());
    }

    #[test]
    fn the_standalone_file_wins() {
        let card = read(Some("---\nconfigs: 3\nlicense: mit\n---\n"), Some("configs:\n- config_name: 2024\n")).unwrap();
        assert_eq!(card.configs[0].name, "2024");
        assert_eq!(card.license.as_deref(), Some("mit"));
    }

    #[test]
    fn the_last_of_equal_configs_wins() {
        let card = card("configs:\n- config_name: a\n- config_name: b\n- config_name: a\n  data_dir: d").unwrap();
        let names: Vec<_> = card.configs.iter().map(|c| (c.name.as_str(), c.data_dir.as_str())).collect();
        assert_eq!(names, [("a", "d"), ("b", "")]);
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        for yaml in [
            "a: [",
            "configs: x",
            "configs:\n- data_files: a",
            "configs:\n- config_name: a\n  data_files: 3",
            "configs:\n- config_name: a\n  data_files:\n  - split: a-b\n    path: x",
            "configs:\n- config_name: a\n  data_files:\n  - split: a\n    path: x\n    more: y",
            "configs:\n- config_name: a\n  data_files:\n  - split: a\n    path: x\n  - split: a\n    path: y",
        ] {
            assert!(matches!(card(yaml), Err(PlanError::BadCard { file: README, .. })), "{yaml}");
        }
    }
}
