//! Members of archives that an ingest read no rows from: how many, and the first of them. Which there are is known only
//! once an archive was opened, so a plan, which names the files that were left out, cannot name these.

use serde::{Deserialize, Serialize};

use crate::{hub_dataset::LeftOut, skipped::add};

/// Bytes of JSON that the shown members take at most.
const SHOWN_BYTES: usize = 8 << 10;

/// What was left out of the archives of a task, a split or a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOutMembers {
    pub count: u64,
    /// The first of them in the order of the source, as many as are shown. A path is that of the archive, then the member's.
    pub first: Vec<LeftOut>,
}

impl LeftOutMembers {
    /// So many are shown at most.
    pub const SHOWN: usize = 100;

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the next one.
    pub fn push(&mut self, path: String, rule: &str) {
        self.extend(1, [LeftOut { path, rule: rule.to_owned() }]);
    }

    /// Adds what follows in the order of the source. `first` are the first of `count` members.
    pub fn extend(&mut self, count: u64, first: impl IntoIterator<Item = LeftOut>) {
        // Strangers name them, and somebody's terminal shows them.
        let plain = |path: &str| path.replace(char::is_control, "\u{fffd}");
        let first = first.into_iter().map(|member| LeftOut { path: plain(&member.path), ..member });
        add((&mut self.count, &mut self.first), count, first, (Self::SHOWN, SHOWN_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_shown_within_their_bytes_and_all_are_counted() {
        let mut left_out = LeftOutMembers::default();
        for n in 0..200 {
            left_out.push(format!("a.zip/{n}.png"), "other_format");
        }
        assert_eq!((left_out.count, left_out.first.len()), (200, LeftOutMembers::SHOWN));
        let mut odd = LeftOutMembers::default();
        odd.push("a.zip/\u{1b}[2J.png".into(), "other_format");
        assert_eq!(odd.first[0].path, "a.zip/\u{fffd}[2J.png");
        let mut long = LeftOutMembers::default();
        long.push("x".repeat(9 << 10), "hidden");
        long.push("a.zip/a.png".into(), "other_format");
        assert_eq!((long.count, long.first.len()), (2, 0));
        left_out.extend(long.count, long.first);
        assert_eq!((left_out.count, left_out.first.len()), (202, 100));
    }
}
