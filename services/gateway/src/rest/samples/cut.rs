//! Cells that are too long for a table, cut where they stand: a page of books need not be megabytes of JSON.

use serde_json::{Map, Value};

/// What a value costs that is no text.
const SCALAR: usize = 8;

/// Cuts each column of a row to about `most` bytes of content, and names those that lost something.
pub(super) fn columns(row: &mut Map<String, Value>, most: usize) -> Vec<String> {
    let cut = |(name, value): (&String, &mut Value)| (!fit(value, &mut { most })).then(|| name.clone());
    row.iter_mut().filter_map(cut).collect()
}

/// Cuts a value to what is `left`, which it is taken from; false when something was lost. Names of fields stay.
fn fit(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::String(text) => {
            let end = text.floor_char_boundary(*left);
            let whole = end == text.len();
            text.truncate(end);
            *left = if whole { *left - end } else { 0 };
            whole
        }
        Value::Array(items) => {
            let mut whole = true;
            let mut kept = 0;
            for item in items.iter_mut() {
                if *left == 0 {
                    whole = false;
                    break;
                }
                whole &= fit(item, left);
                kept += 1;
            }
            items.truncate(kept);
            whole
        }
        Value::Object(fields) => {
            // All of them, as a reader relies on their being there.
            let mut whole = true;
            for field in fields.values_mut() {
                whole &= fit(field, left);
            }
            whole
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *left = left.saturating_sub(SCALAR);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cut(value: Value, most: usize) -> (Value, bool) {
        let mut row = Map::from_iter([("a".to_owned(), value)]);
        let lost = columns(&mut row, most) == ["a"];
        (row.remove("a").unwrap(), lost)
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut(json!("hällo"), 6), (json!("hällo"), false));
        assert_eq!(cut(json!("hällo"), 2), (json!("h"), true));
        assert_eq!(cut(json!(12_345), 1), (json!(12_345), false));
    }

    #[test]
    fn lists_end_early_and_fields_stay() {
        let messages = json!([{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]);
        assert_eq!(cut(messages.clone(), 1000), (messages.clone(), false));
        let short = json!([{"role": "user", "content": "hell"}]);
        let (found, lost) = cut(messages, 8);
        assert!(lost);
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(found[0].as_object().unwrap().len(), short[0].as_object().unwrap().len());
        assert_eq!(cut(json!([1, 2, 3, 4]), 16), (json!([1, 2]), true));
    }
}
