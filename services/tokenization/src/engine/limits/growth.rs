//! How much longer a text can become before it is encoded.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use super::bound;
use crate::engine::parse::TokenizerError;

/// Times that replacements may make a text longer, one after the other. `▁` for a space makes three.
const MAX_GROWTH: u64 = 64;
/// Upper limit of what is put before a text, in bytes.
const MAX_PREPENDED: u64 = 256;
/// Upper limit of what stands for one character in a compiled map, in bytes. The longest of Unicode's NFKC has 33.
const MAX_REPLACED: u64 = 256;

/// Refuses a step that makes a text much longer, or that claims more than it has.
pub(super) fn check(step: &RawValue) -> Result<(), TokenizerError> {
    let Ok(step) = serde_json::from_str::<Value>(step.get()) else { return Ok(()) };
    bound("how many times longer the replacements make a text", growth(&step), MAX_GROWTH)?;
    texts(&step)
}

/// How many times longer a text becomes at most, by all replacements in the step.
fn growth(step: &Value) -> u64 {
    match step {
        Value::Array(steps) => steps.iter().map(growth).fold(1, u64::saturating_mul),
        Value::Object(fields) if fields.contains_key("content") && fields.contains_key("pattern") => {
            let content = step["content"].as_str().map_or(0, str::len) as u64;
            // A regex may find nothing, which is everywhere.
            match step.pointer("/pattern/String").and_then(Value::as_str) {
                Some(pattern) if !pattern.is_empty() => content.div_ceil(pattern.len() as u64).max(1),
                _ => content + 1,
            }
        }
        Value::Object(fields) => fields.values().map(growth).fold(1, u64::saturating_mul),
        _ => 1,
    }
}

/// Looks at the texts that a step adds.
fn texts(step: &Value) -> Result<(), TokenizerError> {
    match step {
        Value::Array(steps) => steps.iter().try_for_each(texts),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| match value {
            Value::String(text) if name == "prepend" => {
                bound("the bytes of `prepend`", text.len() as u64, MAX_PREPENDED)
            }
            Value::String(map) if name == "precompiled_charsmap" => compiled(map),
            value => texts(value),
        }),
        _ => Ok(()),
    }
}

/// The size of the trie, the trie, and texts that each end with a zero.
fn compiled(map: &str) -> Result<(), TokenizerError> {
    // What is no such map is left to the library.
    let Ok(map) = BASE64_STANDARD.decode(map) else { return Ok(()) };
    let Some((size, rest)) = map.split_first_chunk::<4>() else { return Ok(()) };
    let size = u32::from_le_bytes(*size);
    // Room is made for as much as is claimed.
    bound("the claimed size of the trie in `precompiled_charsmap`", size.into(), rest.len() as u64)?;
    let texts = rest.get(size as usize..).unwrap_or_default();
    let longest = texts.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(0);
    bound("the bytes of a text in `precompiled_charsmap`", longest as u64, MAX_REPLACED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(step: &str) -> Result<(), String> {
        check(&RawValue::from_string(step.to_owned()).unwrap()).map_err(|error| error.to_string())
    }

    fn replace(pattern: &str, content: &str) -> String {
        format!(r#"{{"type": "Replace", "pattern": {pattern}, "content": "{content}"}}"#)
    }

    fn sequence(steps: &[String]) -> String {
        format!(r#"{{"type": "Sequence", "normalizers": [{}]}}"#, steps.join(","))
    }

    #[test]
    fn replacements_multiply() {
        let (space, double) = (replace(r#"{"String": " "}"#, "▁"), replace(r#"{"String": "a"}"#, "aa"));
        assert_eq!(checked(&sequence(&[space.clone(), space, replace(r#"{"Regex": " +"}"#, "")])), Ok(()));
        assert_eq!(checked(&sequence(&vec![double.clone(); 4])), Ok(()));
        let refused =
            checked(&sequence(&[sequence(&vec![double.clone(); 20]), sequence(&vec![double; 7])])).unwrap_err();
        assert!(refused.ends_with("a text is 134217728; the limit is 64"), "{refused}");
        assert!(checked(&replace(r#"{"String": "a"}"#, &"x".repeat(200))).is_err());
        assert!(checked(&replace(r#"{"Regex": "x*"}"#, &"x".repeat(64))).is_err());
        assert!(checked(&format!(r#"{{"type": "Prepend", "prepend": "{}"}}"#, "x".repeat(257))).is_err());
        assert_eq!(checked("null").and(checked("7")), Ok(()));
    }

    #[test]
    fn a_map_has_what_it_claims() {
        let map = |size: u32, rest: &[u8]| {
            let map = BASE64_STANDARD.encode([&size.to_le_bytes(), rest].concat());
            checked(&sequence(&[format!(r#"{{"type": "Precompiled", "precompiled_charsmap": "{map}"}}"#)]))
        };
        let texts = [vec![b'x'; 256], vec![0], vec![b'x'; 3], vec![0]].concat();
        assert_eq!(map(4, &[&[0; 4], &texts[..]].concat()), Ok(()));
        assert!(map(u32::MAX, &texts).unwrap_err().contains("is 4294967295; the limit is 261"));
        assert!(map(0, &[b'x'; 257]).unwrap_err().contains("is 257; the limit is 256"));
        assert_eq!(map(0, b"").and(checked(r#"{"precompiled_charsmap": "="}"#)), Ok(()));
    }
}
