//! How a split's files are cut into tasks: pure arithmetic over sizes, so that every plan of a commit is the same.

use super::{Options, PlannedSplit, SourceFile, format::Format};

/// Small files share a task up to this many bytes, so that a task is worth its claim and its shard.
pub const GROUP_BYTES: u64 = 256 << 20;

/// A task holds all its files open.
const GROUP_FILES: usize = 100;
/// A task's files must fit its control messages, which carry path and digest of each, and of many tasks at once.
const GROUP_MESSAGE_BYTES: usize = 20 << 10;
/// Digest, size and punctuation of a file in a message.
const FILE_MESSAGE_BYTES: usize = 120;

/// Consecutive files of one split, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGroup<'a> {
    pub split: &'a str,
    /// Position of the split: split names come from strangers, so files on the volume carry this number.
    pub split_number: u32,
    /// Position in the split of the group's first file.
    pub first_file: usize,
    pub files: &'a [SourceFile],
    /// Of the split as a whole.
    pub format: Format,
    pub options: &'a Options,
}

impl FileGroup<'_> {
    /// Bytes to fetch.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Groups of all splits, in the order of the source.
pub fn groups(splits: &[PlannedSplit]) -> Vec<FileGroup<'_>> {
    let numbered = splits.iter().zip(0..);
    numbered.flat_map(|(split, number)| split_groups(split, number)).collect()
}

fn split_groups(split: &PlannedSplit, split_number: u32) -> Vec<FileGroup<'_>> {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < split.files.len() {
        let (mut bytes, mut message) = (0_u64, 0);
        let fits = |file: &&SourceFile| {
            bytes = bytes.saturating_add(file.size);
            message += file.path.len() + FILE_MESSAGE_BYTES;
            bytes <= GROUP_BYTES && message <= GROUP_MESSAGE_BYTES
        };
        // A file that is too large for any group has one of its own; so has an archive, which is many files.
        let is_archive = |file: &SourceFile| file.path.to_ascii_lowercase().ends_with(".zip");
        let rest = &split.files[start..];
        let plain = rest.iter().take(GROUP_FILES).take_while(|file| !is_archive(file));
        let count = plain.take_while(fits).count().max(1);
        let files = &split.files[start..start + count];
        let PlannedSplit { name, format, options, .. } = split;
        groups.push(FileGroup { split: name, split_number, first_file: start, files, format: *format, options });
        start += count;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const FORMAT: Format = Format { name: "parquet", variant: "", separator: None };

    fn splits() -> impl Strategy<Value = Vec<PlannedSplit>> {
        let size = prop_oneof![0..1_u64 << 20, 0..GROUP_BYTES * 2, Just(GROUP_BYTES)];
        let files = prop::collection::vec((size, 1..200_usize), 0..200);
        prop::collection::vec(files, 1..4).prop_map(|splits| {
            let file = |(size, length)| SourceFile { path: "p".repeat(length), size, digest: "0".repeat(64) };
            let split = |(number, files): (usize, Vec<_>)| PlannedSplit {
                name: format!("s{number}"),
                files: files.into_iter().map(file).collect(),
                format: FORMAT,
                options: Arc::default(),
            };
            splits.into_iter().enumerate().map(split).collect()
        })
    }

    proptest! {
        #[test]
        fn each_file_is_in_exactly_one_task_and_in_order(splits in splits()) {
            let groups = groups(&splits);
            for (split, number) in splits.iter().zip(0..) {
                let own: Vec<_> = groups.iter().filter(|g| g.split_number == number).collect();
                let joined: Vec<_> = own.iter().flat_map(|g| g.files).collect();
                prop_assert!(joined.iter().copied().eq(&split.files));
                let mut next = 0;
                for group in own {
                    prop_assert_eq!(group.first_file, next);
                    prop_assert!(group.files.len() == 1 || group.size_bytes() <= GROUP_BYTES);
                    prop_assert!(serde_json::to_vec(group.files).unwrap().len() <= 28 << 10);
                    next += group.files.len();
                }
            }
            prop_assert!(groups.windows(2).all(|w| w[0].split_number <= w[1].split_number));
        }
    }

    #[test]
    fn an_archive_is_alone() {
        let file = |path: &str| SourceFile { path: path.into(), size: 1, digest: String::new() };
        let files = ["a.jsonl", "b.jsonl", "c.zip", "d.ZIP", "e.jsonl"].map(file).to_vec();
        let splits = [PlannedSplit { name: "train".into(), files, format: FORMAT, options: Arc::default() }];
        assert_eq!(groups(&splits).iter().map(|g| g.files.len()).collect::<Vec<_>>(), [2, 1, 1, 1]);
    }

    #[test]
    fn groups_are_filled() {
        let file = |size| SourceFile { path: "a".into(), size, digest: String::new() };
        let mib = 1 << 20;
        let files = vec![file(100 * mib), file(156 * mib), file(1), file(300 * mib), file(0), file(256 * mib), file(1)];
        let splits = [PlannedSplit { name: "train".into(), files, format: FORMAT, options: Arc::default() }];
        let sizes: Vec<usize> = groups(&splits).iter().map(|g| g.files.len()).collect();
        assert_eq!(sizes, [2, 1, 1, 2, 1]);
    }
}
