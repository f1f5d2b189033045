//! What the name of a member says: whether it may be unpacked at all, what it holds, and where it stands in the order of
//! the source.

use std::cmp::Ordering;

use crate::{convert::Format, plan::format};

/// Whether it stays within the archive.
pub(super) fn is_plain(name: &str) -> bool {
    let leads_out = name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
    !leads_out && !name.contains(['\0', ':'])
}

/// The format of a member, or the rule that leaves it out: the same names as a plan has for files of the repository.
pub(super) fn own_format(name: &str) -> Result<Format, &'static str> {
    if let Some(rule) = exclusion(name) {
        return Err(rule);
    }
    match format::infer([name]).and_then(|format| Format::named(&format.converter())) {
        Some(Format::Zip) => Err("archive_in_archive"),
        Some(format) => Ok(format),
        None if format::is_data(name) => Err(OTHER_FORMAT),
        None => Err("unknown_extension"),
    }
}

/// What is data, but not what the rows of this archive are read from.
pub(super) const OTHER_FORMAT: &str = "other_format";

fn exclusion(name: &str) -> Option<&'static str> {
    let is_special = |part: &str| part.starts_with("__");
    let is_hidden = |part: &str| part.starts_with('.') && part != ".";
    if name.rsplit('/').skip(1).any(is_special) {
        return Some("special_folder");
    }
    name.split('/').any(|part| is_hidden(part) || is_special(part)).then_some("hidden")
}

/// Names for a message come from strangers, too.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The files of a folder come before its folders, each by name.
pub(super) fn walk_order(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.split('/').peekable(), other.split('/').peekable());
    loop {
        let (Some(a), Some(b)) = (left.next(), right.next()) else { return one.cmp(other) };
        let is_folder = (left.peek().is_some(), right.peek().is_some());
        match is_folder.0.cmp(&is_folder.1).then_with(|| a.cmp(b)) {
            Ordering::Equal => {}
            different => return different,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_come_before_its_folders() {
        let mut names = ["b/a.txt", "a/z/a.txt", "c.txt", "a/b.txt", "a.txt"];
        names.sort_by(|one, other| walk_order(one, other));
        assert_eq!(names, ["a.txt", "c.txt", "a/b.txt", "a/z/a.txt", "b/a.txt"]);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../a.txt", "/a.txt", "a/../../b.txt", "..\\a.txt", "C:\\a.txt", "a\0.txt"] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("a/b..txt"));
    }

    #[test]
    fn what_is_no_data_has_its_rule() {
        for (name, rule) in [
            ("a/.b/c.txt", "hidden"),
            (".a.txt", "hidden"),
            ("__a.txt", "hidden"),
            ("__MACOSX/._a.txt", "special_folder"),
            ("a/b.zip", "archive_in_archive"),
            ("a.png", OTHER_FORMAT),
            ("README.md", OTHER_FORMAT),
            ("LICENSE", "unknown_extension"),
        ] {
            assert_eq!(own_format(name), Err(rule), "{name}");
        }
        assert_eq!((own_format("./a.txt"), own_format("a.csv.gz")), (Ok(Format::Text), Ok(Format::CSV)));
    }
}
