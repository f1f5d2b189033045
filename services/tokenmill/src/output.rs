//! Data to stdout: JSON as the REST API gives it, or lines for people. Nothing else goes there.

use crate::failure::Failure;
use serde::Serialize;
use std::io::Write;

/// Writes a line of data.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(()),
        // `tokenmill … | head` is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::other(format!("cannot write: {error}"))),
    }
}

/// Writes a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::other(error.to_string()))?;
    line(&text)
}

/// A remark for a person, on stderr.
#[expect(clippy::print_stderr, reason = "this is a command line")]
pub(crate) fn remark(text: &str) {
    eprintln!("{text}");
}

/// Rows in columns as wide as their widest cell.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let format = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    line(&format(&mut header.iter().copied()))?;
    for row in rows {
        line(&format(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}

/// `1234567` as `1.2 MB` (powers of ten, as the Hub shows sizes).
pub(crate) fn bytes(size: u64) -> String {
    indicatif::DecimalBytes(size).to_string()
}

/// A count, or `-` when it is not known yet.
pub(crate) fn count(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| indicatif::HumanCount(value).to_string())
}
