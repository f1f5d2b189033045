//! Puts the built UI, where there is one, into the program: a table of its files for `src/assets.rs`.
//!
//! A checkout without Node builds all the same, with an empty table.

use flate2::{Compression, write::GzEncoder};
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_128;

/// Below that the header of gzip costs what it saves.
const WORTH_PACKING: usize = 1 << 10;

fn main() -> io::Result<()> {
    let dist = manifest_dir().join("ui/dist");
    // Cargo takes a path that is missing for changed, each time; an empty folder is watched like a full one.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=ui/dist");
    let out = PathBuf::from(variable("OUT_DIR"));
    let mut paths = Vec::new();
    collect(&dist, &mut paths)?;
    paths.sort();
    let mut table = "&[\n".to_owned();
    for (number, path) in paths.iter().enumerate() {
        let name = path.strip_prefix(&dist).map_err(io::Error::other)?;
        table += &entry(name, path, &out.join(format!("{number}.gz")))?;
    }
    fs::write(out.join("ui.rs"), table + "]\n")
}

/// All files below a folder; none where there is no folder.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => collect(&entry.path(), found)?,
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

/// A row of the table; packs the file beside it when that makes it smaller.
fn entry(name: &Path, path: &Path, packed: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    let gzip = gzip.finish()?;
    let smaller = bytes.len() >= WORTH_PACKING && gzip.len() < bytes.len();
    if smaller {
        fs::write(packed, gzip)?;
    }
    let gzip = if smaller { format!("Some({})", include(packed)) } else { "None".to_owned() };
    let (name, tag) = (name.to_string_lossy().replace('\\', "/"), xxh3_128(&bytes));
    Ok(format!("File {{ path: {name:?}, tag: \"W/\\\"{tag:032x}\\\"\", bytes: {}, gzip: {gzip} }},\n", include(path)))
}

/// A path as Rust writes a text.
fn include(path: &Path) -> String {
    format!("include_bytes!({:?})", path.to_string_lossy())
}

fn manifest_dir() -> PathBuf {
    PathBuf::from(variable("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
