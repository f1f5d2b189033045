//! What the pool encoded, as rows of a shard: windows of one document each, or documents packed together.

use shard_store::ShardWriter;

use super::batch::BatchBuilder;
use super::packed::PackedBuilder;
use super::{Encoded, Progress, ShardError};
use crate::engine::format::TokenId;
use crate::engine::{Counts, Recipe};

/// Makes rows in the order of the documents and writes the batches that they fill.
pub(super) struct Rows<'a, T: TokenId> {
    recipe: &'a Recipe,
    writer: &'a mut ShardWriter,
    builder: Builder<T>,
    /// Around each window.
    template: (Vec<T::Native>, Vec<T::Native>),
    pub(super) progress: Progress,
}

enum Builder<T: TokenId> {
    Windows(BatchBuilder<T>),
    Packed(PackedBuilder<T>),
}

impl<'a, T: TokenId> Rows<'a, T> {
    pub(super) fn new(recipe: &'a Recipe, writer: &'a mut ShardWriter, schema: &arrow_schema::SchemaRef) -> Self {
        let native = |ids: &[u32]| ids.iter().map(|id| T::from_id(*id)).collect();
        let template = (native(&recipe.template().prefix), native(&recipe.template().suffix));
        let builder = match recipe.pack() {
            None => Builder::Windows(BatchBuilder::new(schema.clone(), recipe.has_mask())),
            Some(pack) => {
                let (length, fill) = (recipe.max_length(), T::from_id(pack.fill));
                Builder::Packed(PackedBuilder::new(schema.clone(), length, fill, recipe.has_mask()))
            }
        };
        Self { recipe, writer, builder, template, progress: Progress::default() }
    }

    /// Appends the documents of a chunk.
    pub(super) fn push(&mut self, encoded: &Encoded<T>) -> Result<(), ShardError> {
        let documents = &encoded.documents;
        for (doc, place) in (encoded.first_doc..).zip(documents.ranges()) {
            let (ids, mask) = (&documents.ids[place.clone()], documents.mask.get(place).unwrap_or_default());
            match &mut self.builder {
                Builder::Packed(builder) => {
                    self.progress.sequences += builder.push(ids, mask, doc, self.writer)?;
                    self.progress.tokens += ids.len() as u64;
                }
                Builder::Windows(builder) => {
                    for (window, range) in (0_u32..).zip(self.recipe.windows(ids.len())) {
                        // A chat template leaves nothing to add, so that ids and mask are the same tokens.
                        let mask = mask.get(range.clone()).unwrap_or_default();
                        let parts = [&self.template.0[..], &ids[range], &self.template.1[..]];
                        if let Some(full) = builder.push(&parts, mask, doc, window)? {
                            self.writer.write(&full)?;
                        }
                        self.progress.tokens += parts.iter().map(|part| part.len() as u64).sum::<u64>();
                        self.progress.sequences += 1;
                    }
                }
            }
        }
        self.progress.documents += documents.lengths.len() as u64;
        self.progress.text_bytes += encoded.text_bytes;
        Ok(())
    }

    /// Writes what is left, and counts the rows that documents share.
    pub(super) fn finish(self, counts: &mut Counts) -> Result<(), ShardError> {
        let last = match self.builder {
            Builder::Windows(mut builder) => builder.flush()?,
            Builder::Packed(builder) => builder.finish(counts, self.writer)?,
        };
        if let Some(last) = last {
            self.writer.write(&last)?;
        }
        Ok(())
    }
}
