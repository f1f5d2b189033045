//! `tojson` as `transformers` has it: Python's `json.dumps`, with its separators and without escapes for HTML.

use std::fmt::Write;

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

/// The layout that was asked for.
struct Style {
    ensure_ascii: bool,
    indent: Option<usize>,
    item: String,
    key: String,
    sort_keys: bool,
}

/// The filter: `value | tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false)`.
#[expect(clippy::needless_pass_by_value, reason = "the engine hands options over")]
pub(super) fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent = options.get::<Option<usize>>("indent")?;
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let default = [if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()];
    let [item, key] = match separators {
        None => default,
        Some(given) => {
            given.try_into().map_err(|_| Error::new(ErrorKind::InvalidOperation, "`separators` must be two texts"))?
        }
    };
    let style = Style {
        ensure_ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        indent,
        item,
        key,
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    let mut out = String::new();
    style.write(value, 0, &mut out)?;
    Ok(out)
}

impl Style {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            // Whole numbers as they are, others as Python's `repr`.
            ValueKind::Number => out.push_str(&format(FormatStyle::Printf, "%s", std::slice::from_ref(value))?),
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), out),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.group(['[', ']'], items, depth, out, |style, item, out| style.write(&item, depth + 1, out))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sort_keys {
                    keys.sort();
                }
                self.group(['{', '}'], keys, depth, out, |style, key, out| {
                    style.text(&key.to_string(), out);
                    out.push_str(&style.key);
                    style.write(&value.get_item(&key)?, depth + 1, out)
                })?;
            }
            kind => {
                return Err(Error::new(ErrorKind::InvalidOperation, format!("a value that is {kind} is no JSON")));
            }
        }
        Ok(())
    }

    fn group(
        &self,
        [open, close]: [char; 2],
        items: Vec<Value>,
        depth: usize,
        out: &mut String,
        write: impl Fn(&Self, Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        let is_empty = items.is_empty();
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                out.push_str(&self.item);
            }
            self.line(depth + 1, out);
            write(self, item, out)?;
        }
        if !is_empty {
            self.line(depth, out);
        }
        out.push(close);
        Ok(())
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        // A string is always JSON, and Python escapes the same characters.
        let escaped = serde_json::to_string(text).unwrap_or_default();
        if !self.ensure_ascii {
            out.push_str(&escaped);
            return;
        }
        for c in escaped.chars() {
            if c.is_ascii() {
                out.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, context};

    fn dumps(expression: &str) -> String {
        let mut environment = Environment::new();
        environment.add_filter("tojson", super::tojson);
        environment.render_str(&format!("{{{{ {expression} }}}}"), context! { t => "é<&'\"\n\u{1}🙂" }).unwrap()
    }

    // What Python's json.dumps gives.
    #[test]
    fn as_in_python() {
        assert_eq!(dumps("{'b': [1, 2.0, true, none], 'a': {}} | tojson"), r#"{"b": [1, 2.0, true, null], "a": {}}"#);
        assert_eq!(dumps("{'b': 1, 'a': []} | tojson(sort_keys=true)"), r#"{"a": [], "b": 1}"#);
        assert_eq!(dumps("t | tojson"), "\"é<&'\\\"\\n\\u0001🙂\"");
        assert_eq!(dumps("t | tojson(ensure_ascii=true)"), "\"\\u00e9<&'\\\"\\n\\u0001\\ud83d\\ude42\"");
        assert_eq!(
            dumps("{'a': [1, {}], 'b': 1e16} | tojson(indent=2)"),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": 1e+16\n}"
        );
        assert_eq!(dumps("[1, {'a': 2}] | tojson(separators=[',', ':'])"), r#"[1,{"a":2}]"#);
    }
}
