//! Stop words of every language: which ids of a vocabulary they drop equals what Python finds by decoding each id.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dataset_model::TokenizeRequest;
use dataset_model::statistics::DropRule;
use serde_json::json;
use tokenization::engine::filter::Filter;

use crate::support::Bench;

#[test]
fn they_drop_the_ids_whose_text_they_are() {
    let languages = stop_words::available_languages();
    assert!(languages.len() > 30, "{languages:?}");
    let words: BTreeMap<&str, Vec<&str>> =
        languages.iter().map(|language| (*language, stop_words::lookup(language).unwrap().to_vec())).collect();
    for name in ["gpt2", "gemma3"] {
        let bench = Bench::new(name);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("words.json"), json!(words).to_string()).unwrap();
        let python = Command::new(test_kit::python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/stop_words_reference.py"))
            .arg(test_kit::sample_hub().join("models/tokenmill").join(name).join("tokenizer.json"))
            .arg(dir.path())
            .status();
        assert!(python.unwrap().success());
        let expected = std::fs::read(dir.path().join("ids.json")).unwrap();
        let expected: BTreeMap<String, Vec<u32>> = serde_json::from_slice(&expected).unwrap();

        let (mut dropped, mut without) = (0, Vec::new());
        for language in words.keys() {
            let request = TokenizeRequest {
                tokenizer_name: "tokenmill/any".to_owned(),
                filter_special_tokens: Some(false),
                filter_stop_words: Some(true),
                stop_words_language: Some((*language).to_owned()),
                min_token_length: Some(0),
                ..TokenizeRequest::default()
            };
            let vocabulary = bench.tokenizer.vocabulary();
            let filter = Filter::new(vocabulary, &request.filled().unwrap()).unwrap().unwrap();
            let ids = 0..u32::try_from(vocabulary.id_count()).unwrap();
            let ours: Vec<u32> = ids.filter(|id| filter.rule(*id) == Some(DropRule::StopWord)).collect();
            assert_eq!(ours, expected[*language], "{name}, {language}");
            dropped += ours.len();
            without.extend(ours.is_empty().then_some(*language));
        }
        println!("{name}: {dropped} ids of {} languages are the same, none of {without:?}", words.len());
        assert!(dropped > 1000);
    }
}
