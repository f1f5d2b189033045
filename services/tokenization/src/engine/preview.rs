//! One text through a recipe, told token by token: what `work` does to a document, made visible.
//!
//! Ids, filters, windows and packed rows come out of the very functions that a job calls; only the offsets are asked
//! of the reference, whose ids must be those that the serving engine gave.

use std::convert::Infallible;

use dataset_model::preview::{Preview, PreviewToken, PreviewWindow};

use super::chat::Rendered;
use super::encode::EncodeError;
use super::pack::{Pack, Packer, Row};
use super::recipe::Recipe;
use super::vocabulary::printable;

/// Ids in all rows that are shown; the first row is shown whatever its length.
const SHOWN_IDS: usize = 1 << 20;

/// A text cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Stored rows would be wrong too, so this is never hidden.
    #[error("the engine `{engine}` differs from the reference on a text of {text_bytes} bytes")]
    Differs { engine: &'static str, text_bytes: usize },
}

/// What the recipe makes of a conversation that its template rendered, as [`preview`] of a text.
pub fn preview_conversation(
    recipe: &Recipe,
    commit: &str,
    conversation: Rendered,
    stop: &dyn Fn() -> bool,
) -> Result<Preview, PreviewError> {
    let Rendered { text, generated } = conversation;
    let (mut ids, mut loss_mask) = (Vec::new(), Vec::new());
    if recipe.has_mask() {
        recipe.encoder().reference().encode_with_mask(&text, &generated, &mut ids, &mut loss_mask)?;
    }
    let shown = preview(recipe, commit, &text, stop)?;
    Ok(Preview { rendered: Some(text), loss_mask, ..shown })
}

/// What the recipe makes of `text`; `commit` is the tokenizer's. Asks `stop` between the pieces of a long text.
pub fn preview(recipe: &Recipe, commit: &str, text: &str, stop: &dyn Fn() -> bool) -> Result<Preview, PreviewError> {
    let mut tally = recipe.tally();
    let kept = recipe.document(text, stop, &mut tally)?;
    let tokens = tokens(recipe, text, stop)?;
    let (windows, window_count) = match recipe.pack() {
        None => windows(recipe, &kept),
        Some(pack) => packed(recipe, pack, &kept),
    };
    Ok(Preview {
        tokenizer_revision: commit.to_owned(),
        engine: recipe.encoder().name().to_owned(),
        tokens,
        dropped_by_rule: recipe.sum([tally]).totals.dropped,
        windows,
        window_count,
        rendered: None,
        loss_mask: Vec::new(),
    })
}

fn tokens(recipe: &Recipe, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<PreviewToken>, PreviewError> {
    let mut ids = Vec::new();
    recipe.encoder().encode(text, stop, &mut ids)?;
    let located = recipe.encoder().reference().encode_with_offsets(text)?;
    if located.ids != ids {
        return Err(PreviewError::Differs { engine: recipe.encoder().name(), text_bytes: text.len() });
    }
    let vocabulary = recipe.tokenizer().vocabulary();
    let token = |(id, (start, end)): (u32, (usize, usize))| {
        let dropped_by = recipe.filter().and_then(|filter| filter.rule(id));
        PreviewToken {
            id,
            piece: printable(vocabulary.bytes(id)),
            bytes: vocabulary.bytes(id).to_vec(),
            offsets: [number(start), number(end)],
            special: vocabulary.is_special(id),
            kept: dropped_by.is_none(),
            dropped_by,
        }
    };
    Ok(ids.into_iter().zip(located.offsets).map(token).collect())
}

fn windows(recipe: &Recipe, kept: &[u32]) -> (Vec<PreviewWindow>, u64) {
    let sequences = recipe.sequences(kept);
    let count = sequences.len() as u64;
    let mut end = 0;
    let window = |(range, parts): (std::ops::Range<usize>, [&[u32]; 3])| {
        let input_ids = parts.concat();
        let overlap = end - range.start.min(end);
        end = range.end;
        PreviewWindow {
            length: number(input_ids.len()),
            input_ids,
            start: number(range.start),
            end: number(range.end),
            overlap: number(overlap),
            doc_starts: Vec::new(),
        }
    };
    (shown(recipe.windows(kept.len()).zip(sequences).map(window)), count)
}

/// The rows that the text fills by itself. Its end token, if any, is the last of `kept`, and no token of the text.
fn packed(recipe: &Recipe, pack: Pack, kept: &[u32]) -> (Vec<PreviewWindow>, u64) {
    let (max_length, of_text) = (recipe.max_length(), kept.len() - usize::from(pack.end.is_some() && !kept.is_empty()));
    let (mut packer, mut rows) = (Packer::new(max_length), Vec::new());
    let take = |row: &Row<u32>| {
        rows.push(row.clone());
        Ok::<(), Infallible>(())
    };
    let Ok(()) = packer.push(kept, 0, take);
    rows.extend(packer.rest().cloned());
    let count = rows.len() as u64;
    let row = |(number_of_row, mut row): (usize, Row<u32>)| {
        let (start, length) = (number_of_row * max_length, row.ids.len());
        row.ids.resize(max_length, pack.fill);
        PreviewWindow {
            input_ids: row.ids,
            length: number(length),
            start: number(start.min(of_text)),
            end: number((start + length).min(of_text)),
            overlap: 0,
            doc_starts: row.starts,
        }
    };
    (shown(rows.into_iter().enumerate().map(row)), count)
}

fn shown(rows: impl Iterator<Item = PreviewWindow>) -> Vec<PreviewWindow> {
    let mut ids = 0;
    let fits = |row: &PreviewWindow| {
        let is_first = ids == 0;
        ids += row.input_ids.len();
        is_first || ids <= SHOWN_IDS
    };
    rows.take_while(fits).collect()
}

/// Texts and windows are far shorter.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
