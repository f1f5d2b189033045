//! What is served equals the reference on any text, whatever engine serves.

#![expect(clippy::print_stdout, reason = "the test says how much was compared")]

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use tokenization::engine::encode::Engine;
use tokenization::engine::{EngineChoice, Refused, SpecialNames, Tokenizer};

fn tokenizer(name: &str, choice: EngineChoice) -> Tokenizer {
    let path = test_kit::sample_hub().join("models/tokenmill").join(name).join("tokenizer.json");
    Tokenizer::parse(std::fs::read(path).unwrap(), &SpecialNames::default(), choice).unwrap()
}

/// Groups of up to three random texts.
const CASES: u32 = 600;

/// Any code points, scripts that tokenizers treat in a way of their own, and what makes words, numbers and lines.
fn texts() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        1 => any::<char>(),
        4 => prop::char::ranges(vec!['\u{A0}'..='\u{2FF}', '\u{300}'..='\u{36F}', '\u{900}'..='\u{DFF}'].into()),
        2 => prop::char::ranges(vec!['\u{1100}'..='\u{11FF}', '\u{3000}'..='\u{30FF}', '\u{A640}'..='\u{A7FF}'].into()),
        2 => prop::char::ranges(vec!['\u{10000}'..='\u{1FFFF}'].into()),
        6 => prop::sample::select(" \n\t\r'’sStTlLeE019.,!?/_-<|>▁Ġ##".chars().collect::<Vec<_>>()),
        4 => prop::char::range('a', 'z'),
        3 => prop::char::range('!', '~'),
    ];
    prop::collection::vec(character, 0..60).prop_map(String::from_iter)
}

fn equal_on_random_text(name: &str) {
    let tokenizer = tokenizer(name, EngineChoice::Auto);
    let encoder = tokenizer.encoder();
    assert_eq!(encoder.refused(), None, "{name}");
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let (mut texts_seen, mut ids_seen) = (0, 0);
    let compared = runner.run(&prop::collection::vec(texts(), 1..4), |texts| {
        let text = texts.concat();
        let (mut served, mut expected) = (Vec::new(), Vec::new());
        encoder.encode(&text, &|| false, &mut served).unwrap();
        encoder.reference().encode(&text, &mut expected).unwrap();
        prop_assert_eq!(served, expected);
        Ok(())
    });
    compared.unwrap();
    // Again in long texts, which are cut into pieces where that is allowed: after lines, between words, between paragraphs.
    let mut random = TestRunner::deterministic();
    for joint in [".\na", "a b", "1\n\nx"].repeat(3) {
        let text: String = (0..1500).map(|_| texts().new_tree(&mut random).unwrap().current() + joint).collect();
        let (mut served, mut expected) = (Vec::new(), Vec::new());
        encoder.encode(&text, &|| false, &mut served).unwrap();
        encoder.reference().encode(&text, &mut expected).unwrap();
        assert!(served == expected, "{name}: a long text differs");
        texts_seen += 1;
        ids_seen += served.len();
    }
    println!(
        "{name}, served by {}: {CASES} random texts, and {texts_seen} long ones of {ids_seen} ids, are equal",
        encoder.name()
    );
}

macro_rules! each {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test] fn $test() { equal_on_random_text($name); })*
    };
}

each!(
    bert: "bert", unigram: "unigram", gpt2: "gpt2", llama3: "llama3", qwen3: "qwen3", deepseek: "deepseek-v3",
    gpt4o: "gpt4o", gemma3: "gemma3", llama2: "llama2",
);

#[test]
fn the_reference_can_be_asked_for() {
    let tokenizer = tokenizer("bert", EngineChoice::Reference);
    assert_eq!((tokenizer.encoder().name(), tokenizer.encoder().refused()), ("tokenizers", Some(&Refused::Setting)));
}

/// Added tokens that the vocabulary has too keep its ids in the reference. One of them holds a character that the engines
/// treat differently for that reason: it must not hide the other.
#[test]
fn no_added_token_hides_behind_another() {
    let path = test_kit::sample_hub().join("models/tokenmill/gpt2/tokenizer.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let added = json["added_tokens"].as_array_mut().unwrap();
    for (id, content) in [(50257, "é"), (50258, "wheel")] {
        let flags = ["single_word", "lstrip", "rstrip", "normalized", "special"].map(|flag| (flag.to_owned(), false));
        let mut token = serde_json::Map::from_iter(flags.map(|(flag, value)| (flag, value.into())));
        token.extend([("id".to_owned(), id.into()), ("content".to_owned(), content.into())]);
        added.push(token.into());
    }
    let json = serde_json::to_vec(&json).unwrap();
    let tokenizer = Tokenizer::parse(json, &SpecialNames::default(), EngineChoice::Auto).unwrap();
    let mut served = Vec::new();
    tokenizer.encoder().encode("a wheel é", &|| false, &mut served).unwrap();
    assert_eq!(served, [64, 220, 22001, 220, 165]);
    assert!(matches!(tokenizer.encoder().refused(), Some(Refused::Differs { .. })), "{:?}", tokenizer.encoder().name());
}
