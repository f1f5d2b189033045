//! Packed rows: documents in order, joined, cut into rows of exactly `max_length` tokens.
//!
//! The template's special tokens are not added: only the end token stands between documents. A document of which the
//! filters leave nothing is not there, nor is its end token. The last row of a shard is filled up, its true length said.

use std::sync::Arc;

use arrow_schema::{DataType, Field};
use dataset_model::TokenizeConfig;

use super::format::IdType;
use super::parse::SpecialIds;
use super::recipe::RecipeError;

/// What stands between documents, and after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pack {
    /// After each document.
    pub end: Option<u32>,
    /// After the last document of a shard, up to the end of its row.
    pub fill: u32,
}

impl Pack {
    pub(super) fn new(special: SpecialIds, config: &TokenizeConfig) -> Result<Self, RecipeError> {
        if config.append_eos && special.eos.is_none() {
            return Err(RecipeError::NoEos { tokenizer: config.tokenizer_name.clone() });
        }
        // Whatever it is, nobody should read it: `length` says where it begins.
        let fill = special.pad.or(special.eos).unwrap_or(0);
        Ok(Self { end: special.eos.filter(|_| config.append_eos), fill })
    }
}

/// Cuts documents into rows, one after the other.
#[derive(Debug)]
pub struct Packer<N> {
    max_length: usize,
    row: Row<N>,
}

/// A row, full or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<N> {
    pub ids: Vec<N>,
    /// Positions at which a document begins.
    pub starts: Vec<u32>,
    /// The document that the first id belongs to.
    pub first_doc: u64,
}

impl<N: Copy> Packer<N> {
    /// For rows of `max_length` ids, at least one.
    pub fn new(max_length: usize) -> Self {
        let row = Row { ids: Vec::with_capacity(max_length), starts: Vec::new(), first_doc: 0 };
        Self { max_length, row }
    }

    /// Appends a document; `take` is given each row that it fills.
    pub fn push<E>(&mut self, ids: &[N], doc: u64, mut take: impl FnMut(&Row<N>) -> Result<(), E>) -> Result<(), E> {
        let mut rest = ids;
        while !rest.is_empty() {
            let at = self.row.ids.len();
            if at == 0 {
                self.row.first_doc = doc;
            }
            if rest.len() == ids.len() {
                self.row.starts.extend(u32::try_from(at));
            }
            let (now, later) = rest.split_at(rest.len().min(self.max_length - at));
            self.row.ids.extend_from_slice(now);
            rest = later;
            if self.row.ids.len() == self.max_length {
                take(&self.row)?;
                self.row.ids.clear();
                self.row.starts.clear();
            }
        }
        Ok(())
    }

    /// The last row, shorter than the others; None when they took everything.
    pub fn rest(&self) -> Option<&Row<N>> {
        (!self.row.ids.is_empty()).then_some(&self.row)
    }
}

/// The columns of token shards with packed rows of `max_length` tokens.
pub fn fields(id_type: IdType, max_length: i32) -> Vec<Field> {
    let id = Arc::new(Field::new_list_field(id_type.data_type(), true));
    let position = Arc::new(Field::new_list_field(DataType::UInt32, true));
    vec![
        Field::new("input_ids", DataType::FixedSizeList(id, max_length), false),
        // Without the fill of a shard's last row.
        Field::new("length", DataType::UInt32, false),
        // Positions in the row at which a document begins.
        Field::new("doc_starts", DataType::List(position), false),
        // Row in the split of the document that the row's first token belongs to.
        Field::new("first_doc", DataType::UInt64, false),
    ]
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn rows(documents: &[Vec<u32>], max_length: usize) -> Vec<Row<u32>> {
        let (mut packer, mut rows) = (Packer::new(max_length), Vec::new());
        for (doc, ids) in (0..).zip(documents) {
            let take = |row: &Row<u32>| {
                rows.push(row.clone());
                Ok::<_, Infallible>(())
            };
            packer.push(ids, doc, take).unwrap();
        }
        rows.extend(packer.rest().cloned());
        rows
    }

    proptest! {
        /// No token lost or doubled, and every document begins where a row says, and nowhere else.
        #[test]
        fn rows_are_the_documents(lengths in prop::collection::vec(0usize..40, 0..30), max_length in 1usize..50) {
            let mut next = 0..;
            let documents: Vec<Vec<u32>> = lengths.iter().map(|length| next.by_ref().take(*length).collect()).collect();
            let rows = rows(&documents, max_length);
            let joined: Vec<u32> = rows.iter().flat_map(|row| row.ids.clone()).collect();
            prop_assert_eq!(&joined, &documents.concat());
            let full = rows.len().saturating_sub(1);
            prop_assert!(rows[..full].iter().all(|row| row.ids.len() == max_length));
            prop_assert!(rows.iter().all(|row| !row.ids.is_empty()));

            // The ids count up, so that each document is known by its first.
            let starts: Vec<u32> =
                rows.iter().flat_map(|row| row.starts.iter().map(|at| row.ids[*at as usize])).collect();
            let firsts: Vec<u32> = documents.iter().filter_map(|ids| ids.first().copied()).collect();
            prop_assert_eq!(starts, firsts);
            for row in &rows {
                let of = documents.iter().position(|ids| ids.contains(&row.ids[0])).unwrap();
                prop_assert_eq!(row.first_doc, of as u64);
            }
        }
    }
}
