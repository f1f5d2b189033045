//! Conversations as text: the tokenizer's own template, rendered as Python's `transformers` does it.
//!
//! The template is a stranger's program. It sees the messages and the names of special tokens and nothing else; its steps
//! and the bytes that it makes are limited; and what would make a result differ from day to day, the date, is an argument.

use std::fmt::Write;
use std::ops::Range;
use std::sync::LazyLock;

use chrono::NaiveDate;
use dataset_model::tokenize::CHAT_TEMPLATE_LIMIT;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};
use regex::Regex;

use super::names::SpecialNames;

mod column;
mod given;
mod json;
mod messages;

pub use column::{Conversations, Shape};
pub use given::{NoConversation, messages};

/// Steps of a template on one conversation; each 64 bytes of text that it makes on the way cost one too.
const FUEL: u64 = 5_000_000;
/// What the text of a template is called.
const NAME: &str = "chat_template";
/// Pairs that no text has: code points that are none of a character.
const MARKS: u32 = 0xFDD0;
const PAIRS: u32 = 16;

/// `{% generation %}` and its end are `transformers`' own: what stands between was said by the model.
static GENERATION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}").ok());

/// A conversation did not become text.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    #[error("the chat template has {bytes} bytes; the limit is {CHAT_TEMPLATE_LIMIT}")]
    TooLong { bytes: usize },
    /// Its syntax, and where.
    #[error("the chat template cannot be read: {0}")]
    Syntax(String),
    /// The template's own words, where it refuses a conversation.
    #[error("the chat template gave no text: {0}")]
    Refused(String),
    /// All pairs of marks stand in the text.
    #[error("the conversation is full of code points that are no characters")]
    Marks,
}

/// A template that is ready to be used.
pub struct Chat {
    environment: Environment<'static>,
    names: Vec<(String, Value)>,
    has_generation: bool,
}

/// A conversation's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// What stands in `generation` blocks, in characters (Unicode code points); in order, none of them empty.
    pub generated: Vec<Range<usize>>,
}

impl Chat {
    /// `today` is what the template is told when it asks for the date.
    pub fn new(template: &str, names: &SpecialNames, today: NaiveDate) -> Result<Self, ChatError> {
        if template.len() > CHAT_TEMPLATE_LIMIT {
            return Err(ChatError::TooLong { bytes: template.len() });
        }
        let (source, has_generation) = with_marks(template);
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| syntax_error(&error))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_formatter(as_python);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("tojson", json::tojson);
        environment.add_test("iterable", is_iterable);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", move |format: String| strftime(today, &format));
        environment.add_template_owned(NAME, source).map_err(|error| syntax_error(&error))?;
        let names = names.tokens.iter().map(|(role, text)| (format!("{role}_token"), Value::from(text.as_str())));
        Ok(Self { names: names.collect(), has_generation, environment })
    }

    /// Whether the template says what the model said.
    pub fn has_generation(&self) -> bool {
        self.has_generation
    }

    /// The text of a conversation; of one without messages, none.
    pub fn render(&self, messages: Vec<Value>) -> Result<Rendered, ChatError> {
        if messages.is_empty() {
            return Ok(Rendered::default());
        }
        let messages = Value::from(messages);
        let marks = if self.has_generation { Some(free_marks(&messages)?) } else { None };
        let mut context = self.names.clone();
        context.push(("messages".to_owned(), messages));
        context.push(("add_generation_prompt".to_owned(), Value::from(false)));
        // As `transformers` gives them where there are none.
        context.extend(["tools", "documents"].map(|name| (name.to_owned(), Value::from(()))));
        if let Some((begin, end)) = marks {
            context
                .extend([("__begin", begin), ("__end", end)].map(|(name, mark)| (name.to_owned(), Value::from(mark))));
        }
        let template = self.environment.get_template(NAME).map_err(|error| syntax_error(&error))?;
        let text = template.render(Value::from_pairs(context)).map_err(|error| refused(&error))?;
        Ok(match marks {
            Some(marks) => without_marks(&text, marks),
            None => Rendered { text, generated: Vec::new() },
        })
    }
}

/// The engine has no tags of others, so a block becomes a scope that writes a mark at its begin and at its end. Both stand
/// inside of tags, since what is cut of the space around those of a block is not cut around an expression.
fn with_marks(template: &str) -> (String, bool) {
    let Some(pattern) = &*GENERATION else { return (template.to_owned(), false) };
    let marked = |found: &regex::Captures<'_>| {
        let (before, after) = (&found[1], &found[3]);
        match found.get(2) {
            None => format!("{{%{before} with %}}{{% if true %}}{{{{ __begin }}}}{{% endif {after}%}}"),
            Some(_) => format!("{{%{before} if true %}}{{{{ __end }}}}{{% endif %}}{{% endwith {after}%}}"),
        }
    };
    let source = pattern.replace_all(template, marked);
    let has_generation = matches!(source, std::borrow::Cow::Owned(_));
    (source.into_owned(), has_generation)
}

/// The first pair that does not stand in the messages.
fn free_marks(messages: &Value) -> Result<(char, char), ChatError> {
    let pair = |number| Some((char::from_u32(MARKS + 2 * number)?, char::from_u32(MARKS + 2 * number + 1)?));
    let mut pairs = (0..PAIRS).filter_map(pair);
    pairs.find(|(begin, end)| !holds(messages, [*begin, *end])).ok_or(ChatError::Marks)
}

fn holds(value: &Value, marks: [char; 2]) -> bool {
    if let Some(text) = value.as_str() {
        return text.contains(marks);
    }
    let of_key = |key: &Value| value.get_item(key).is_ok_and(|item| holds(&item, marks));
    match value.kind() {
        ValueKind::Seq => value.try_iter().is_ok_and(|mut items| items.any(|item| holds(&item, marks))),
        ValueKind::Map => value.try_iter().is_ok_and(|mut keys| keys.any(|key| holds(&key, marks) || of_key(&key))),
        _ => false,
    }
}

fn without_marks(marked: &str, (begin, end): (char, char)) -> Rendered {
    let mut rendered = Rendered::default();
    let (mut at, mut start) = (0, None);
    for c in marked.chars() {
        if c == begin {
            start = Some(at);
        } else if c == end {
            rendered.generated.extend(start.take().map(|start| start..at).filter(|said| !said.is_empty()));
        } else {
            rendered.text.push(c);
            at += 1;
        }
    }
    rendered
}

/// Values are written as Python writes them.
fn as_python(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return out.write_str("None").map_err(Error::from);
    }
    match bool::try_from(value.clone()) {
        Ok(flag) if value.kind() == ValueKind::Bool => {
            out.write_str(if flag { "True" } else { "False" }).map_err(Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// As in Python, where `None` is not.
fn is_iterable(value: &Value) -> bool {
    use ValueKind::{Iterable, Map, Seq, String, Undefined};
    matches!(value.kind(), Iterable | Map | Seq | String | Undefined)
}

fn strftime(today: NaiveDate, format: &str) -> Result<String, Error> {
    let mut text = String::new();
    let unknown = |_| Error::new(ErrorKind::InvalidOperation, format!("`{format}` is no format of a date"));
    write!(text, "{}", today.and_time(chrono::NaiveTime::MIN).format(format)).map_err(unknown)?;
    Ok(text)
}

fn syntax_error(error: &Error) -> ChatError {
    ChatError::Syntax(error.to_string())
}

fn refused(error: &Error) -> ChatError {
    ChatError::Refused(error.detail().map_or_else(|| error.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(texts: &[(&str, &str)]) -> Vec<Value> {
        let message = |(role, content): &(&str, &str)| Value::from_pairs([("role", *role), ("content", *content)]);
        texts.iter().map(message).collect()
    }

    fn chat(template: &str) -> Chat {
        let names = SpecialNames { tokens: [("bos".to_owned(), "<s>".to_owned())].into(), ..SpecialNames::default() };
        Chat::new(template, &names, NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()).unwrap()
    }

    const TURNS: &str = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}\
        {% generation %}{{ m.content }}!{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}";

    #[test]
    fn what_the_model_said_is_marked_in_characters() {
        let said = messages(&[("user", "ä\u{FDD0}"), ("assistant", "日本"), ("assistant", "")]);
        let rendered = chat(TURNS).render(said).unwrap();
        assert_eq!(rendered.text, "<s>[user]ä\u{FDD0}[assistant]日本![assistant]!");
        assert_eq!(rendered.generated, [22..25, 36..37]);
        assert!(chat(TURNS).has_generation() && !chat("{{ messages }}").has_generation());
        let full = (MARKS..MARKS + 2 * PAIRS).filter_map(char::from_u32).collect::<String>();
        assert!(matches!(chat(TURNS).render(messages(&[("user", &full)])), Err(ChatError::Marks)));
    }

    #[test]
    fn values_and_dates_are_written_as_in_python() {
        let of = |template: &str| chat(template).render(messages(&[("user", "x")])).unwrap().text;
        assert_eq!(of("{{ true }} {{ none }} {{ 1.0 }} {{ 2 }} {{ nothing }}"), "True None 1.0 2 ");
        assert_eq!(of("{{ strftime_now('%d %b %Y') }}"), "09 Mar 2026");
        assert_eq!(of("a\n{%- if tools is none %}b{% endif %}\n  {% if true %}c\n{% endif %}d"), "abc\nd");
    }

    #[test]
    fn a_template_that_refuses_or_never_ends_is_refused() {
        let of = |template: &str| chat(template).render(messages(&[("user", "x")])).unwrap_err().to_string();
        assert_eq!(of("{{ raise_exception('no system!') }}"), "the chat template gave no text: no system!");
        assert!(of("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}").contains("fuel"));
        let doubling = "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s|length }}";
        assert!(of(doubling).contains("fuel"));
        let broken = Chat::new("{% if %}", &SpecialNames::default(), NaiveDate::default()).err().unwrap();
        assert!(matches!(broken, ChatError::Syntax(_)), "{broken}");
        let long = Chat::new(&" ".repeat(CHAT_TEMPLATE_LIMIT + 1), &SpecialNames::default(), NaiveDate::default());
        assert!(matches!(long.err(), Some(ChatError::TooLong { .. })));
    }
}
