//! Conversations: their text, ids and masks are those of Python's `apply_chat_template`.
//!
//! The templates are those of the sample tokenizers, and ones that have what theirs have not: `generation` blocks, dates,
//! JSON with an indent, macros and loop controls.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, UInt16Type, UInt32Type};
use arrow_array::{Array, ArrayRef, ListArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};
use chrono::NaiveDate;
use dataset_model::{Packing, TokenizeConfig, TokenizeRequest};
use serde_json::{Value, json};
use shard_store::ShardReader;
use tokenization::engine::chat;
use tokenization::engine::preview::preview_conversation;
use tokenization::engine::shard::ShardError;
use tokenization::engine::{Recipe, RecipeError};

use crate::support::{Bench, config};

/// `generation` around what the assistant says and its end, as in templates for training.
const CHATML: &str = "{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}
            {{- message.content + '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\\n' }}
    {%- else %}
        {{- message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
";
/// What else templates do: dates, JSON, macros, filters, loop controls, methods of Python's types.
const GARDEN: &str = r#"{# a remark #}{% macro head(role, n=1) -%}
[{{ role | upper }} {{ n }}]
{%- endmacro %}
{{ bos_token if bos_token is defined else '' }}{{ strftime_now("%d %b %Y") }}
{% for message in messages %}
  {% if message['role'] == 'system' %}{% continue %}{% endif %}
  {{ head(message.role, n=loop.index) }}: {{ message['content'].strip().replace('a', 'A').upper() }}
  {% if loop.index > 3 %}{% break %}{% endif %}
{% endfor %}
{{ messages | map(attribute='role') | unique | join(', ') }} {{ messages[-1].items() | list | length }}
{{ messages[:2] | tojson }} {{ {'x': [1, 2.5, none, true, "é<'"]} | tojson(indent=2) }}
{{ none }} {{ true }} {{ 3 / 2 }} {{ 7 // 2 }} {{ messages[0].get('name', 'no name') }} {{ missing }}|{{ 'x' ~ 1 }}
{%- set parts = messages[0].content.split(' ') %}{{ parts[::-1] | join('_') }}{{ "%s-%s" | format('a', 1) }}
"#;

pub(crate) type Turn = (&'static str, &'static str);

pub(crate) fn conversations() -> Vec<Vec<Turn>> {
    vec![
        vec![("user", "Hello"), ("assistant", "Hi — what's the weather in Zürich?")],
        vec![("system", "You are a mill."), ("user", "日本語で\n\n答えて "), ("assistant", "  はい。 ")],
        vec![("user", "a"), ("assistant", ""), ("user", "👩‍👩‍👧 <b>&amp;"), ("assistant", "{'x': \"y\"}")],
        vec![
            ("user", "<think>no</think>"),
            ("assistant", "<think>\nhm\n</think>\n\nyes"),
            ("user", "ok?"),
            ("assistant", "ok"),
        ],
        vec![("user", "only a question")],
        vec![
            ("user", " \t x"),
            ("assistant", "one"),
            ("user", "two"),
            ("assistant", "three"),
            ("user", "4"),
            ("assistant", "5"),
        ],
    ]
}

pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()
}

fn list(items: ArrayRef, lengths: impl Iterator<Item = usize>) -> ArrayRef {
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, None))
}

fn column(conversations: &[Vec<Turn>], names: [&str; 2], speaker: fn(&str) -> &str) -> ArrayRef {
    let all = conversations.iter().flatten();
    let roles: ArrayRef = Arc::new(all.clone().map(|(role, _)| Some(speaker(role))).collect::<StringArray>());
    let texts: ArrayRef = Arc::new(all.map(|(_, text)| Some(*text)).collect::<StringArray>());
    let fields = names.map(|name| Field::new(name, DataType::Utf8, true)).to_vec();
    let turns = Arc::new(StructArray::new(Fields::from(fields), vec![roles, texts], None));
    list(turns, conversations.iter().map(Vec::len))
}

pub(crate) fn openai(conversations: &[Vec<Turn>]) -> ArrayRef {
    column(conversations, ["role", "content"], |role| role)
}

/// Ids and mask of each row.
pub(crate) fn rows(shard: &ShardReader) -> Vec<(Vec<u32>, Vec<bool>)> {
    let mut rows = Vec::new();
    for batch in (0..shard.batch_count()).map(|batch| shard.batch(batch).unwrap()) {
        let lists = |name: &str, row: usize| {
            let column = batch.column_by_name(name)?;
            Some(
                column
                    .as_list_opt::<i32>()
                    .map_or_else(|| column.as_fixed_size_list().value(row), |list| list.value(row)),
            )
        };
        for row in 0..batch.num_rows() {
            let ids = lists("input_ids", row).unwrap();
            let ids = match ids.data_type() {
                DataType::UInt16 => ids.as_primitive::<UInt16Type>().values().iter().map(|id| u32::from(*id)).collect(),
                _ => ids.as_primitive::<Int32Type>().values().iter().map(|id| id.cast_unsigned()).collect(),
            };
            let mask = lists("loss_mask", row);
            let mask = mask.map_or_else(Vec::new, |mask| mask.as_boolean().values().iter().collect());
            rows.push((ids, mask));
        }
    }
    rows
}

/// What Python makes of the conversations; `template` is the tokenizer's own when None.
fn transformers(name: &str, template: Option<&str>, conversations: &Value) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let [file, asked, answer] = ["template", "asked", "answer"].map(|file| dir.path().join(file));
    std::fs::write(&asked, conversations.to_string()).unwrap();
    std::fs::write(&file, template.unwrap_or_default()).unwrap();
    let folder = test_kit::sample_hub().join("models/tokenmill").join(name);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/chat_reference.py");
    let template = if template.is_some() { &*file } else { Path::new("-") };
    let done = Command::new(test_kit::python()).args([&*script, &folder, template, &asked, &answer]).status().unwrap();
    assert!(done.success(), "{name}");
    serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap()
}

pub(crate) fn whole() -> TokenizeConfig {
    config(1 << 16, 0, true)
}

fn compare(name: &str, template: Option<&str>, stored: &ArrayRef, asked: &Value) {
    let expected = transformers(name, template, asked);
    let bench = Bench::new(name);
    let config = TokenizeConfig { chat_template: template.map(str::to_owned), ..whole() };
    let run = bench.run_chat(stored, &config, today()).unwrap();
    let rows = rows(&bench.open(&run));
    assert_eq!(rows.len(), expected.len(), "{name}");
    for (row, expected) in rows.iter().zip(&expected) {
        let decoded = bench.tokenizer.decode(&row.0);
        assert_eq!(json!(row.0), expected["ids"], "{name}: {decoded:?} instead of {}", expected["text"]);
        let mask: Vec<u8> = row.1.iter().map(|said| u8::from(*said)).collect();
        let said = expected["mask"].as_array().map_or_else(|| json!([]), |mask| json!(mask));
        assert_eq!(json!(mask), said, "{name}: {}", expected["text"]);
    }
    let said: u64 = rows.iter().flat_map(|row| &row.1).map(|said| u64::from(*said)).sum();
    assert_eq!(run.counts.totals.loss_tokens, said);

    let recipe = Recipe::for_chat(bench.tokenizer.clone(), &config, today()).unwrap();
    for (conversation, expected) in asked.as_array().unwrap().iter().zip(&expected) {
        let given = chat::messages(&written(conversation)).unwrap();
        let rendered = recipe.chat().unwrap().render(given).unwrap();
        let shown = preview_conversation(&recipe, "main", rendered, &|| false).unwrap();
        assert_eq!(json!(shown.rendered), expected["text"], "{name}");
        let ids: Vec<u32> = shown.tokens.iter().map(|token| token.id).collect();
        assert_eq!(json!(ids), expected["ids"], "{name}: {}", expected["text"]);
        let mask: Vec<u8> = shown.loss_mask.iter().map(|said| u8::from(*said)).collect();
        assert_eq!(json!(mask), expected["mask"].as_array().map_or_else(|| json!([]), |mask| json!(mask)), "{name}");
    }
}

/// JSON with the fields of each message in their order.
fn written(conversation: &Value) -> String {
    let field = |pair: &Value| format!("{}: {}", pair[0], pair[1]);
    let message = |fields: &Value| {
        let fields: Vec<_> = fields.as_array().unwrap().iter().map(field).collect();
        format!("{{{}}}", fields.join(", "))
    };
    format!("[{}]", conversation.as_array().unwrap().iter().map(message).collect::<Vec<_>>().join(", "))
}

#[test]
fn a_conversation_is_given_as_json_in_every_shape() {
    let all = [
        r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "name": null}]"#,
        r#"[{"from": "human", "value": "a"}, null, {"from": "gpt", "value": "b"}]"#,
        r#"["a", "b"]"#,
    ];
    let [first, others @ ..] = all.map(|json| chat::messages(json).unwrap());
    let message = |role, content| minijinja::Value::from_pairs([("role", role), ("content", content)]);
    assert_eq!(first, [message("user", "a"), message("assistant", "b")]);
    assert!(others.iter().all(|other| *other == first), "{others:?}");
    assert!(chat::messages("[]").unwrap().is_empty());
    for wrong in [r#"{"role": "user", "content": "a"}"#, r#"["a", 1]"#, r#"[{"text": "a"}]"#, r#"["a", {}]"#, "\"a\""] {
        assert!(matches!(chat::messages(wrong), Err(chat::NoConversation::Shape)), "{wrong}");
    }
    assert!(matches!(chat::messages("[\"a\""), Err(chat::NoConversation::Json(_))));
}

pub(crate) fn as_json(conversations: &[Vec<Turn>]) -> Value {
    let turn = |(role, content): &Turn| json!([["role", role], ["content", content]]);
    conversations.iter().map(|turns| turns.iter().map(turn).collect::<Value>()).collect()
}

/// Each loads a tokenizer twice, here and in Python: one test for each, side by side.
macro_rules! each {
    ($($test:ident: $name:literal, $template:expr;)*) => {
        $(#[test] fn $test() {
            compare($name, $template, &openai(&conversations()), &as_json(&conversations()));
        })*
    };
}

each! {
    the_template_of_qwen3: "qwen3", None;
    the_template_of_gemma3: "gemma3", None;
    the_template_of_deepseek: "deepseek-v3", None;
    the_template_of_llama3: "llama3", None;
    generation_blocks_byte_level: "gpt2", Some(CHATML);
    generation_blocks_word_piece: "bert", Some(CHATML);
    generation_blocks_unigram: "unigram", Some(CHATML);
    generation_blocks_sentence_piece_like: "llama2", Some(CHATML);
    dates_json_and_macros: "gpt2", Some(GARDEN);
    dates_json_and_macros_with_a_first_token: "llama3", Some(GARDEN);
}

#[test]
fn tool_calls_and_reasoning_keep_their_fields() {
    let call = json!({"type": "function", "function": {"name": "grind", "arguments": "{\"kg\": 3}"}});
    let asked = json!([[
        [["role", "user"], ["content", "grind"]],
        [["role", "assistant"], ["content", ""], ["tool_calls", [call]]],
        [["role", "tool"], ["content", "done"]],
        [["role", "assistant"], ["content", "It is done."], ["reasoning", "was it?"]],
    ]]);
    let strings = |values: &[Option<&str>]| -> ArrayRef { Arc::new(values.iter().copied().collect::<StringArray>()) };
    let fields = |of: &[(&str, &ArrayRef)]| -> ArrayRef {
        let fields =
            of.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect::<Vec<_>>();
        let columns = of.iter().map(|(_, array)| Arc::clone(array)).collect();
        Arc::new(StructArray::new(Fields::from(fields), columns, None))
    };
    let function = fields(&[("name", &strings(&[Some("grind")])), ("arguments", &strings(&[Some("{\"kg\": 3}")]))]);
    let calls = fields(&[("type", &strings(&[Some("function")])), ("function", &function)]);
    let item = Arc::new(Field::new_list_field(calls.data_type().clone(), true));
    let none = Some(NullBuffer::from(vec![false, true, false, false]));
    let calls: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::new(ScalarBuffer::from(vec![0, 0, 1, 1, 1])), calls, none));
    let turns = fields(&[
        ("role", &strings(&[Some("user"), Some("assistant"), Some("tool"), Some("assistant")])),
        ("content", &strings(&[Some("grind"), Some(""), Some("done"), Some("It is done.")])),
        ("reasoning", &strings(&[None, None, None, Some("was it?")])),
        ("tool_calls", &calls),
    ]);
    compare("qwen3", None, &list(turns, [4].into_iter()), &asked);
}

#[test]
fn every_shape_of_conversation_is_the_same_to_a_template() {
    let two: Vec<Vec<Turn>> = vec![
        vec![("user", "Hello"), ("assistant", "Hi")],
        vec![("user", "one"), ("assistant", "two"), ("user", "three")],
    ];
    let sharegpt = column(&two, ["from", "value"], |role| if role == "user" { "human" } else { "gpt" });
    let texts: ArrayRef = Arc::new(two.iter().flatten().map(|(_, text)| Some(*text)).collect::<StringArray>());
    let texts = list(texts, two.iter().map(Vec::len));
    for stored in [openai(&two), sharegpt, texts] {
        compare("gpt2", Some(CHATML), &stored, &as_json(&two));
    }
}

#[test]
fn windows_and_packed_rows_cut_ids_and_mask_at_the_same_places() {
    let bench = Bench::new("gpt2");
    let many: Vec<Vec<Turn>> = conversations().into_iter().cycle().take(60).collect();
    let stored = openai(&many);
    let with = |config: TokenizeConfig| TokenizeConfig { chat_template: Some(CHATML.to_owned()), ..config };
    let of = |config: &TokenizeConfig| {
        let run = bench.run_chat(&stored, config, today()).unwrap();
        (rows(&bench.open(&run)), run)
    };
    let (documents, _) = of(&with(whole()));
    let (windows, _) = of(&with(config(16, 5, true)));
    let cut = |(ids, mask): &(Vec<u32>, Vec<bool>)| {
        let starts = (0..).step_by(11).take_while(|start| *start == 0 || start + 5 < ids.len());
        let range = |start: usize| start..(start + 16).min(ids.len());
        starts.map(|start| (ids[range(start)].to_vec(), mask[range(start)].to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(windows, documents.iter().flat_map(cut).collect::<Vec<_>>());

    let packed = with(TokenizeConfig { packing: Packing::Concat, append_eos: true, ..config(50, 0, false) });
    let end = bench.tokenizer.special_ids().eos.unwrap();
    let mut stream: Vec<(u32, bool)> = Vec::new();
    for (ids, mask) in &documents {
        stream.extend(ids.iter().copied().zip(mask.iter().copied()));
        stream.push((end, false));
    }
    let (rows, run) = of(&packed);
    let shard = bench.open(&run);
    let lengths =
        shard.batch(0).unwrap().column_by_name("length").unwrap().as_primitive::<UInt32Type>().values().to_vec();
    assert_eq!(lengths.iter().map(|length| *length as usize).sum::<usize>(), stream.len());
    let joined = rows.iter().flat_map(|(ids, mask)| ids.iter().copied().zip(mask.iter().copied()));
    assert!(joined.clone().take(stream.len()).eq(stream.iter().copied()));
    assert!(joined.skip(stream.len()).all(|(_, said)| !said), "fill is said by nobody");
}

#[test]
fn what_has_no_text_is_refused_by_row_and_empty_ones_are_counted() {
    let bench = Bench::new("gemma3");
    let odd = openai(&[vec![("user", "a")], vec![("assistant", "b")]]);
    let refused = bench.run_chat(&odd, &whole(), today()).err();
    assert!(
        matches!(&refused, Some(ShardError::Chat { row: 1, source }) if source.to_string().contains("must alternate")),
        "{refused:?}"
    );
    let empty = openai(&[vec![], vec![("user", "a")]]);
    let run = bench.run_chat(&empty, &whole(), today()).unwrap();
    assert_eq!((run.counts.totals.documents_in, run.counts.totals.documents_empty), (2, 1));
    let none = Recipe::for_chat(Bench::new("gpt2").tokenizer, &whole(), today()).err();
    assert!(matches!(none, Some(RecipeError::NoChatTemplate { .. })), "{none:?}");
}

/// The stop flag is looked at before each conversation, however short its text is.
#[test]
fn no_template_is_rendered_after_a_stop() {
    let bench = Bench::new("gemma3");
    let odd = vec![("assistant", "b")];
    let stored = openai(&[vec![vec![("user", "a")]; 3], vec![odd; 5]].concat());
    let looks = AtomicUsize::new(0);
    let stop = || looks.fetch_add(1, Ordering::Relaxed) >= 3;
    let stopped = bench.run_chat_until(&stored, &whole(), today(), &stop).err();
    assert!(matches!(stopped, Some(ShardError::Stopped)), "{stopped:?}");
}

#[test]
fn filters_take_the_mask_along() {
    let bench = Bench::new("bert");
    let template = Some(
        "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}\
        {% endgeneration %}{% else %}{{ m.content }} {% endif %}{% endfor %}"
            .to_owned(),
    );
    let request = TokenizeRequest { chat_template: template, min_token_length: Some(3), ..TokenizeRequest::default() };
    let config = TokenizeRequest { tokenizer_name: "tokenmill/bert".to_owned(), ..request }.filled().unwrap();
    let run = bench.run_chat(
        &openai(&[vec![("user", "the cat is an ox"), ("assistant", "the flour of wheat")]]),
        &config,
        today(),
    );
    let rows = rows(&bench.open(&run.unwrap()));
    let pieces: Vec<&str> = rows[0].0.iter().map(|id| bench.tokenizer.vocabulary().token(*id)).collect();
    assert_eq!((pieces, rows[0].1.clone()), (vec!["cat", "flour", "wheat"], vec![false, true, true]));
}

#[test]
fn the_mask_is_a_column_of_its_own_only_where_a_template_tells() {
    let bench = Bench::new("gpt2");
    let names = |config: &TokenizeConfig| {
        let run = bench.run_chat(&openai(&conversations()), config, today()).unwrap();
        bench.open(&run).schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    let plain = TokenizeConfig { chat_template: Some(GARDEN.to_owned()), ..whole() };
    assert_eq!(names(&plain), ["input_ids", "doc", "window"]);
    let chatml = TokenizeConfig { chat_template: Some(CHATML.to_owned()), ..whole() };
    assert_eq!(names(&chatml), ["input_ids", "doc", "window", "loss_mask"]);
}
