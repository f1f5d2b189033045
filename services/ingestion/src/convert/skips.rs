//! Rows that cannot be read in files that otherwise can: an error, or left out and counted.
//!
//! Whether a row is bad is a function of the row alone. So every pass over a file leaves out the same ones, and none has
//! to remember them for another, however many they are.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use dataset_model::{OnBadRows, SkippedRow, SkippedRows};

use super::ConvertError;

/// The most that a parser's words take.
const WHY: usize = 200;

/// Consecutive rows of a source that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Rows of the batch before it.
    pub at: usize,
    pub count: u64,
    /// The first of them, as long as the file has few.
    pub first: Vec<SkippedRow>,
}

/// What a reader does with bad rows, and which it left out.
#[derive(Debug)]
pub(super) struct Skips {
    on_bad_rows: OnBadRows,
    gaps: Vec<Gap>,
    shown: usize,
}

impl Skips {
    pub(super) fn new(on_bad_rows: OnBadRows) -> Self {
        Self { on_bad_rows, gaps: Vec::new(), shown: 0 }
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.on_bad_rows == OnBadRows::Skip
    }

    /// Leaves a row out that follows the first `at` of a batch; gives the error back when nobody asked for that, or when
    /// more than a row is broken.
    pub(super) fn leave_out(&mut self, at: usize, error: ConvertError) -> Result<(), ConvertError> {
        match (self.on_bad_rows, error) {
            (OnBadRows::Skip, ConvertError::BadLine { file, line, why }) => {
                self.add(at, || SkippedRow { file, line, why: why.chars().take(WHY).collect() });
                Ok(())
            }
            (_, error) => Err(error),
        }
    }

    fn add(&mut self, at: usize, row: impl FnOnce() -> SkippedRow) {
        let first = (self.shown < SkippedRows::SHOWN).then(row);
        self.shown += first.iter().len();
        match self.gaps.last_mut() {
            Some(gap) if gap.at == at => {
                gap.count += 1;
                gap.first.extend(first);
            }
            _ => self.gaps.push(Gap { at, count: 1, first: first.into_iter().collect() }),
        }
    }

    /// At the end of a file: a batch without rows for the gaps behind the last one.
    pub(super) fn rest(&self, schema: &SchemaRef) -> Option<RecordBatch> {
        (!self.gaps.is_empty()).then(|| RecordBatch::new_empty(Arc::clone(schema)))
    }

    /// The gaps since this was last asked.
    pub(super) fn take(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::{Format, Reading, Source, common_schema};
    use std::io::Write;
    use tokio_util::sync::CancellationToken;

    /// What is kept of a file, as text, with the numbers of its source rows; then the lines that are skipped.
    type Read = (Vec<(u64, String)>, Vec<u64>);

    fn read(name: &str, format: Format, content: &[u8], on_bad_rows: OnBadRows) -> Result<Read, ConvertError> {
        let (scratch, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let sources =
            Source::open_all(name, file, Reading { on_bad_rows, ..format.into() }, scratch.path(), &stop)?.sources;
        let schema = common_schema(&sources)?;
        let (mut kept, mut skipped) = (Vec::new(), Vec::new());
        for source in &sources {
            let mut batches = source.batches(&schema, &stop)?;
            let (mut row, mut count, mut lines) = (0, 0, Vec::new());
            while let Some(batch) = batches.next() {
                let (batch, gaps) = (batch?, batches.gaps());
                for at in 0..=batch.num_rows() {
                    row += gaps.iter().filter(|gap| gap.at == at).map(|gap| gap.count).sum::<u64>();
                    if at < batch.num_rows() {
                        let cell = |column: &arrow_array::ArrayRef| {
                            arrow_cast::display::array_value_to_string(column, at).unwrap()
                        };
                        kept.push((row, batch.columns().iter().map(cell).collect::<Vec<_>>().join("|")));
                        row += 1;
                    }
                }
                count += gaps.iter().map(|gap| gap.count).sum::<u64>();
                lines.extend(gaps.into_iter().flat_map(|gap| gap.first).map(|row| row.line));
            }
            assert_eq!(lines.len() as u64, count.min(SkippedRows::SHOWN as u64));
            skipped.extend(lines);
        }
        Ok((kept, skipped))
    }

    fn skip(name: &str, format: Format, content: &str) -> Read {
        read(name, format, content.as_bytes(), OnBadRows::Skip).unwrap()
    }

    fn rows(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
        rows.iter().map(|(row, text)| (*row, (*text).to_owned())).collect()
    }

    #[test]
    fn json_lines_are_read_around_bad_ones_wherever_these_are() {
        let (good, bad) = ("{\"a\": 1}\n", "{\"a\": 1, \"b\": \"x\", \n");
        let of = |parts: &[&str]| skip("a.jsonl", Format::Json, &parts.concat());
        assert_eq!(of(&[bad, good, good]), (rows(&[(1, "1"), (2, "1")]), vec![1]));
        assert_eq!(of(&[good, bad, "\n", bad, "nonsense\n", good]), (rows(&[(0, "1"), (4, "1")]), vec![2, 4, 5]));
        assert_eq!(of(&[good, bad, bad]), (rows(&[(0, "1")]), vec![2, 3]));
        assert_eq!(of(&[bad, bad]), (Vec::new(), vec![1, 2]));
        assert_eq!(of(&[good, "{\"a\": 1}{\"a\": 2}\n", "7", "\n"]), (rows(&[(0, "1")]), vec![2, 3]));
        let array = "[{\"a\": 1},\n{\"a\" 2},\n{\"a\": 3, \"a\": 4},\n{\"a\": 5}]";
        assert_eq!(skip("a.json", Format::Json, array), (rows(&[(0, "1"), (3, "5")]), vec![2, 3]));
        let pretty = "{\n\"a\": 1\n}\n{\n\"a\"\n}\n{\n\"a\": 3\n}\n";
        assert_eq!(skip("a.json", Format::Json, pretty), (rows(&[(0, "1"), (2, "3")]), vec![6]));
    }

    #[test]
    fn a_bad_row_leaves_no_column_and_no_type_behind() {
        let content = "{\"a\": 1}\n{\"a\": \"text\", \"b\": 1,\n{\"a\": 2}\n";
        assert_eq!(skip("a.jsonl", Format::Json, content).0, rows(&[(0, "1"), (2, "2")]));
        let content = "a,b\n1,2\nx,y,z\n3,4\n";
        assert_eq!(skip("a.csv", Format::CSV, content), (rows(&[(0, "1|2"), (2, "3|4")]), vec![3]));
    }

    #[test]
    fn tables_and_text_are_read_around_bad_rows() {
        let content = b"a,b\n\xff,1\n1,2,3\n\n5,\"6\n6\"\n\xff\n7\n8,9,10\n";
        let expected = (rows(&[(2, "5|6\n6"), (4, "7|")]), vec![2, 3, 7, 9]);
        assert_eq!(read("a.csv", Format::CSV, content, OnBadRows::Skip).unwrap(), expected);
        // A character that one cell begins and the next ends is none.
        let torn = b"a,b\n\xc3,\xa9\n1,2\n";
        assert_eq!(read("a.csv", Format::CSV, torn, OnBadRows::Skip).unwrap().1, [2]);
        let all = read("a.tsv", Format::TSV, b"a\n\xff\n", OnBadRows::Skip).unwrap();
        assert_eq!(all, (Vec::new(), vec![2]));
        let text = read("a.txt", Format::Text, b"one\n\xff\n\xfe\ntwo\n\xff", OnBadRows::Skip).unwrap();
        assert_eq!(text, (rows(&[(0, "one"), (3, "two")]), vec![2, 3, 5]));
    }

    #[test]
    fn many_are_counted_and_the_first_are_shown() {
        let content = "{\"n\": 1}\n{\n".repeat(5000) + &"{\n".repeat(5000);
        let (kept, skipped) = skip("a.jsonl", Format::Json, &content);
        assert!(kept.iter().map(|(row, _)| *row).eq((0..10_000).step_by(2)));
        assert!(skipped.iter().copied().eq((2..=200).step_by(2)));
    }

    #[test]
    fn members_of_an_archive_too() {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in [("a.jsonl", "{\"a\": 1}\n{\n"), ("b.jsonl", "{\n{\"a\": 2}\n")] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        let archive = archive.finish().unwrap().into_inner();
        let (kept, skipped) = read("a.zip", Format::Zip, &archive, OnBadRows::Skip).unwrap();
        assert_eq!((kept, skipped), (rows(&[(0, "1"), (1, "2")]), vec![2, 1]));
    }

    /// What the first pass takes for a row, the reader of the second must be able to read.
    #[test]
    fn a_damaged_byte_costs_no_more_than_its_row() {
        let row =
            r#"{"n": -12, "f": 1.5e3, "t": "\u00e9\ud83d\ude00 \\\" é", "l": [1, null], "o": {"k": true, "z": {}}}"#;
        let lines = format!("{row}\n").repeat(3);
        let table = "n,f,t\n1,2.5,\"a \"\"quoted\"\" cell\"\n-7,,é\n8,1e9,x\n".to_owned();
        let (mut damaged, mut skipped) = (0, 0);
        for (name, format, content) in [("a.jsonl", Format::Json, lines), ("a.csv", Format::CSV, table)] {
            // Behind the names of the columns, or the first row.
            let begin = content.find('\n').unwrap() + 1;
            for (at, mask) in (begin..content.len()).flat_map(|at| [0x01, 0x10, 0x20, 0x80, 0xff].map(|m| (at, m))) {
                let mut bytes = content.clone().into_bytes();
                bytes[at] ^= mask;
                damaged += 1;
                match read(name, format, &bytes, OnBadRows::Skip) {
                    Ok((kept, lines)) => {
                        assert!(!kept.is_empty());
                        skipped += usize::from(!lines.is_empty());
                    }
                    Err(ConvertError::MixedTypes { .. } | ConvertError::Unparted { .. }) => {}
                    Err(other) => panic!("byte {at} of {name} ^ {mask:x}: {other}"),
                }
            }
        }
        assert!(skipped > damaged / 4, "{skipped} of {damaged}");
    }

    #[test]
    fn what_is_more_than_a_bad_row_is_never_skipped() {
        let deep = format!("{{}}\n{{\"a\": {}1{}}}\n", "[".repeat(40), "]".repeat(40));
        for (name, format, content) in [
            ("a.jsonl", Format::Json, "{\"a\": 1}\n{\"a\": \"x\"}\n{\n"),
            ("a.jsonl", Format::Json, deep.as_str()),
            ("a.json", Format::Json, "[{\"a\": 1},\n{\"a\": 2"),
            ("a.json", Format::Json, "[{\"a\": 1} {\"a\": 2}]"),
            ("a.json", Format::Json, "[{\"a\": 1}, 2]"),
            ("a.csv", Format::CSV, "a,b\n1,\"2\n3,4\n"),
            ("a.csv.gz", Format::CSV, "a,b\n"),
        ] {
            let fails = read(name, format, content.as_bytes(), OnBadRows::Fail).unwrap_err();
            let skips = read(name, format, content.as_bytes(), OnBadRows::Skip).unwrap_err();
            assert_eq!(skips.to_string(), fails.to_string());
            assert!(!matches!(skips, ConvertError::BadLine { .. }), "{skips}");
        }
        let fails = read("a.txt", Format::Text, b"one\n\xff\n", OnBadRows::Fail);
        assert!(matches!(fails, Err(ConvertError::BadLine { line: 2, .. })));
    }
}
