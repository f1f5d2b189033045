//! Which files a pattern of `data_files` means: the rules of `datasets`' `resolve_pattern` over a plain list of paths.
//!
//! A pattern is an fsspec glob: `*` and `?` stop at `/`, `**` is a whole part, `[…]` is a class, and braces are
//! ordinary characters. Reserved names, hidden files and special folders only match when the pattern spells them.

use globset::{GlobBuilder, GlobMatcher};

use super::format;

/// Files that describe a dataset rather than being its data.
pub(super) const RESERVED: &[&str] =
    &["README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"];

/// A compiled pattern, relative to the repository's root.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    /// None = a plain path, or one that can match nothing (it leads out of the repository).
    glob: Option<GlobMatcher>,
}

/// A pattern that is no glob, such as one with `**` inside a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidPattern;

impl Pattern {
    /// Compiles `pattern` below the folder `base` (empty = the root).
    pub(super) fn new(base: &str, pattern: &str) -> Result<Self, InvalidPattern> {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let base = base.strip_prefix("./").unwrap_or(base).trim_end_matches('/');
        let text = if base.is_empty() { pattern.to_owned() } else { format!("{base}/{pattern}") };
        if text.split('/').any(|part| part.contains("**") && part != "**") {
            return Err(InvalidPattern);
        }
        let glob = if has_magic(&text) { Some(compile(&text)?) } else { None };
        Ok(Self { text, glob })
    }

    /// Whether it is a glob: a plain path that matches nothing is an error, a glob that matches nothing is empty.
    pub(super) fn has_magic(&self) -> bool {
        self.glob.is_some()
    }

    /// Whether it means this file, whatever its extension.
    pub(super) fn is_match(&self, path: &str) -> bool {
        let matched = self.glob.as_ref().map_or_else(|| self.text == path, |glob| glob.is_match(path));
        matched && self.exclusion(path).is_none()
    }

    /// Which rule keeps a file out although the glob matches.
    pub(super) fn exclusion(&self, path: &str) -> Option<&'static str> {
        let (name, own) = (last(path), last(&self.text));
        if RESERVED.contains(&name) && name != own {
            Some("reserved_name")
        } else if count(folders(path), is_special) != count(folders(&self.text), is_special) {
            Some("special_folder")
        } else if count(path.split('/'), is_hidden) != count(self.text.split('/'), is_hidden) {
            Some("hidden")
        } else {
            None
        }
    }

    /// The files that it means, in the order given: data only, by their extensions.
    pub(super) fn data_files<'a>(&self, paths: &'a [String]) -> impl Iterator<Item = &'a String> {
        paths.iter().filter(|path| self.is_match(path) && format::is_data(path))
    }
}

fn compile(text: &str) -> Result<GlobMatcher, InvalidPattern> {
    // Alternatives in braces are globset's own idea.
    let escaped: String = text.chars().fold(String::new(), |mut out, c| {
        match c {
            '{' => out.push_str("[{]"),
            '}' => out.push_str("[}]"),
            c => out.push(c),
        }
        out
    });
    let mut builder = GlobBuilder::new(&escaped);
    builder.literal_separator(true).backslash_escape(false).allow_unclosed_class(true);
    builder.build().map(|glob| glob.compile_matcher()).map_err(|_| InvalidPattern)
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit('/').skip(1)
}

fn count<'a>(parts: impl Iterator<Item = &'a str>, is: fn(&str) -> bool) -> usize {
    parts.filter(|part| is(part)).count()
}

fn is_special(part: &str) -> bool {
    part.starts_with("__")
}

fn is_hidden(part: &str) -> bool {
    part.starts_with('.') && part.bytes().any(|b| b != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new("", pattern).unwrap().is_match(path)
    }

    #[test]
    fn globs_as_fsspec_reads_them() {
        for (pattern, path, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "d/a.csv", false),
            ("**/*.csv", "a.csv", true),
            ("**/*.csv", "d/e/a.csv", true),
            ("**", "d/a.csv", true),
            ("d/**", "d/e/a.csv", true),
            ("d/**", "da.csv", false),
            ("d", "d/a.csv", false),
            ("?.csv", "ab.csv", false),
            ("[!a].csv", "b.csv", true),
            ("{a,b}*.csv", "a.csv", false),
            ("{a,b}*.csv", "{a,b}1.csv", true),
            ("**/train[-._ 0-9]*", "x/train.csv", true),
            ("**/train[-._ 0-9]*", "trains.csv", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "`{pattern}` on `{path}`");
        }
        assert_eq!(Pattern::new("", "data**.csv").unwrap_err(), InvalidPattern);
        assert!(!Pattern::new("", "../a.csv").unwrap().is_match("a.csv"));
    }

    #[test]
    fn what_is_not_spelled_is_not_meant() {
        assert!(!matches("**", ".hidden.csv") && matches(".*", ".hidden.csv"));
        assert!(!matches(".*/*", ".d/.h.csv") && matches(".*/.*", ".d/.h.csv"));
        assert!(!matches("*/b.csv", "__x/b.csv") && matches("__*/*", "__x/b.csv"));
        assert!(!matches("*.json", "config.json") && matches("config.json", "config.json"));
    }

    #[test]
    fn a_base_folder_is_a_prefix() {
        let pattern = Pattern::new("./d/", "*.csv").unwrap();
        assert!(pattern.is_match("d/a.csv") && !pattern.is_match("a.csv"));
    }
}
