//! Pages: a token is a decimal page number, counted from 1.

use dataset_model::Problem;

/// The longest page number: with the largest page it still fits a database offset.
const LAST_PAGE: u64 = 10_000_000;

/// Which rows to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub number: u64,
    pub size: u32,
}

impl Page {
    /// `size` 0 = `default`; above `most` = `most`.
    pub fn parse(token: &str, size: u32, default: u32, most: u32) -> Result<Self, Problem> {
        let size = if size == 0 { default } else { size.min(most) };
        let number = if token.is_empty() { Some(1) } else { token.parse().ok() };
        match number {
            Some(number @ 1..=LAST_PAGE) => Ok(Self { number, size }),
            _ => Err(Problem::field("page_token", "is not from an earlier answer, nor a page number from 1")),
        }
    }

    pub const fn offset(self) -> u64 {
        (self.number - 1) * self.size as u64
    }

    /// The token of the page after this one; empty when `total` ends here.
    pub fn next(self, total: u64) -> String {
        if self.offset() + u64::from(self.size) < total { (self.number + 1).to_string() } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let first = Page::parse("", 0, 20, 200).unwrap();
        assert_eq!((first.offset(), first.size, first.next(21), first.next(20)), (0, 20, "2".into(), String::new()));
        let third = Page::parse("3", 500, 20, 200).unwrap();
        assert_eq!((third.offset(), third.size), (400, 200));
        for bad in ["0", "-1", "x", "99999999999999999999"] {
            assert!(Page::parse(bad, 0, 20, 200).is_err(), "`{bad}`");
        }
    }
}
