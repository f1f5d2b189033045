//! The samples of a tar archive: members that follow each other and share a key.
//!
//! Names from the archive are never used as paths. Links, hidden files and names without a dot are in no sample, as in
//! `datasets`; they are told.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read},
};

use dataset_model::LeftOutMembers;
use tar::{Archive, EntryType};
use tokio_util::sync::CancellationToken;

use crate::convert::{ConvertError, batches::ROW_BYTES, compressed::Plain};

/// Archives consist of blocks.
const BLOCK: u64 = 512;

/// Members with one key.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) key: String,
    /// Columns and contents, in the order of the archive.
    pub(super) members: Vec<(String, Vec<u8>)>,
}

impl Sample {
    pub(super) fn bytes(&self) -> u64 {
        self.members.iter().map(|(_, content)| content.len() as u64).sum()
    }
}

/// The samples of an archive, one after the other.
pub(super) struct Samples {
    input: Plain,
    file: String,
    /// Bytes read so far.
    at: Cell<u64>,
    left_out: LeftOutMembers,
    /// The first member of the next sample.
    next: Option<Sample>,
    ended: bool,
}

impl Samples {
    pub(super) fn open(file: &File, path: &str, stop: &CancellationToken) -> Result<Self, ConvertError> {
        let (input, left_out) = (Plain::open(file, path, stop)?, LeftOutMembers::default());
        Ok(Self { input, file: path.to_owned(), at: Cell::new(0), left_out, next: None, ended: false })
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The members so far that are in no sample.
    pub(super) fn left_out(self) -> LeftOutMembers {
        self.left_out
    }

    /// What a member is called in a message.
    pub(super) fn name_of(&self, sample: &Sample, column: &str) -> String {
        format!("{}/{}.{column}", self.file(), sample.key)
    }

    pub(super) fn bad(&self, sample: &Sample, column: &str, why: &str) -> ConvertError {
        let member = format!("{}.{column}", sample.key);
        ConvertError::BadMember { file: self.file().to_owned(), member, why: why.to_owned() }
    }

    /// The next sample, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Sample>, ConvertError> {
        let mut sample = self.next.take();
        while !self.ended {
            let Some(Sample { key, mut members }) = self.member()? else {
                self.ended = true;
                break;
            };
            match &mut sample {
                None => sample = Some(Sample { key, members }),
                Some(sample) if sample.key == key => {
                    if let Some((column, _)) =
                        members.first().filter(|(new, _)| sample.members.iter().any(|(c, _)| c == new))
                    {
                        return Err(self.bad(sample, column, "it stands twice"));
                    }
                    sample.members.append(&mut members);
                    if sample.bytes() > ROW_BYTES {
                        return Err(self.too_large(&sample.key));
                    }
                }
                Some(_) => {
                    self.next = Some(Sample { key, members });
                    break;
                }
            }
        }
        Ok(sample)
    }

    /// The next member, as a sample of its own.
    fn member(&mut self) -> Result<Option<Sample>, ConvertError> {
        let left = Cell::new(0);
        let mut input = Counted { input: &mut self.input, at: &self.at, left: &left };
        let read = read_member(&mut input, &left, |member, rule| {
            self.left_out.push(format!("{}/{member}", self.file), rule);
        });
        match read {
            Ok(Found::Member(sample)) => Ok(Some(sample)),
            Ok(Found::TooLarge(name)) => Err(self.too_large(&name)),
            Ok(Found::End) => Ok(None),
            Err(source) => Err(match self.input.error(source) {
                ConvertError::Disk { file, source } if source.raw_os_error().is_none() => {
                    ConvertError::BadCompression { file, kind: "tar", source }
                }
                other => other,
            }),
        }
    }

    fn too_large(&self, name: &str) -> ConvertError {
        let place = format!("`{name}`");
        ConvertError::RowTooLarge { file: self.file().to_owned(), place, limit: ROW_BYTES }
    }
}

/// What was read.
enum Found {
    Member(Sample),
    TooLarge(String),
    End,
}

/// Each call reads on as if an archive began at the next block: so nothing of the iteration need be kept.
fn read_member(
    input: &mut Counted<'_>,
    left: &Cell<u64>,
    mut leave_out: impl FnMut(&str, &'static str),
) -> io::Result<Found> {
    left.set(ROW_BYTES);
    let over = input.at.get() % BLOCK;
    if over > 0 {
        io::copy(&mut input.by_ref().take(BLOCK - over), &mut io::sink())?;
    }
    let mut archive = Archive::new(input);
    let mut entries = archive.entries()?;
    while let Some(mut entry) = entries.next().transpose()? {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.size();
        // What is skipped is read as well.
        left.set(size.saturating_add(ROW_BYTES));
        let kind = entry.header().entry_type();
        let (key, column) = match split(&path) {
            // What an archive says of itself is no member either.
            _ if matches!(kind, EntryType::Directory | EntryType::XGlobalHeader) => continue,
            Ok(name) if kind.is_file() => name,
            Ok(_) => {
                leave_out(&path, "no_file");
                continue;
            }
            Err(rule) => {
                leave_out(&path, rule);
                continue;
            }
        };
        if size > ROW_BYTES {
            return Ok(Found::TooLarge(path));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        if content.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        return Ok(Found::Member(Sample { key: key.to_owned(), members: vec![(column.to_owned(), content)] }));
    }
    Ok(Found::End)
}

/// What stands before the first dot of a member's name, and what stands behind it; or the rule that leaves it out.
fn split(path: &str) -> Result<(&str, &str), &'static str> {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    if path[name..].starts_with('.') || path[name..].starts_with("__") {
        return Err("hidden");
    }
    let dot = name + path[name..].find('.').ok_or("unknown_extension")?;
    Ok((&path[..dot], &path[dot + 1..]))
}

/// The plain bytes, counted; what says itself that it is longer than anything may be is not read into memory.
struct Counted<'a> {
    input: &'a mut Plain,
    at: &'a Cell<u64>,
    left: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)? as u64;
        self.at.set(self.at.get() + read);
        let left = self.left.get().checked_sub(read);
        self.left.set(left.ok_or_else(|| io::Error::other("a header is too long"))?);
        Ok(usize::try_from(read).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_columns() {
        assert_eq!(split("d.x/a.en.txt"), Ok(("d.x/a", "en.txt")));
        assert_eq!(split("a.txt."), Ok(("a", "txt.")));
        assert_eq!(split("README"), Err("unknown_extension"));
        assert_eq!((split("d/.hidden"), split("__a.txt")), (Err("hidden"), Err("hidden")));
    }

    #[test]
    fn what_is_in_no_sample_is_told() {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, kind, content) in [
            ("d", EntryType::Directory, ""),
            ("d/a.txt", EntryType::Regular, "a"),
            ("d/README", EntryType::Regular, "read me"),
            ("d/._a.txt", EntryType::Regular, "hidden"),
            ("d/b.txt", EntryType::Symlink, ""),
            ("d/c.txt", EntryType::Regular, "c"),
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &archive.into_inner().unwrap()).unwrap();
        let mut samples = Samples::open(&file, "x.tar", &CancellationToken::new()).unwrap();
        let keys = std::iter::from_fn(|| samples.next().unwrap()).map(|sample| sample.key).collect::<Vec<_>>();
        assert_eq!(keys, ["d/a", "d/c"]);
        let left_out = samples.left_out();
        let told: Vec<_> = left_out.first.iter().map(|one| (one.path.as_str(), one.rule.as_str())).collect();
        let expected =
            [("x.tar/d/README", "unknown_extension"), ("x.tar/d/._a.txt", "hidden"), ("x.tar/d/b.txt", "no_file")];
        assert_eq!((told.as_slice(), left_out.count), (&expected[..], 3));
    }
}
