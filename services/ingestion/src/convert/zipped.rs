//! Zip archives: each member that is data is a source of its own, in the order of a walk through its folders.
//!
//! The archive is a stranger's. Nothing is ever written under a name of its own: a member is unpacked into a file
//! without a name, one at a time. What is hidden or special is no data, as in `datasets`; it is told with all else that
//! no rows are read from.

mod lzma;
mod member;
mod names;

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use dataset_model::{LeftOutMembers, hub_dataset::LeftOut};
use tokio_util::sync::CancellationToken;
use zip::ZipArchive;

pub(super) use self::member::Member;
use self::{
    member::Archive,
    names::{OTHER_FORMAT, is_plain, own_format, shown, walk_order},
};
use super::{
    BOMB_BYTES, BOMB_RATIO, Content, ConvertError, FirstPass, Format, Opened, Reading, Source, first_pass, guard::guard,
};
use crate::plan::format;

/// The list of members is held in memory: a longer one than this is refused.
const DIRECTORY_BYTES: u64 = 16 << 20;
/// Members are told apart in where rows come from as long as their names take no more: every shard carries these.
const NAMES_BYTES: usize = 128 << 10;
/// What an archive is read from.
type Input = BufReader<Bounded>;

/// Whether a file is an archive, by its name, else by its first bytes.
pub(super) fn is_zip(path: &str, head: &[u8]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension == "zip") || head.starts_with(b"PK\x03\x04")
}

/// A member that is data: its name, its format, its number in the archive, and its size unpacked.
type Listed = (String, Format, usize, u64);
/// Any other: its name, and the rule that leaves it out.
type Other = (String, &'static str);

/// The members that are data: of the format that the archive stands for, else of their most common one.
pub(super) fn sources(
    path: &str,
    file: File,
    reading: &Reading,
    scratch: &Path,
    stop: &CancellationToken,
) -> Result<Opened, ConvertError> {
    let Reading { format: hint, on_bad_rows, .. } = *reading;
    let disk = |source| ConvertError::Disk { file: path.to_owned(), source };
    let bad = |source| ConvertError::BadCompression { file: path.to_owned(), kind: "zip", source };
    let size = file.metadata().map_err(disk)?.len();
    let left = Arc::new(AtomicU64::new(DIRECTORY_BYTES));
    let input = BufReader::new(Bounded { file, left: Arc::clone(&left) });
    let mut zip = guard(|| Ok(ZipArchive::new(input)?)).map_err(|cause| bad(io::Error::other(cause)))?;
    left.store(u64::MAX, Relaxed);
    let (mut members, mut others) = listed(&mut zip, path)?;
    let wanted = wanted(hint, &members).ok_or_else(|| ConvertError::NoMembers { file: path.to_owned() })?;
    others.extend(members.extract_if(.., |(_, own, ..)| !own.is_like(wanted)).map(|(name, ..)| (name, OTHER_FORMAT)));
    let mut left_out = told(path, others);
    members.sort_by(|(one, ..), (other, ..)| walk_order(one, other));
    let unpacked = members.iter().fold(0, |sum: u64, (.., size)| sum.saturating_add(*size));
    if unpacked > BOMB_BYTES.max(size.saturating_mul(BOMB_RATIO)) {
        return Err(ConvertError::Bomb { file: path.to_owned(), size, ratio: BOMB_RATIO });
    }
    let are_named = members.iter().map(|(name, ..)| path.len() + name.len()).sum::<usize>() <= NAMES_BYTES;
    let archive = Archive { path: path.to_owned(), scratch: scratch.to_owned(), zip: Mutex::new(zip) };
    let archive = Arc::new(archive);
    let source = |(name, own, number, size): Listed| {
        let member = Member { archive: Arc::clone(&archive), number, size };
        let full = format!("{path}/{name}");
        // What its archive was declared to be says more than the member's name: another separator, for example.
        let format = if own.is_like(hint) && own != Format::TSV { hint } else { own };
        // Text has no schema of its own: it need not be unpacked to be known.
        let reading = Reading { format, ..reading.clone() };
        let seen = match format {
            Format::Text => FirstPass::new(super::text::schema(&reading.options), on_bad_rows),
            _ => first_pass(&member.unpack(&full, stop)?, &full, &reading, stop)?,
        };
        left_out.extend(seen.left_out.count, seen.left_out.first.iter().cloned());
        let source = Source::new(full, Content::Member(member), size, &reading, seen)?;
        Ok(if are_named { source } else { Source { origin: path.to_owned(), ..source } })
    };
    let sources = members.into_iter().map(source).collect::<Result<_, _>>()?;
    Ok(Opened { sources, left_out })
}

/// All members but folders: those that are data, and the others.
fn listed(zip: &mut ZipArchive<Input>, path: &str) -> Result<(Vec<Listed>, Vec<Other>), ConvertError> {
    let bad = |source| ConvertError::BadCompression { file: path.to_owned(), kind: "zip", source };
    let (mut members, mut others) = (Vec::new(), Vec::new());
    for number in 0..zip.len() {
        let entry = zip.by_index_raw(number).map_err(|error| bad(error.into()))?;
        let name = entry.name().to_owned();
        let refused = |why: &str| {
            Err(ConvertError::BadMember { file: path.to_owned(), member: shown(&name), why: why.to_owned() })
        };
        if !is_plain(&name) {
            return refused("its name leads out of the archive");
        }
        if entry.is_dir() {
            continue;
        }
        match own_format(&name) {
            Ok(_) if entry.encrypted() => return refused("it is encrypted"),
            Ok(own) => members.push((name, own, number, entry.size())),
            Err(rule) => others.push((name, rule)),
        }
    }
    Ok((members, others))
}

fn told(path: &str, mut members: Vec<Other>) -> LeftOutMembers {
    members.sort_by(|(one, _), (other, _)| walk_order(one, other));
    let count = members.len() as u64;
    let shown =
        members.into_iter().map(|(name, rule)| LeftOut { path: format!("{path}/{name}"), rule: rule.to_owned() });
    let mut left_out = LeftOutMembers::default();
    left_out.extend(count, shown);
    left_out
}

impl Format {
    /// Whether one reader reads both.
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

fn wanted(hint: Format, members: &[Listed]) -> Option<Format> {
    if members.iter().any(|(_, own, ..)| own.is_like(hint)) {
        return Some(hint);
    }
    let names = members.iter().map(|(name, ..)| name.as_str());
    format::infer(names).and_then(|format| Format::named(&format.converter()))
}

/// Gives no more than so many bytes, which are counted where they can be granted anew.
#[derive(Debug)]
struct Bounded {
    file: File,
    left: Arc<AtomicU64>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.left.load(Relaxed).checked_sub(read as u64);
        self.left.store(left.ok_or_else(|| io::Error::other("its list of members is too long"))?, Relaxed);
        Ok(read)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::RecordBatch;
    use std::io::Write;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn archive(members: &[(&str, &[u8])]) -> File {
        let mut archive = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, content) in members {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap()
    }

    fn opened(members: &[(&str, &[u8])]) -> Result<Opened, ConvertError> {
        let scratch = tempfile::tempdir().unwrap();
        sources("a.zip", archive(members), &Format::Zip.into(), scratch.path(), &CancellationToken::new())
    }

    #[test]
    fn what_no_rows_are_read_from_is_told_with_its_rule() {
        let text = &b"line\n"[..];
        let members = [
            ("d/b.txt", text),
            (".hidden.txt", text),
            ("a.txt", text),
            ("__MACOSX/._a.txt", text),
            ("d/a.csv", text),
            ("d/inner.zip", text),
            ("LICENSE", text),
            ("b.png", text),
        ];
        let Opened { sources, left_out } = opened(&members).unwrap();
        assert_eq!(sources.iter().map(Source::path).collect::<Vec<_>>(), ["a.zip/a.txt", "a.zip/d/b.txt"]);
        let told: Vec<_> = left_out.first.iter().map(|one| (one.path.as_str(), one.rule.as_str())).collect();
        let expected = [
            ("a.zip/.hidden.txt", "hidden"),
            ("a.zip/LICENSE", "unknown_extension"),
            ("a.zip/b.png", "other_format"),
            ("a.zip/__MACOSX/._a.txt", "special_folder"),
            ("a.zip/d/a.csv", "other_format"),
            ("a.zip/d/inner.zip", "archive_in_archive"),
        ];
        assert_eq!((told.as_slice(), left_out.count), (&expected[..], 6));
        let mut folder = ZipWriter::new(tempfile::tempfile().unwrap());
        folder.add_directory("__d", SimpleFileOptions::default()).unwrap();
        folder.start_file("a.txt", SimpleFileOptions::default()).unwrap();
        let (scratch, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let folder = folder.finish().unwrap();
        let opened = super::sources("a.zip", folder, &Format::Zip.into(), scratch.path(), &stop).unwrap();
        assert!(opened.left_out.is_empty(), "a folder is no member");
    }

    #[test]
    fn rows_come_from_the_archive_when_its_members_are_too_many_to_tell_apart() {
        let names: Vec<String> = (0..2000).map(|n| format!("{}/{n:04}.txt", "long".repeat(20))).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"line\n"[..])).collect();
        let found = opened(&many).unwrap().sources;
        assert_eq!((found.len(), found[1999].origin()), (2000, "a.zip"));
        assert_eq!(found[1].path(), format!("a.zip/{}", names[1]));
        assert_eq!(opened(&many[..3]).unwrap().sources[2].origin(), format!("a.zip/{}", names[2]));
    }

    #[test]
    fn what_unpacks_to_far_more_is_refused_before_it_is_unpacked() {
        // Packed once, and copied as it is.
        let mut one = ZipArchive::new(archive(&[("0.txt", &vec![b'\n'; 1 << 20])])).unwrap();
        let mut bomb = ZipWriter::new(tempfile::tempfile().unwrap());
        for n in 0..1100 {
            bomb.raw_copy_file_rename(one.by_index_raw(0).unwrap(), format!("{n}.txt")).unwrap();
        }
        let (scratch, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let refused = sources("a.zip", bomb.finish().unwrap(), &Format::Zip.into(), scratch.path(), &stop);
        assert!(matches!(refused, Err(ConvertError::Bomb { .. })));
    }

    /// An archive whose member is stored, and said to be packed with LZMA.
    fn lzma(plain: &[u8], dictionary: Option<u32>) -> File {
        let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file("a.jsonl", stored).unwrap();
        archive.write_all(&lzma::tests::packed(plain, dictionary)).unwrap();
        let mut bytes = archive.finish().unwrap().into_inner();
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(plain);
        for (method, checksum, size) in [(8, 14, 22), (central + 10, central + 16, central + 24)] {
            bytes[method..method + 2].copy_from_slice(&14_u16.to_le_bytes());
            bytes[checksum..checksum + 4].copy_from_slice(&crc.sum().to_le_bytes());
            bytes[size..size + 4].copy_from_slice(&u32::try_from(plain.len()).unwrap().to_le_bytes());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn lzma_is_read_unless_it_takes_too_much_memory() {
        let (scratch, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let open = |file| sources("a.zip", file, &Format::Zip.into(), scratch.path(), &stop);
        let found = open(lzma(b"{\"a\": 1}\n", None)).unwrap().sources;
        let schema = super::super::common_schema(&found).unwrap();
        let rows: usize = found[0].batches(&schema, &stop).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 1);
        let hostile = open(lzma(b"{\"a\": 1}\n", Some(u32::MAX)));
        assert!(matches!(hostile, Err(ConvertError::TooMuchMemory { .. })), "{hostile:?}");
    }

    #[test]
    fn a_member_that_says_it_is_smaller_than_it_is_is_refused() {
        let mut file = archive(&[("a.txt", &[b'x'; 5000])]);
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        for at in (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == 5000_u32.to_le_bytes()).collect::<Vec<_>>() {
            bytes[at..at + 4].copy_from_slice(&4999_u32.to_le_bytes());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let (scratch, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let found = sources("a.zip", file, &Format::Zip.into(), scratch.path(), &stop).unwrap().sources;
        let schema = super::super::common_schema(&found).unwrap();
        let read = found[0].batches(&schema, &stop).and_then(Iterator::collect::<Result<Vec<RecordBatch>, _>>);
        assert!(matches!(read, Err(ConvertError::BadMember { .. })), "{read:?}");
    }
}
