//! The first rows of a file of which only the beginning is at hand, through the readers of whole files.
//!
//! What is at hand is unpacked as far as it goes and cut behind the last whole row; the reader of the format sees the
//! rest as a file of its own. So the types are those of the rows at hand, and later rows may widen them.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use ::parquet::file::reader::ChunkReader;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use tokio_util::sync::CancellationToken;

use super::{
    ConvertError, Format, Reading, Source, arrow, common_schema, compressed::Plain, declared::declared, parquet,
    rows::Scanner, schema, zipped,
};
use crate::plan::options::{Encoding, OnBadText, Options, SampleBy};

/// Of what unpacks to more, only so much is looked at.
const PLAIN_BYTES: u64 = 32 << 20;

/// Columns and first rows.
#[derive(Debug)]
pub struct Head {
    pub schema: SchemaRef,
    pub rows: RecordBatch,
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// The file's name in its repository.
    pub path: &'a str,
    pub reading: &'a Reading,
    pub bytes: &'a [u8],
    /// Whether these are all.
    pub is_whole: bool,
}

/// The first `rows` rows of a file that can be read anywhere.
pub fn of_parquet<R: ChunkReader + Clone + 'static>(
    file: &R,
    path: &str,
    options: &Options,
    rows: usize,
) -> Result<Head, ConvertError> {
    let footer = parquet::footer(file, path)?;
    let own = schema::chosen(parquet::schema(&footer), path, options.columns.as_deref())?;
    schema::check_names(&own, path)?;
    let first = parquet::first_rows(file, (&footer, path), rows)?;
    let declared = declared(&own, Format::Parquet, options).map_err(|conflict| conflict.of(path))?;
    let mut schema = SchemaRef::new(schema::canonical(&own));
    let cast = |source| ConvertError::Cast { file: path.to_owned(), source };
    let mut rows = match first {
        Some(rows) => super::conform(&rows, &schema).map_err(cast)?,
        None => RecordBatch::new_empty(schema.clone()),
    };
    for declared in declared {
        rows = declared.cast(&rows).map_err(cast)?;
        schema = declared.schema().clone();
    }
    Ok(Head { schema, rows })
}

/// The first `rows` rows of any other file; none when no row is whole yet. `scratch` is a folder for what is read.
pub fn of_beginning(
    beginning: Beginning<'_>,
    rows: usize,
    scratch: &Path,
    stop: &CancellationToken,
) -> Result<Option<Head>, ConvertError> {
    let Beginning { path, reading, bytes, is_whole } = beginning;
    let format = reading.format;
    let disk = |source| ConvertError::Disk { file: path.to_owned(), source };
    let file = |bytes: &[u8]| written(scratch, bytes).map_err(disk);
    if format == Format::WebDataset || zipped::is_zip(path, bytes) {
        return archived(beginning, rows, scratch, stop);
    }
    let (source, is_whole) = if format == Format::Arrow {
        let Some(whole) = (if is_whole { Some(0..bytes.len()) } else { arrow::whole_batches(bytes) }) else {
            return Ok(None);
        };
        (Source::open(path, file(&bytes[whole])?, reading.clone(), stop)?, is_whole)
    } else {
        let (mut plain, is_whole) = unpacked(path, &file(bytes)?, is_whole, &reading.options, stop)?;
        if !is_whole && !cut(reading, &mut plain) {
            return Ok(None);
        }
        // It is decoded already.
        let options = Options { encoding: Encoding::Utf8, on_bad_text: OnBadText::Fail, ..(*reading.options).clone() };
        let reading = Reading { options: options.into(), ..reading.clone() };
        (Source::open(unpacked_name(path), file(&plain)?, reading, stop)?, is_whole)
    };
    let head = first_rows(&source, rows, stop)?;
    Ok((is_whole || head.rows.num_rows() > 0).then_some(head))
}

/// Archives are looked into when they are whole.
fn archived(
    beginning: Beginning<'_>,
    rows: usize,
    scratch: &Path,
    stop: &CancellationToken,
) -> Result<Option<Head>, ConvertError> {
    let Beginning { path, reading, bytes, is_whole } = beginning;
    if !is_whole {
        return Ok(None);
    }
    let file = written(scratch, bytes).map_err(|source| ConvertError::Disk { file: path.to_owned(), source })?;
    let sources = Source::open_all(path, file, reading.clone(), scratch, stop)?.sources;
    sources.first().map(|source| first_rows(source, rows, stop)).transpose()
}

fn first_rows(source: &Source, rows: usize, stop: &CancellationToken) -> Result<Head, ConvertError> {
    let schema = common_schema(std::slice::from_ref(source))?;
    let (mut first, mut missing) = (Vec::new(), rows);
    for batch in source.batches(&schema, stop)? {
        let batch = batch?;
        let taken = batch.num_rows().min(missing);
        first.push(batch.slice(0, taken));
        missing -= taken;
        if missing == 0 {
            break;
        }
    }
    let rows = concat_batches(&schema, &first);
    let rows = rows.map_err(|source_error| ConvertError::Cast { file: source.path().to_owned(), source: source_error });
    Ok(Head { schema: schema.clone(), rows: rows? })
}

/// A file without a name, which goes with its descriptor.
fn written(scratch: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile_in(scratch)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The plain bytes, and whether these are all of the file.
fn unpacked(
    path: &str,
    packed: &File,
    is_whole: bool,
    options: &Options,
    stop: &CancellationToken,
) -> Result<(Vec<u8>, bool), ConvertError> {
    let mut plain = Plain::open(packed, path, stop)?.decoded(options);
    let mut bytes = Vec::new();
    match (&mut plain).take(PLAIN_BYTES).read_to_end(&mut bytes) {
        Ok(read) => Ok((bytes, is_whole && (read as u64) < PLAIN_BYTES)),
        Err(error) => match plain.error(error) {
            // It breaks off, as it must.
            ConvertError::BadCompression { .. } | ConvertError::NoText { .. } if !is_whole => Ok((bytes, false)),
            other => Err(other),
        },
    }
}

/// The name that says how the plain bytes are read, and nothing of a packing.
fn unpacked_name(path: &str) -> &str {
    let packing = |extension: &str| ["gz", "gzip", "zst", "zstd", "bz2", "xz", "lz4"].contains(&extension);
    path.rsplit_once('.').filter(|(_, extension)| packing(extension)).map_or(path, |(name, _)| name)
}

/// Cuts text behind its last whole row; false when there is none.
fn cut(reading: &Reading, plain: &mut Vec<u8>) -> bool {
    let options = &reading.options;
    let end = match reading.format {
        Format::Json if options.field.is_some() => None,
        Format::Json => return cut_json(plain),
        Format::Csv { .. } => end_of_records(plain, options.table.dialect.quote),
        Format::Text if options.sample_by != SampleBy::Line => end_of_paragraph(plain, options.sample_by),
        Format::Text | Format::Parquet | Format::Arrow | Format::WebDataset | Format::Zip => {
            memchr::memrchr2(b'\n', b'\r', plain)
        }
    };
    plain.truncate(end.map_or(0, |end| end + 1));
    end.is_some()
}

fn end_of_paragraph(plain: &[u8], sample_by: SampleBy) -> Option<usize> {
    let end = memchr::memmem::rfind(plain, b"\n\n").map(|begin| begin + 1);
    end.filter(|_| sample_by == SampleBy::Paragraph)
}

/// The last line break outside of quotes.
fn end_of_records(plain: &[u8], quote: Option<u8>) -> Option<usize> {
    let (mut quoted, mut end) = (false, None);
    for at in memchr::memchr3_iter(quote.unwrap_or(b'\n'), b'\n', b'\r', plain) {
        match plain[at] {
            byte if quote == Some(byte) => quoted = !quoted,
            _ if !quoted => end = Some(at),
            _ => {}
        }
    }
    end
}

/// Behind the last whole object; an array is closed there.
fn cut_json(plain: &mut Vec<u8>) -> bool {
    let text = plain.strip_prefix(b"\xef\xbb\xbf").unwrap_or(plain);
    let is_array = text.trim_ascii_start().first() == Some(&b'[');
    let mut end = None;
    while let Some(begin) = memchr::memchr(b'{', &plain[end.unwrap_or(0)..]) {
        let begin = end.unwrap_or(0) + begin;
        let Some(length) = Scanner::default().feed(&plain[begin..]) else { break };
        end = Some(begin + length);
    }
    plain.truncate(end.unwrap_or(0));
    if is_array {
        plain.push(b']');
    }
    end.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{DataType, Field, Schema};

    fn head(path: &str, format: Format, bytes: &[u8]) -> Result<Option<Head>, ConvertError> {
        let scratch = tempfile::tempdir().unwrap();
        let beginning = Beginning { path, reading: &format.into(), bytes, is_whole: false };
        of_beginning(beginning, 2, scratch.path(), &CancellationToken::new())
    }

    fn rows(path: &str, format: Format, bytes: &[u8]) -> Option<usize> {
        head(path, format, bytes).unwrap().map(|head| head.rows.num_rows())
    }

    #[test]
    fn the_rows_that_are_whole() {
        assert_eq!(rows("a.jsonl", Format::Json, b"{\"a\": 1}\n{\"a\": 2"), Some(1));
        assert_eq!(rows("a.json", Format::Json, b"[{\"a\": \"}\"}, {\"a\": \"b\"},\n {\"a\""), Some(2));
        assert_eq!(rows("a.json", Format::Json, b"{\n\"a\": {\n\"b\": 1}\n}\n{\n\"a\""), Some(1));
        assert_eq!(rows("a.json", Format::Json, b"[{\"a\": [1, 2"), None);
        assert_eq!(rows("a.csv", Format::CSV, b"a,b\n1,\"x\ny\"\n2,\"z\n"), Some(1));
        assert_eq!(rows("a.csv", Format::CSV, b"a,b\n1,2"), None, "only the names are whole");
        assert_eq!(rows("a.txt", Format::Text, b"one\r\ntwo\nthree\nfo"), Some(2));
        assert_eq!(rows("a.txt", Format::Text, b"no end"), None);
        assert!(head("a.jsonl", Format::Json, b"{\"a\": nope}\n{\"a\"").is_err());
    }

    #[test]
    fn a_parquet_file_that_a_download_refuses_is_not_shown() {
        let fields = [("a", DataType::Int32), ("b", DataType::Int32), ("a", DataType::Int32)];
        let twice = SchemaRef::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()));
        let column: arrow_array::ArrayRef = std::sync::Arc::new(arrow_array::Int32Array::from(vec![1]));
        let rows = RecordBatch::try_new(twice.clone(), vec![column; 3]).unwrap();
        let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), twice, None).unwrap();
        writer.write(&rows).unwrap();
        let bytes = writer.into_inner().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let file = written(scratch.path(), &bytes).unwrap();
        let refused = Source::open("a.parquet", file, Format::Parquet, &CancellationToken::new()).unwrap_err();
        let head = of_parquet(&bytes::Bytes::from(bytes), "a.parquet", &Options::default(), 2);
        assert!(matches!(&refused, ConvertError::DuplicateColumn { column, .. } if column == "a"));
        assert_eq!(head.unwrap_err().to_string(), refused.to_string());
    }

    #[test]
    fn an_archive_is_looked_into_when_it_is_whole() {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("d/a.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n").unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let scratch = tempfile::tempdir().unwrap();
        let reading = Format::Zip.into();
        let whole = Beginning { path: "a.zip", reading: &reading, bytes: &bytes, is_whole: true };
        let head = of_beginning(whole, 2, scratch.path(), &CancellationToken::new()).unwrap().unwrap();
        assert_eq!(head.rows.num_rows(), 2);
        assert_eq!(rows("a.zip", Format::Zip, &bytes[..20]), None);
    }

    #[test]
    fn what_is_packed_is_unpacked_as_far_as_it_goes() {
        let line = |n: u32| format!("{{\"n\": {n}, \"noise\": \"{}\"}}\n", n.wrapping_mul(2_654_435_761));
        let text: String = (0..200_000).map(line).collect();
        let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
        assert_eq!(rows("a.jsonl.zst", Format::Json, &packed[..packed.len() / 2]), Some(2));
        assert_eq!(rows("a.jsonl", Format::Json, &packed[..packed.len() / 2]), Some(2), "by its first bytes");
        assert_eq!(rows("a.jsonl.zst", Format::Json, &packed[..20]), None);
        assert!(head("a.jsonl.gz", Format::Json, &packed).unwrap().is_none());
    }

    #[test]
    fn the_first_batches_of_arrow_streams_and_files() {
        let column: arrow_array::ArrayRef = std::sync::Arc::new(arrow_array::Int32Array::from_iter_values(0..100));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        let mut file = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        for _ in 0..2 {
            stream.write(&batch).unwrap();
            file.write(&batch).unwrap();
        }
        for bytes in [stream.into_inner().unwrap(), file.into_inner().unwrap()] {
            // Less than the second batch, then less than the first.
            let whole = arrow::whole_batches(&bytes).unwrap();
            assert_eq!(rows("a.arrow", Format::Arrow, &bytes[..whole.end - 1]), Some(2));
            assert_eq!(rows("a.arrow", Format::Arrow, &bytes[..300]), None);
        }
    }
}
