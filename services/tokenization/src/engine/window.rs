//! Where the windows of a document begin and end: the truncation of `tokenizers` with stride and overflow.
//!
//! Windows start every (room − stride) tokens, and the first one that reaches the end is the last; room is what the
//! template's special tokens leave of `max_length`.

use std::{ops::Range, sync::Arc};

use arrow_schema::{DataType, Field};

use super::format::IdType;

/// A window cannot advance.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The template alone fills a window.
    #[error("must be above {special_tokens}, the special tokens that the tokenizer adds to a window, not {max_length}")]
    NoRoom { max_length: usize, special_tokens: usize },
    /// Windows would overlap wholly.
    #[error("must be below {room}, the tokens of text in a window, not {stride}")]
    StrideTooLarge { stride: usize, room: usize },
}

/// How documents are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    room: usize,
    step: usize,
}

impl Windows {
    /// All arguments count tokens; `special_tokens` are those that the template adds to each window.
    pub fn new(max_length: usize, special_tokens: usize, stride: usize) -> Result<Self, WindowError> {
        let room = max_length.saturating_sub(special_tokens);
        if room == 0 {
            return Err(WindowError::NoRoom { max_length, special_tokens });
        }
        if stride >= room {
            return Err(WindowError::StrideTooLarge { stride, room });
        }
        Ok(Self { room, step: room - stride })
    }

    /// The windows of a document of `token_count` tokens, in order; none for an empty one.
    pub fn ranges(self, token_count: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
        (0..self.count(token_count)).map(move |window| {
            let start = window * self.step;
            start..(start + self.room).min(token_count)
        })
    }

    /// What each of so many windows of a document holds of the one before it, which is stored once more.
    pub fn shared(self, windows: usize) -> impl Iterator<Item = Range<usize>> {
        (1..windows).map(move |window| window * self.step).map(move |start| start..start + self.room - self.step)
    }

    /// Tokens of a document in a window: in each but the last.
    pub fn room(self) -> usize {
        self.room
    }

    /// Tokens from the start of a window to that of the next.
    pub fn step(self) -> usize {
        self.step
    }

    /// How many windows a document of `token_count` tokens has.
    pub fn count(self, token_count: usize) -> usize {
        match token_count {
            0 => 0,
            _ => 1 + token_count.saturating_sub(self.room).div_ceil(self.step),
        }
    }
}

/// The columns of token shards with windows.
pub fn fields(id_type: IdType) -> Vec<Field> {
    let item = Arc::new(Field::new_list_field(id_type.data_type(), true));
    vec![
        Field::new("input_ids", DataType::List(item), false),
        // Row in the split.
        Field::new("doc", DataType::UInt64, false),
        Field::new("window", DataType::UInt32, false),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The loop of `Encoding::truncate`, kept as naive as it is there.
    fn brute_force(token_count: usize, room: usize, stride: usize) -> Vec<Range<usize>> {
        if token_count == 0 {
            return Vec::new();
        }
        let mut windows = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + room).min(token_count);
            windows.push(start..end);
            if end == token_count {
                return windows;
            }
            start += room - stride;
        }
    }

    proptest! {
        #[test]
        fn equal_to_the_naive_loop(token_count in 0usize..500, room in 1usize..60, stride in 0usize..60) {
            prop_assume!(stride < room);
            let windows = Windows::new(room + 2, 2, stride).unwrap();
            prop_assert_eq!(windows.ranges(token_count).collect::<Vec<_>>(), brute_force(token_count, room, stride));
        }

        #[test]
        fn what_windows_share_is_stored_so_often(token_count in 0usize..500, room in 1usize..60, stride in 0usize..60) {
            prop_assume!(stride < room);
            let windows = Windows::new(room, 0, stride).unwrap();
            let mut expected = vec![0; token_count];
            brute_force(token_count, room, stride).into_iter().flatten().for_each(|at| expected[at] += 1);
            let mut times = vec![1; token_count];
            windows.shared(windows.count(token_count)).flatten().for_each(|at| times[at] += 1);
            prop_assert_eq!(times, expected);
        }

        /// The library itself, as Python calls it.
        #[test]
        fn equal_to_the_library(token_count in 1usize..300, room in 1usize..40, stride in 0usize..40) {
            prop_assume!(stride < room);
            let ids: Vec<u32> = (0..300).take(token_count).collect();
            let mut encoding = tokenizers::Encoding::from_tokens(
                ids.iter().map(|id| tokenizers::Token::new(*id, String::new(), (0, 0))).collect(),
                0,
            );
            encoding.truncate(room, stride, tokenizers::TruncationDirection::Right);
            let mut expected = vec![encoding.get_ids().to_vec()];
            expected.extend(encoding.get_overflowing().iter().map(|window| window.get_ids().to_vec()));
            let windows = Windows::new(room, 0, stride).unwrap();
            let actual: Vec<_> = windows.ranges(token_count).map(|range| ids[range].to_vec()).collect();
            prop_assert_eq!(actual, expected);
        }
    }

    #[test]
    fn windows_that_cannot_advance_are_refused() {
        assert_eq!(Windows::new(2, 2, 0), Err(WindowError::NoRoom { max_length: 2, special_tokens: 2 }));
        assert_eq!(Windows::new(10, 2, 8), Err(WindowError::StrideTooLarge { stride: 8, room: 8 }));
        assert!(Windows::new(10, 2, 7).is_ok());
    }
}
