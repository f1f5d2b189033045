//! Parquet files that claim more than they have: refused or read within the memory that they may take.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    sync::LazyLock,
};

use ingestion::convert::{ConvertError, Format, Source, common_schema};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

static FILES: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/hostile_parquet.py");
    let output = Command::new(test_kit::python()).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

/// The most that this process has ever had in memory, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn rows(name: &str) -> Result<usize, ConvertError> {
    let file = File::open(FILES.path().join(format!("{name}.parquet"))).unwrap();
    let stop = CancellationToken::new();
    let source = Source::open(name, file, Format::Parquet, &stop)?;
    let sources = [source];
    let schema = common_schema(&sources)?;
    let mut rows = 0;
    for batch in sources[0].batches(&schema, &stop)? {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

#[test]
fn small_files_that_claim_much_are_refused_without_taking_it() {
    for name in ["page", "pages", "dictionary", "list", "fixed"] {
        let size = FILES.path().join(format!("{name}.parquet")).metadata().unwrap().len();
        assert!(size < 1 << 20, "{name} has {size} bytes");
        let refused = rows(name).unwrap_err();
        let expected = matches!(&refused, ConvertError::TooMuchMemory { .. } | ConvertError::Bomb { .. });
        assert!(expected, "{name}: {refused}");
        assert!(peak() < 800 << 20, "{name}: {} MiB", peak() >> 20);
    }
}

#[test]
fn large_files_that_are_honest_are_read() {
    for (name, expected) in [
        ("row", 3),
        ("large_page", 200),
        ("vectors", 4 << 10),
        ("words", 20_000),
        ("delta_byte_array", 20_000),
        ("delta_byte_array_older", 20_000),
        ("delta_length_byte_array", 20_000),
        ("delta_length_byte_array_older", 20_000),
    ] {
        assert_eq!(rows(name).unwrap(), expected, "{name}");
    }
}
