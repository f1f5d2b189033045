//! Repositories that nobody would expect, and those that want to do harm.

use dataset_model::Reason;
use dataset_proto::catalog::{Packing, TokenizeConfig};
use test_kit::fake_hub::FakeHub;

use super::{Service, base};

const WORD_LEVEL: &str = r#"{"version": "1.0", "added_tokens": [], "normalizer": NORMALIZER, "pre_tokenizer": SPLIT,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2}, "unk_token": "[UNK]"}}"#;

fn word_level(normalizer: &str, split: &str) -> String {
    WORD_LEVEL.replace("NORMALIZER", normalizer).replace("SPLIT", split)
}

#[tokio::test]
async fn the_reason_for_the_reference_is_told_and_a_template_file_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let repo = FakeHub::repo(dir.path(), "models/acme/words").file("tokenizer.json", word_level("null", "null"));
    let config =
        r#"{"unk_token": "[UNK]", "odd_token": "b", "eos_token": "nowhere", "chat_template": "of the config"}"#;
    repo.file("tokenizer_config.json", config).file("chat_template.jinja", "of the file").write().unwrap();
    let (hub, _control) = FakeHub::start(dir.path()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    for offline in [false, true] {
        let service = Service::start(data.path(), &hub.endpoint(), offline).await;
        let words = service.inspect("acme/words", None).await.unwrap();
        assert_eq!((words.engine.as_str(), words.chat_template.as_deref()), ("tokenizers", Some("of the file")));
        let refused = words.engine_refused.unwrap();
        assert!(refused.contains("no faster engine knows"), "{refused}");
        let tokens = words.special_tokens.iter().map(|token| (token.id, token.roles.concat()));
        assert_eq!(tokens.collect::<Vec<_>>(), [(0, "unk".to_owned()), (2, "odd".to_owned())]);
    }
}

/// As the repository of GPT-2 is: only its class in Python knows the end of a text, and the model's configuration.
#[tokio::test]
async fn roles_that_the_configuration_does_not_name_come_from_the_files_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let repo = |name: &str| FakeHub::repo(dir.path(), name).file("tokenizer.json", word_level("null", "null"));
    let model = r#"{"eos_token_id": 2, "bos_token_id": 1, "pad_token_id": 99}"#;
    let config = r#"{"model_max_length": 1024, "bos_token": null}"#;
    repo("models/acme/model").file("tokenizer_config.json", config).file("config.json", model).write().unwrap();
    let map = r#"{"eos_token": {"content": "a"}}"#;
    repo("models/acme/map").file("special_tokens_map.json", map).file("config.json", model).write().unwrap();
    let (hub, _control) = FakeHub::start(dir.path()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    for offline in [false, true] {
        let service = Service::start(data.path(), &hub.endpoint(), offline).await;
        let model = service.inspect("acme/model", None).await.unwrap();
        assert_eq!((model.bos_id, model.eos_id), (None, Some(2)));
        let map = service.inspect("acme/map", None).await.unwrap();
        assert_eq!((map.bos_id, map.eos_id), (Some(1), Some(1)));
        let packed = TokenizeConfig {
            packing: Some(Packing::Concat.into()),
            min_token_length: Some(0),
            filter_stop_words: Some(false),
            ..base("acme/model")
        };
        let shown = service.preview(packed, "a").await.unwrap();
        assert_eq!(shown.windows[0].input_ids[..2], [1, 2], "{shown:?}");
    }
}

#[tokio::test]
async fn hostile_tokenizers_are_refused_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let repo = |name: &str, json: &str| FakeHub::repo(dir.path(), name).file("tokenizer.json", json).write().unwrap();
    let vocabulary = (0..3_000_000).map(|id| format!("\"{id}\":{id}")).collect::<Vec<_>>().join(",");
    let many = r#"{"added_tokens": [], "model": {"type": "WordLevel", "unk_token": "1", "vocab": {VOCAB}}}"#;
    repo("models/acme/many", &many.replace("VOCAB", &vocabulary));
    let split = |pattern: &str| {
        format!(r#"{{"type": "Split", "pattern": {{"Regex": "{pattern}"}}, "behavior": "Isolated", "invert": false}}"#)
    };
    let replace = r#"{"type": "Replace", "pattern": {"Regex": "x*x*y|x"}, "content": ""}"#;
    repo("models/acme/split", &word_level("null", &split("a*a*b|a")));
    repo("models/acme/within", &word_level("null", &split("(?:a|a)*(?:a|a)*b")));
    repo("models/acme/replace", &word_level(replace, "null"));
    let double = r#"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#;
    let doubles = vec![double; 27].join(",");
    repo("models/acme/doubles", &word_level(&format!(r#"{{"type": "Sequence", "normalizers": [{doubles}]}}"#), "null"));
    repo(
        "models/acme/claims",
        &word_level(r#"{"type": "Precompiled", "precompiled_charsmap": "/////wAAAAA="}"#, "null"),
    );
    let word_piece = r#"{"model": {"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "",
        "max_input_chars_per_word": 1000000000, "vocab": {"a": 0}}}"#;
    repo("models/acme/words", word_piece);
    repo("models/acme/plain", &word_level("null", &split("[ab]")));
    let (hub, _control) = FakeHub::start(dir.path()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let service = Service::start(data.path(), &hub.endpoint(), false).await;

    let many = service.inspect("acme/many", None).await.unwrap_err();
    assert_eq!(many.reason, Reason::TokenizerUnsupported, "{many}");
    assert!(many.detail.contains("3000000 tokens; the limit is 2000000"), "{many}");
    for (name, part) in [
        ("acme/doubles", "times longer the replacements make a text is 134217728"),
        ("acme/claims", "precompiled_charsmap` is 4294967295"),
        ("acme/words", "`max_input_chars_per_word` is 1000000000"),
    ] {
        let refused = service.inspect(name, None).await.unwrap_err();
        assert_eq!(refused.reason, Reason::TokenizerUnsupported, "{name}: {refused}");
        assert!(refused.detail.contains(part), "{name}: {refused}");
    }
    let config = |name: &str| TokenizeConfig { min_token_length: Some(0), ..base(name) };
    for (name, text) in [("acme/split", "a"), ("acme/within", "a"), ("acme/replace", "x")] {
        let refused = service.preview(config(name), &text.repeat(60_000)).await.unwrap_err();
        assert_eq!(refused.reason, Reason::TokenizerUnsupported, "{name}: {refused}");
        // Whoever asked may ask again: nothing goes on behind.
        let short = service.preview(config(name), "b").await.unwrap();
        assert_eq!(short.tokens.len(), 1);
    }
    let plain = service.preview(config("acme/plain"), &"ab".repeat(30_000)).await.unwrap();
    assert_eq!(plain.tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [1, 2].repeat(30_000));
}

#[tokio::test]
async fn what_cannot_be_had_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let repo = |name: &str| FakeHub::repo(dir.path(), name);
    repo("models/acme/weights").file("config.json", "{}").file("vocab.txt", "a").write().unwrap();
    repo("models/acme/broken").file("tokenizer.json", r#"{"model": {"type": "BPE", "vocab": 7}}"#).write().unwrap();
    let huge =
        r#"{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel","vocab":{"a":4000000000},"unk_token":"a"}}"#;
    repo("models/acme/huge").file("tokenizer.json", huge).write().unwrap();
    let random =
        r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","dropout":0.5,"vocab":{"a":0},"merges":[]}}"#;
    repo("models/acme/random").file("tokenizer.json", random).write().unwrap();
    let (hub, _control) = FakeHub::start(dir.path()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let service = Service::start(data.path(), &hub.endpoint(), false).await;

    let cases = [
        ("acme/weights", None, Reason::TokenizerUnsupported, "it has config.json, vocab.txt"),
        ("acme/broken", None, Reason::TokenizerUnsupported, "tokenizer.json cannot be read: "),
        ("acme/huge", None, Reason::TokenizerUnsupported, "id 4000000000"),
        ("acme/random", None, Reason::TokenizerUnsupported, "dropout"),
        ("acme/nobody", None, Reason::HubRepoNotFound, "acme/nobody"),
        ("acme/broken", Some("v9"), Reason::HubRevisionNotFound, "v9"),
        ("no good name", None, Reason::InvalidField, "tokenizer_name"),
    ];
    for (name, revision, reason, part) in cases {
        let problem = service.inspect(name, revision).await.unwrap_err();
        assert_eq!(problem.reason, reason, "{name}: {problem}");
        assert!(problem.detail.contains(part), "{name}: {problem}");
        assert!(!problem.retryable, "{name}: {problem}");
    }
}
