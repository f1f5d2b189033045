//! The Markdown pages point at files that exist.

use crate::{SourceFile, Tree};
use regex::Regex;
use std::{
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").expect("a valid pattern"));

/// Links whose file is gone; `exists` is asked with a path relative to the root.
pub fn links(tree: &Tree, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for page in tree.ending(&[".md"]) {
        for target in targets(page) {
            if !target_path(&page.path, &target).is_some_and(|path| exists(&path)) {
                complaints.push(format!("{} links to `{target}`, which does not exist", page.path));
            }
        }
    }
    complaints
}

/// The links of a page to files; code blocks and addresses are none.
fn targets(page: &SourceFile) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let links = LINK.captures_iter(line).map(|link| link[1].to_owned());
            found.extend(links.filter(|link| !link.contains("://") && !link.starts_with(['#', '<'])));
        }
    }
    found
}

/// Where `target` leads from `page`; none when it leads out of the repository.
fn target_path(page: &str, target: &str) -> Option<PathBuf> {
    let file = target.split('#').next()?;
    let mut path = Path::new(page).parent()?.to_path_buf();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_dead_link_is_found() {
        let page = sample("docs/A.md", "[a](../libs/hub/src/lib.rs#x), [b](gone.rs), [c](https://x.org), [d](#here)\n");
        let found = links(&page, |path| path == Path::new("libs/hub/src/lib.rs"));
        assert_eq!(found, ["docs/A.md links to `gone.rs`, which does not exist"]);
    }

    #[test]
    fn a_link_out_of_the_repository_is_dead() {
        assert_eq!(links(&sample("A.md", "[a](../../etc/passwd) [b](/etc/passwd)\n"), |_| true).len(), 2);
    }

    #[test]
    fn code_blocks_hold_no_links() {
        assert_eq!(links(&sample("A.md", "```\nx[i](gone)\n```\n"), |_| false), [""; 0]);
    }
}
