//! What no header says and a decoder allocates by: how many values one row repeats, and how many lengths a page has.
//!
//! Looks into decompressed pages, one at a time, without decoding their values.

use parquet::{
    basic::Encoding,
    column::page::{Page, PageReader},
};

use crate::convert::guard::Cause;

/// Highest levels of a column: how deep it is repeated, and how deep it may be missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    pub repeated: i16,
    pub defined: i16,
}

/// Counts the rows of the first so many data pages, and their values.
pub(super) fn count_rows(pages: &mut dyn PageReader, levels: Levels, data_pages: usize) -> Result<Rows, Cause> {
    let mut rows = Rows::default();
    while rows.of_pages.len() < data_pages
        && let Some(page) = pages.get_next_page()?
    {
        rows.look(&page, levels)?;
    }
    Ok(rows)
}

/// The levels of an older data page, and what follows; no levels in an encoding that is not looked into.
fn sized(bytes: &[u8], highest: i16, encoding: Encoding, values: u32) -> Result<(Option<&[u8]>, &[u8]), Cause> {
    if highest == 0 {
        return Ok((Some(&[]), bytes));
    }
    if encoding == Encoding::RLE {
        let (length, rest) = bytes.split_first_chunk().ok_or(TOO_SHORT)?;
        let (levels, rest) = split(rest, u32::from_le_bytes(*length) as usize)?;
        return Ok((Some(levels), rest));
    }
    let length = (u64::from(values) * u64::from(bits(highest))).div_ceil(8);
    Ok((None, split(bytes, usize::try_from(length)?)?.1))
}

const TOO_SHORT: &str = "a page is shorter than its levels";

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), Cause> {
    Ok(bytes.split_at_checked(at).ok_or(TOO_SHORT)?)
}

/// Bits of a level.
fn bits(highest: i16) -> u32 {
    i16::BITS - highest.leading_zeros()
}

/// What repetition levels say: one of 0 begins a row.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Values of the longest row.
    pub longest: u64,
    /// Rows that begin in each page.
    pub of_pages: Vec<u64>,
    current: u64,
    begun: u64,
}

impl Rows {
    /// Fails when the page has more lengths than values.
    pub(super) fn look(&mut self, page: &Page, levels: Levels) -> Result<(), Cause> {
        let (values, repeats, encoding, values_of) = match page {
            Page::DictionaryPage { .. } => return Ok(()),
            Page::DataPage { buf, num_values, encoding, rep_level_encoding, def_level_encoding, .. } => {
                let (repeats, rest) = sized(buf, levels.repeated, *rep_level_encoding, *num_values)?;
                let (_, rest) = sized(rest, levels.defined, *def_level_encoding, *num_values)?;
                (*num_values, repeats, *encoding, rest)
            }
            Page::DataPageV2 { buf, num_values, encoding, rep_levels_byte_len, def_levels_byte_len, .. } => {
                let (repeats, rest) = split(buf, *rep_levels_byte_len as usize)?;
                (*num_values, Some(repeats), *encoding, split(rest, *def_levels_byte_len as usize)?.1)
            }
        };
        match repeats {
            _ if levels.repeated == 0 => self.begin(values),
            Some(repeats) => self.add(repeats, bits(levels.repeated), values)?,
            // An encoding that no writer has used for long.
            None => self.go_on(u64::from(values)),
        }
        self.of_pages.push(std::mem::take(&mut self.begun));
        check_lengths(encoding, values_of, u64::from(values))
    }

    fn begin(&mut self, rows: u32) {
        if rows > 0 {
            self.begun += u64::from(rows);
            self.current = 0;
            self.go_on(1);
        }
    }

    fn go_on(&mut self, values: u64) {
        self.current += values;
        self.longest = self.longest.max(self.current);
    }

    /// The hybrid of runs and packed bits.
    fn add(&mut self, mut levels: &[u8], bits: u32, values: u32) -> Result<(), Cause> {
        let mut left = values;
        while left > 0 {
            let header = varint(&mut levels)?;
            if header & 1 == 0 {
                let run = left.min(u32::try_from(header >> 1).unwrap_or(u32::MAX));
                let (level, rest) = split(levels, bits.div_ceil(8) as usize)?;
                if level.iter().all(|byte| *byte == 0) {
                    self.begin(run);
                } else {
                    self.go_on(u64::from(run));
                }
                (levels, left) = (rest, left - run);
                if run == 0 {
                    return Err("a page has an empty run".into());
                }
            } else {
                let groups = usize::try_from(header >> 1)?;
                // The last group may be cut off.
                let bytes = groups.saturating_mul(bits as usize).min(levels.len());
                let (packed, rest) = levels.split_at(bytes);
                let count = left.min(u32::try_from(groups.saturating_mul(8)).unwrap_or(u32::MAX));
                if bytes == 0 || count == 0 {
                    return Err(TOO_SHORT.into());
                }
                for n in 0..u64::from(count) {
                    if is_zero(packed, n * u64::from(bits), bits) { self.begin(1) } else { self.go_on(1) }
                }
                (levels, left) = (rest, left - count);
            }
        }
        Ok(())
    }
}

fn is_zero(packed: &[u8], from: u64, bits: u32) -> bool {
    let bit = |n: u64| usize::try_from(n / 8).ok().and_then(|at| packed.get(at)).is_some_and(|b| b >> (n % 8) & 1 == 1);
    (from..from + u64::from(bits)).all(|n| !bit(n))
}

/// The encodings that list lengths say themselves how many there are, and the decoder believes it.
fn check_lengths(encoding: Encoding, mut values_of: &[u8], values: u64) -> Result<(), Cause> {
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => check_list(&mut values_of, values),
        Encoding::DELTA_BYTE_ARRAY => {
            check_list(&mut values_of, values).and_then(|()| check_list(&mut values_of, values))
        }
        _ => Ok(()),
    }
}

/// Passes over a list of numbers as differences, which has no more of them than values.
fn check_list(bytes: &mut &[u8], values: u64) -> Result<(), Cause> {
    let (block, parts) = (varint(bytes)?, varint(bytes)?);
    let mut left = varint(bytes)?;
    varint(bytes)?;
    if left > values {
        return Err("a page has more lengths than values".into());
    }
    left = left.saturating_sub(1);
    let of_part = block.checked_div(parts).filter(|of_part| *of_part > 0).ok_or("a page has blocks without values")?;
    while left > 0 {
        varint(bytes)?;
        let (widths, rest) = split(bytes, usize::try_from(parts)?)?;
        *bytes = rest;
        for width in widths {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(of_part);
            let length = of_part.saturating_mul(u64::from(*width)).div_ceil(8);
            // The last part may be cut off.
            *bytes = &bytes[usize::try_from(length)?.min(bytes.len())..];
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Cause> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(TOO_SHORT)?;
        *bytes = rest;
        number |= u64::from(byte & 127) << shift;
        if *byte < 128 {
            return Ok(number);
        }
    }
    Err("a page has a number that is too long".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(levels: &[u8], bits: u32, values: u32) -> Option<(u64, u64)> {
        let mut rows = Rows::default();
        rows.add(levels, bits, values).ok()?;
        Some((rows.longest, rows.begun))
    }

    #[test]
    fn rows_are_counted_through_runs_and_packed_levels() {
        // Runs: a row, which is repeated 200 times; then ten rows.
        assert_eq!(longest(&[2, 0, 0x90, 3, 1, 20, 0], 1, 211), Some((201, 11)));
        // Eight levels in a byte: 0 1 1 0 0 1 1 1.
        assert_eq!(longest(&[3, 0b1110_0110], 1, 8), Some((4, 3)));
        // Of two bits each: 0 2 1 0, and a row goes on with what comes next.
        assert_eq!(longest(&[3, 0b0001_1000, 0, 8, 2], 2, 12), Some((5, 6)));
        // Whatever a run claims, a page has no more levels than values.
        assert_eq!(longest(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 1, 5), Some((5, 0)));
        for broken in [&[][..], &[2], &[0, 1], &[3], &[1, 0], &[0xff; 12]] {
            assert_eq!(longest(broken, 1, 9), None, "{broken:x?}");
        }
    }

    #[test]
    fn lengths_that_no_value_has_are_refused() {
        let check = |bytes: &[u8], values| {
            let mut rest = bytes;
            check_list(&mut rest, values).map(|()| rest.len())
        };
        // Blocks of 128 in 4 parts, 5 numbers from 3 on; of the block's parts only the first is there, with a bit each.
        let five = [0x80, 1, 4, 5, 6, 0, 1, 0, 0, 0, 0b1010, 0, 0, 0];
        assert_eq!(check(&[&five[..], &[7, 7]].concat(), 5).unwrap(), 2);
        assert!(check(&five, 4).is_err());
        assert_eq!(check(&[0x80, 1, 4, 1, 6, 9], 1).unwrap(), 1);
        for broken in [&[][..], &[0x80, 1, 0, 5, 6, 0], &[4, 0x80, 1, 5, 6, 0], &[0x80, 1, 4, 5, 6, 0, 1]] {
            assert!(check(broken, 9).is_err(), "{broken:x?}");
        }
        assert!(check_lengths(Encoding::DELTA_BYTE_ARRAY, &[&five[..], &[0x80, 1, 4, 99, 6]].concat(), 5).is_err());
    }
}
