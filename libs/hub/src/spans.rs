//! Which bytes of a file came ahead of its contiguous beginning, and how that is written down for the next process.

use std::collections::BTreeMap;

/// Bytes `first..end` of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) end: u64,
}

/// Spans that do not overlap, by their first byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spans(BTreeMap<u64, u64>);

impl Spans {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of their lengths.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.iter().map(|(first, end)| end - first).sum()
    }

    /// Adds bytes that are not there yet.
    pub(crate) fn insert(&mut self, Span { first, end }: Span) {
        let end = self.0.remove(&end).unwrap_or(end);
        match self.0.range_mut(..first).next_back() {
            Some((_, before)) if *before == first => *before = end,
            _ => drop(self.0.insert(first, end)),
        }
    }

    /// Takes out the span that begins there.
    pub(crate) fn take(&mut self, first: u64) -> Option<Span> {
        self.0.remove(&first).map(|end| Span { first, end })
    }

    /// What is missing of `whole`, in order, in pieces of at most `longest` bytes.
    pub(crate) fn gaps(&self, whole: Span, longest: u64) -> impl Iterator<Item = Span> {
        let begins = std::iter::once(whole.first).chain(self.0.values().copied());
        let ends = self.0.keys().copied().chain([whole.end]);
        begins.zip(ends).flat_map(move |(first, end)| pieces(Span { first, end }, longest.max(1)))
    }

    /// A line that says them, behind the contiguous beginning.
    pub(crate) fn to_line(&self, length: u64) -> String {
        let ahead: Vec<String> = self.0.iter().map(|(first, end)| format!(" {first}-{end}")).collect();
        format!("{length}{}\n", ahead.concat())
    }

    /// Reads such a line; none when it is none, or does not fit a file of `size` bytes.
    pub(crate) fn from_line(text: &str, size: u64) -> Option<(u64, Self)> {
        let mut words = text.split_once('\n')?.0.split(' ');
        let length: u64 = words.next()?.parse().ok()?;
        let (mut spans, mut at) = (BTreeMap::new(), length);
        for word in words {
            let (first, end) = word.split_once('-')?;
            let (first, end) = (first.parse().ok()?, end.parse().ok()?);
            if first < at || end <= first {
                return None;
            }
            spans.insert(first, end);
            at = end;
        }
        (at <= size).then_some((length, Self(spans)))
    }
}

fn pieces(whole: Span, longest: u64) -> impl Iterator<Item = Span> {
    let mut at = whole.first;
    std::iter::from_fn(move || {
        let piece = Span { first: at, end: at.saturating_add(longest).min(whole.end) };
        at = piece.end;
        (piece.first < piece.end).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(parts: &[(u64, u64)]) -> Spans {
        let mut spans = Spans::default();
        for &(first, end) in parts {
            spans.insert(Span { first, end });
        }
        spans
    }

    #[test]
    fn neighbours_become_one() {
        let all = spans(&[(10, 20), (40, 50), (20, 30), (35, 40), (30, 35)]);
        assert_eq!(all, spans(&[(10, 50)]));
        assert_eq!(
            (all.bytes(), all.clone().take(11), all.clone().take(10)),
            (40, None, Some(Span { first: 10, end: 50 }))
        );
    }

    #[test]
    fn what_is_missing_in_pieces() {
        let gaps = |spans: &Spans| -> Vec<(u64, u64)> {
            spans.gaps(Span { first: 5, end: 60 }, 10).map(|span| (span.first, span.end)).collect()
        };
        assert_eq!(gaps(&spans(&[(10, 20), (32, 60)])), [(5, 10), (20, 30), (30, 32)]);
        assert_eq!(gaps(&Spans::default()), [(5, 15), (15, 25), (25, 35), (35, 45), (45, 55), (55, 60)]);
    }

    #[test]
    fn a_line_is_read_back_and_nonsense_is_none() {
        for (length, ahead) in [(0, spans(&[])), (7, spans(&[(10, 20), (30, 40)]))] {
            assert_eq!(Spans::from_line(&ahead.to_line(length), 40), Some((length, ahead)));
        }
        assert_eq!(Spans::from_line("7 10-20\nof an older line", 40), Some((7, spans(&[(10, 20)]))));
        for text in ["", "7", "x\n", "7 10-41\n", "7 5-9\n", "7 10-20 15-30\n", "7 20-10\n", "7  10-20\n", "41\n"] {
            assert_eq!(Spans::from_line(text, 40), None, "{text:?}");
        }
    }
}
