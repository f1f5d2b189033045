//! The templates of published models, and the same with `generation` blocks: each gives the ids and the masks that it gives
//! in Python's `apply_chat_template`, or refuses what it refuses there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dataset_model::TokenizeConfig;
use tokenization::engine::chat::ChatError;
use tokenization::engine::shard::ShardError;

use crate::chat::{Turn, as_json, conversations, openai, rows, today, whole};
use crate::support::Bench;

/// Ids and mask of a conversation.
type Answer = (Vec<u32>, Vec<u8>);

const TOKENIZER: &str = "qwen3";

fn transformers() -> BTreeMap<String, Vec<Option<Answer>>> {
    let dir = tempfile::tempdir().unwrap();
    let [asked, answers] = ["asked", "answers"].map(|file| dir.path().join(file));
    std::fs::write(&asked, as_json(&conversations()).to_string()).unwrap();
    let model = test_kit::sample_hub().join("models/tokenmill").join(TOKENIZER);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/chat_templates_reference.py");
    let arguments = [&*script, &model, &test_kit::sample_templates(), &asked, &answers];
    let done = Command::new(test_kit::python()).args(arguments).status().unwrap();
    assert!(done.success());
    serde_json::from_slice(&std::fs::read(answers).unwrap()).unwrap()
}

/// What is made of a conversation, None when the template refuses it.
fn answer(bench: &Bench, turns: &Vec<Turn>, config: &TokenizeConfig) -> Result<Option<Answer>, ShardError> {
    let run = match bench.run_chat(&openai(std::slice::from_ref(turns)), config, today()) {
        Err(ShardError::Chat { source: ChatError::Refused(_), .. }) => return Ok(None),
        run => run?,
    };
    let (ids, mask) = rows(&bench.open(&run)).pop().unwrap_or_default();
    Ok(Some((ids, mask.into_iter().map(u8::from).collect())))
}

#[test]
fn templates_of_published_models() {
    let (bench, conversations) = (Bench::new(TOKENIZER), conversations());
    let (mut equal, mut refused, mut masked, mut names) = (0, 0, 0, Vec::new());
    let mut different = Vec::new();
    for (name, expected) in transformers() {
        let template = std::fs::read_to_string(test_kit::sample_templates().join(format!("{name}.jinja"))).unwrap();
        let config = TokenizeConfig { chat_template: Some(template), ..whole() };
        for (turns, expected) in conversations.iter().zip(&expected) {
            let made = answer(&bench, turns, &config).unwrap_or_else(|error| panic!("{name}, {turns:?}: {error:?}"));
            if made != *expected {
                let text = |answer: &Option<Answer>| answer.as_ref().map(|(ids, _)| bench.tokenizer.decode(ids));
                different.push(format!("{name}, {turns:?}: {:?} instead of {:?}", text(&made), text(expected)));
            }
            equal += usize::from(made.is_some());
            refused += usize::from(made.is_none());
            masked += usize::from(made.is_some_and(|(_, mask)| mask.contains(&1)));
        }
        names.push(name);
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(names.len() > 50 && masked > 50, "{names:?}");
    println!(
        "{} templates: {equal} conversations are equal, {masked} of them with a mask, {refused} refused by both: {}",
        names.len(),
        names.join(", ")
    );
}
