//! Conversion against pyarrow, and what broken files are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use ingestion::convert::{ConvertError, Format, Source, common_schema};
use tokio_util::sync::CancellationToken;

fn python(script: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new(test_kit::python()).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn open(path: &Path) -> Result<Source, ConvertError> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let formats = [
        (".parquet", Format::Parquet),
        (".csv", Format::CSV),
        (".tsv", Format::TSV),
        (".txt", Format::Text),
        (".arrow", Format::Arrow),
    ];
    let format = formats.iter().find(|(end, _)| name.contains(end)).map_or(Format::Json, |(_, format)| *format);
    Source::open(name, File::open(path).unwrap(), format, &CancellationToken::new())
}

/// Converts files into one Arrow file; gives the number of its batches.
fn convert(paths: &[PathBuf], to: &Path) -> Result<Vec<RecordBatch>, ConvertError> {
    let sources = paths.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let (schema, stop) = (common_schema(&sources)?, CancellationToken::new());
    let mut writer = FileWriter::try_new(File::create(to).unwrap(), &schema).unwrap();
    let mut batches = Vec::new();
    for source in &sources {
        for batch in source.batches(&schema, &stop)? {
            let batch = batch?;
            writer.write(&batch).unwrap();
            batches.push(batch);
        }
    }
    writer.finish().unwrap();
    Ok(batches)
}

/// Converts and lets pyarrow compare; gives the number of rows.
fn agrees_with_pyarrow(paths: &[PathBuf]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("result.arrow");
    let batches = convert(paths, &result).unwrap();
    let sources = paths.iter().map(|path| text(path));
    let rows = python("compare.py", &[text(&result)].into_iter().chain(sources).collect::<Vec<_>>());
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.parse::<usize>().unwrap());
    rows.parse().unwrap()
}

fn sample(repo: &str) -> Vec<PathBuf> {
    let folder = test_kit::sample_hub().join("datasets/tokenmill").join(repo).join("data");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn parquet_equals_pyarrow() {
    let files = sample("english-docs");
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes > 10 << 20, "{bytes} bytes are too few to prove anything");
    assert!(agrees_with_pyarrow(&files) > 40_000);
}

#[test]
fn json_lines_equal_python_in_three_compressions() {
    assert!(agrees_with_pyarrow(&sample("english-docs-jsonl")) > 5_000);
}

#[test]
fn csv_text_and_arrow_equal_datasets() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = python("tables.py", &[text(&sample("english-docs")[0]), text(folder.path())]);
    println!("{sizes}");
    let bytes: u64 = sizes.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    assert!(bytes > 40 << 20, "{bytes} bytes are too few to prove anything");
    let mut arguments = Vec::new();
    for name in sizes.lines().filter_map(|line| line.split(' ').next()) {
        let result = folder.path().join(format!("{name}.result"));
        convert(&[folder.path().join(name)], &result).unwrap();
        // Python unpacks lz4 only with a package of its own: it reads what was packed.
        let source = folder.path().join(name.trim_end_matches(".lz4"));
        arguments.extend([text(&result).to_owned(), text(&source).to_owned()]);
    }
    let rows = python("compare_datasets.py", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    println!("rows as `datasets` reads them:\n{rows}");
    assert_eq!(rows.lines().count(), sizes.lines().count());
    assert!(rows.lines().all(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap() > 5000), "{rows}");
}

#[test]
fn every_type_survives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("types.parquet");
    python("many_types.py", &[text(&file), "3000"]);
    assert_eq!(agrees_with_pyarrow(&[file]), 3000);
}

#[test]
fn an_empty_parquet_file_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, full) = (folder.path().join("empty.parquet"), folder.path().join("full.parquet"));
    python("many_types.py", &[text(&full), "30"]);
    let script =
        "import sys, pyarrow.parquet as pq; pq.write_table(pq.read_table(sys.argv[1]).slice(0, 0), sys.argv[2])";
    let made = Command::new(test_kit::python()).args(["-c", script, text(&full), text(&empty)]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let to = folder.path().join("result.arrow");
    assert_eq!(convert(std::slice::from_ref(&empty), &to).unwrap().len(), 0);
    let rows: usize = convert(&[empty, full], &to).unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 30);
}

fn error_of(name: &str, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    File::create(&path).unwrap().write_all(content).unwrap();
    let error = convert(&[path], &folder.path().join("result.arrow")).unwrap_err();
    format!("{error:?}").split([' ', '(']).next().unwrap().to_owned() + ": " + &error.to_string()
}

#[test]
fn broken_parquet_is_named() {
    let whole = fs::read(&sample("english-docs")[0]).unwrap();
    let truncated = error_of("x.parquet", &whole[..whole.len() / 2]);
    assert!(truncated.starts_with("BadParquet: `x.parquet`"), "{truncated}");
    assert!(error_of("x.parquet", b"not parquet at all").starts_with("BadParquet: `x.parquet`"));
    assert!(error_of("x.parquet", b"").starts_with("BadParquet: `x.parquet`"));
    // The second half of the data, with the footer whole.
    let mut damaged = whole.clone();
    let half = whole.len() / 2;
    damaged[half..half + 4096].fill(0xa5);
    let damaged = error_of("x.parquet", &damaged);
    assert!(damaged.starts_with("BadRowGroup: row group") && damaged.contains("`x.parquet`"), "{damaged}");
}

#[test]
fn damage_anywhere_is_an_error_or_harmless_but_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("types.parquet");
    python("many_types.py", &[text(&file), "60"]);
    let whole = fs::read(&file).unwrap();
    let (target, result) = (folder.path().join("damaged.parquet"), folder.path().join("result.arrow"));
    let mut errors = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        fs::write(&target, damaged).unwrap();
        errors += usize::from(convert(std::slice::from_ref(&target), &result).is_err());
    }
    assert!(errors > 20, "only {errors} damaged files were noticed");
}

#[test]
fn broken_json_is_named_with_its_line() {
    for (content, expected) in [
        ("{\"a\":1}\n\n{\"a\":\n", "BadLine: line 3 of `x.jsonl`"),
        ("{\"a\":1}\nnonsense\n", "BadLine: line 2 of `x.jsonl`"),
        ("{\"a\":1}\n{\"a\":\"x\"}\n", "MixedTypes: column `a` of `x.jsonl` is text at line 2, but an integer before"),
        ("[{\"a\":1},", "Unparted: the rows of `x.jsonl` cannot be told apart from line 1 on: the array"),
        ("{}\n{}\n", "NoColumns: `x.jsonl`"),
        // Texts in which something is wrong are those of rows that are otherwise like the ones before.
        (
            "{\"a\":\"x\"}\n\n{\"a\":\"\\q\"}\n{\"a\":\"y\"}\n",
            "BadLine: line 3 of `x.jsonl` is not a valid row: invalid escape",
        ),
        ("{\"a\":\"x\"}\n{\"a\":\"\\ud83d\"}\n", "BadLine: line 2 of `x.jsonl`"),
        ("{\"a\":\"x\"}\n{\"a\":\"a\tb\"}\n", "BadLine: line 2 of `x.jsonl`"),
    ] {
        let error = error_of("x.jsonl", content.as_bytes());
        assert!(error.starts_with(expected), "{content:?}: {error}");
    }
    let error = error_of("x.jsonl", b"{\"a\":\"x\"}\n{\"a\":\"\xff\"}\n");
    assert!(error.starts_with("BadLine: line 2 of `x.jsonl`"), "{error}");
}

#[test]
fn json_in_all_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let shown = |paths: &[PathBuf]| {
        let batches = convert(paths, &folder.path().join("result.arrow")).unwrap();
        let row = |batch: &RecordBatch, row| {
            let cell = |c: &arrow_array::ArrayRef| arrow_cast::display::array_value_to_string(c, row).unwrap();
            batch.columns().iter().map(cell).collect::<Vec<_>>().join("|")
        };
        batches.iter().flat_map(|b| (0..b.num_rows()).map(move |r| row(b, r))).collect::<Vec<_>>()
    };
    let ragged =
        "\u{feff}{\"a\": 1, \"b\": \"x\"}\r\n\r\n{\"b\": \"é\\n\", \"c\": {\"d\": [1.5]}}\n{\"a\": null, \"e\": {}}";
    assert_eq!(shown(&[write("a.jsonl", ragged)]), ["1|x||", "|é\n|{d: [1.5]}|", "|||{}"]);
    let array = "[\n {\"a\": 1},\n {\"a\": 2.5}\n]\n";
    let pretty = "{\n  \"a\": 3,\n  \"z\": true\n}\n";
    // One schema for both: integers and floats, and a column that only the second has.
    assert_eq!(shown(&[write("b.json", array), write("c.json", pretty)]), ["1.0|", "2.5|", "3.0|true"]);
}

#[test]
fn a_value_that_the_type_of_other_files_does_not_hold_is_named_by_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a.jsonl", "b.csv"].map(|name| folder.path().join(name));
    fs::write(&files[0], "{\"n\": 0.5}\n").unwrap();
    fs::write(&files[1], format!("n\n{}9007199254740993\n", "1\n".repeat(70_000))).unwrap();
    let error = convert(&files, &folder.path().join("out")).unwrap_err();
    let expected = "column `n` is Float64 in other files, which does not hold its value in row 70001 of `b.csv`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_stop_ends_a_conversion() {
    let path = &sample("english-docs")[0];
    let source = open(path).unwrap();
    let schema = common_schema(std::slice::from_ref(&source)).unwrap();
    let stop = CancellationToken::new();
    let mut batches = source.batches(&schema, &stop).unwrap();
    assert!(batches.next().unwrap().is_ok());
    stop.cancel();
    assert!(matches!(batches.next().unwrap(), Err(ConvertError::Stopped)));
}

#[test]
fn broken_csv_text_and_arrow_are_named() {
    for (name, content, expected) in [
        ("x.csv", &b"a,b\n1,2\n1,2,3\n"[..], "BadLine: line 3 of `x.csv` is not a valid row: it has 3 cells"),
        ("x.csv", b"a,b\n1,\"2\n3,4\n", "Unparted: the rows of `x.csv` cannot be told apart from line 2 on: a quoted"),
        ("x.csv", b"a,b\n1,\xff\n", "BadLine: line 2 of `x.csv` is not a valid row: it is not UTF-8"),
        ("x.csv", b"", "NoColumns: `x.csv`"),
        ("x.txt", b"one\ntwo \xff\n", "BadLine: line 2 of `x.txt`"),
        ("x.arrow", b"", "BadArrow: `x.arrow`"),
        ("x.arrow", b"ARROW1 and nothing behind it", "BadArrow: `x.arrow`"),
        ("x.arrow", b"\xff\xff\xff\xff\xff\xff\xff\x7f and more", "BadArrow: `x.arrow`"),
    ] {
        let error = error_of(name, content);
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn damage_anywhere_in_arrow_is_an_error_or_harmless_but_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let parquet = folder.path().join("types.parquet");
    python("many_types.py", &[text(&parquet), "60"]);
    let script = "import sys, pyarrow as pa, pyarrow.parquet as pq; t = pq.read_table(sys.argv[1])
with pa.ipc.new_file(sys.argv[2], t.schema) as w: w.write_table(t)
with pa.ipc.new_stream(sys.argv[3], t.schema) as w: w.write_table(t)";
    let (file, stream) = (folder.path().join("file.arrow"), folder.path().join("stream.arrow"));
    let arguments = ["-c", script, text(&parquet), text(&file), text(&stream)];
    let made = Command::new(test_kit::python()).args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["file.arrow", "stream.arrow"] {
        let whole = fs::read(folder.path().join(name)).unwrap();
        let (target, result) = (folder.path().join("damaged.arrow"), folder.path().join("result.arrow"));
        let mut errors = 0;
        for at in (0..whole.len()).step_by(whole.len() / 300) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            fs::write(&target, &damaged).unwrap();
            errors += usize::from(convert(std::slice::from_ref(&target), &result).is_err());
            fs::write(&target, &whole[..at]).unwrap();
            let cut = convert(std::slice::from_ref(&target), &result);
            assert!(cut.is_err() || name == "stream.arrow", "a file cut at {at} of {} is whole", whole.len());
        }
        assert!(errors > 20, "only {errors} damaged files were noticed");
    }
}
