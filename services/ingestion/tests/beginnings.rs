//! Files that are looked at for their first 8 MiB only: what comes behind is read right, or noticed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{fs::File, io::Write, path::Path};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use ingestion::convert::{ConvertError, Format, Look, Reading, Source, common_schema};
use tokio_util::sync::CancellationToken;

/// Rows of a file after so much of a look at it.
fn read(path: &Path, format: Format, look: Look) -> Result<(SchemaRef, RecordBatch), ConvertError> {
    let stop = CancellationToken::new();
    let reading = Reading { look, ..format.into() };
    let sources = [Source::open("rows", File::open(path).unwrap(), reading, &stop)?];
    let schema = common_schema(&sources)?;
    let batches = sources[0].batches(&schema, &stop)?.collect::<Result<Vec<_>, _>>()?;
    Ok((schema.clone(), concat_batches(&schema, &batches).unwrap()))
}

/// As a task reads it.
fn once_or_twice(path: &Path, format: Format) -> Result<(SchemaRef, RecordBatch), ConvertError> {
    match read(path, format, Look::Head) {
        Err(ConvertError::Unforeseen { .. }) => read(path, format, Look::Whole),
        other => other,
    }
}

/// A file of some 9 MiB with a row of another kind behind so many of the usual ones.
fn write(path: &Path, (header, rows): (&str, &[String]), row: &[u8], before: usize) {
    let (head, tail) = rows.split_at(before);
    assert!(head.concat().len() < 9 << 20 && rows.concat().len() > 9 << 20);
    let parts = [header.as_bytes(), head.concat().as_bytes(), row, tail.concat().as_bytes()].concat();
    File::create(path).unwrap().write_all(&parts).unwrap();
}

/// Each of the `others` behind the beginning is noticed, and read or refused as after a look at all of the file, wherever
/// it stands; what fits is not noticed.
fn judged(format: Format, usual: (&str, &[String]), fitting: &[&str], others: &[(&[u8], bool)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    for row in fitting {
        write(&path, usual, row.as_bytes(), 9_500);
        assert_eq!(read(&path, format, Look::Head).unwrap(), read(&path, format, Look::Whole).unwrap(), "{row}");
    }
    for (row, is_read) in others {
        let shown = String::from_utf8_lossy(row).into_owned();
        write(&path, usual, row, 9_500);
        let first = read(&path, format, Look::Head);
        assert!(matches!(first, Err(ConvertError::Unforeseen { .. })), "{shown}: {first:?}");
        assert_eq!(read(&path, format, Look::Whole).is_ok(), *is_read, "{shown}");
        for before in [1, 6_000] {
            write(&path, usual, row, before);
            match (once_or_twice(&path, format), read(&path, format, Look::Whole)) {
                (Ok(one), Ok(other)) => assert_eq!(one, other, "{shown} at {before}"),
                (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string(), "{shown} at {before}"),
                (one, other) => panic!("{shown} at {before}: {:?}, {:?}", one.err(), other.err()),
            }
        }
    }
}

#[test]
fn what_the_beginning_of_json_lines_promises_is_kept_or_noticed() {
    let usual = |n: usize| {
        let text = "text \\u00e9 \\n".repeat(60 + n % 10);
        format!("{{\"id\": {n}, \"score\": {n}.5, \"flag\": true, \"none\": null, \"text\": \"{text}\"}}\n")
    };
    let rows: Vec<String> = (0..10_000).map(usual).collect();
    let fitting = ["", "{\"flag\": false}\n", "{}\n\n", "{\"id\": null, \"text\": \"\"}\n"];
    let others: [(&[u8], bool); 9] = [
        (b"{\"id\": 1.5}\n", true),
        (b"{\"none\": \"something\"}\n", true),
        (b"{\"new\": 1}\n", true),
        (b"{\"score\": 3, \"id\": 4}\n", true),
        (b"{\"none\": [1]}\n", true),
        (b"{\"text\": [1]}\n", false),
        (b"{\"score\": 9007199254740993}\n", false),
        (b"{\"text\": \"\xff\"}\n", false),
        (b"{\"id\": 4\n", false),
    ];
    judged(Format::Json, ("", &rows), &fitting, &others);
}

#[test]
fn what_the_beginning_of_a_table_promises_is_kept_or_noticed() {
    let usual = |n: usize| {
        let text = "text, quoted é\n".repeat(54 + n % 10);
        format!("{n},{n}.5,True,{},\"\"\"{text}\"\n", u64::MAX - n as u64)
    };
    let rows: Vec<String> = (0..10_000).map(usual).collect();
    let header = "id,score,flag,big,text\n";
    let fitting = ["", ",,,,\n", "\n", "-4,1e3,false,7,True\n", "4,3,NA,0,5\n", "4\n", "9007199254740993,nan,,,\"\"\n"];
    let others: [(&[u8], bool); 9] = [
        (b"1.5,1.5,True,1,x\n", true),
        (b"id,1.5,True,1,x\n", true),
        (b"18446744073709551615,1.5,True,1,x\n", true),
        (b"1,one,True,1,x\n", true),
        (b"1,1.5,1,1,x\n", true),
        (b"1,1.5,maybe,1,x\n", true),
        (b"1,1.5,True,-1,x\n", true),
        (b"1,1.5,True,-0,x\n", true),
        (b"1,9007199254740993,True,1,x\n", false),
    ];
    judged(Format::CSV, (header, &rows), &fitting, &others);

    // What no look at the types would find is told in the same words.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    for row in [&b"1,1.5,True,1,x,more\n"[..], b"1,1.5,True,1,\xff\n", b"1,1.5,True,1,\"open\n"] {
        write(&path, (header, &rows), row, 9_500);
        let told = |look| read(&path, Format::CSV, look).unwrap_err().to_string();
        assert_eq!(told(Look::Head), told(Look::Whole));
    }

    // A column that is empty in the beginning promises nothing.
    let empty: Vec<String> = rows.iter().map(|row| format!(",{row}")).collect();
    write(&path, (&format!("late,{header}"), &empty), b"late,1,1.5,True,1,x\n", 9_500);
    let (schema, _) = read(&path, Format::CSV, Look::Head).unwrap();
    assert_eq!(schema.field(0).data_type(), &arrow_schema::DataType::Utf8);
}
