//! The `Range` header, as far as downloads use it: one range of bytes.

/// What a `Range` header asks for, given the file's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, or one that RFC 9110 lets a server ignore: the whole file.
    Whole,
    /// These bytes, both ends included.
    Part { first: u64, last: u64 },
    /// Beyond the end: 416.
    Beyond,
}

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n`.
pub(crate) fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some((first, last)) = header.and_then(|value| value.strip_prefix("bytes=")?.split_once('-')) else {
        return Asked::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= size => Asked::Beyond,
        (Ok(first), Ok(last)) if last >= first => Asked::Part { first, last: last.min(size - 1) },
        (Ok(first), Err(_)) if last.is_empty() => Asked::Part { first, last: size - 1 },
        (Err(_), Ok(count)) if first.is_empty() && count > 0 && size > 0 => {
            Asked::Part { first: size.saturating_sub(count), last: size - 1 }
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_and_their_edges() {
        let part = |first, last| Asked::Part { first, last };
        for (header, expected) in [
            ("bytes=0-", part(0, 9)),
            ("bytes=4-6", part(4, 6)),
            ("bytes=4-100", part(4, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-30", part(0, 9)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=6-4", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ] {
            assert_eq!(asked(Some(header), 10), expected, "{header}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Beyond);
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
