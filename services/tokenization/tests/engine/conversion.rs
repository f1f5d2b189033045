//! Repositories without a `tokenizer.json` give the ids that `transformers` gives for them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tokenization::engine::convert::{ConvertError, convert};
use tokenization::engine::{EngineChoice, SpecialNames, Tokenizer};

type Files = BTreeMap<&'static str, String>;

/// The files of old that a tokenizer's `tokenizer.json` was made of, and others.
fn repository(tokenizer: &str, others: &[(&'static str, Value)]) -> Files {
    let path = test_kit::sample_hub().join("models/tokenmill").join(tokenizer).join("tokenizer.json");
    let json: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (model, mut files) = (&json["model"], Files::new());
    if model["type"] == "WordPiece" {
        let mut vocab: Vec<(&String, u64)> =
            model["vocab"].as_object().unwrap().iter().map(|(token, id)| (token, id.as_u64().unwrap())).collect();
        vocab.sort_by_key(|(_, id)| *id);
        files.insert("vocab.txt", vocab.iter().fold(String::new(), |text, (token, _)| text + token + "\n"));
    } else {
        let mut merges = "#version: 0.2\n".to_owned();
        for merge in model["merges"].as_array().unwrap() {
            let pair = merge.as_str().map_or_else(
                || format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()),
                str::to_owned,
            );
            writeln!(merges, "{pair}").unwrap();
        }
        files.extend([("vocab.json", model["vocab"].to_string()), ("merges.txt", merges)]);
    }
    files.extend(others.iter().map(|(name, content)| (*name, content.to_string())));
    files
}

fn converted(files: &Files) -> Result<Tokenizer, ConvertError> {
    let made = convert(|path| files.get(path).map(String::as_bytes))?;
    let read = |path: &str| SpecialNames::from_config(files.get(path).map_or(&b"{}"[..], String::as_bytes));
    let names = read("tokenizer_config.json").or(SpecialNames::from_config(&made.special_tokens_map));
    Ok(Tokenizer::parse(made.tokenizer_json, &names, EngineChoice::Auto)?)
}

/// The tokenizers' own settings, as their makers publish them.
fn published(tokenizer: &str) -> Value {
    let path = test_kit::sample_hub().join("models/tokenmill").join(tokenizer).join("tokenizer_config.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn repositories() -> Vec<(&'static str, &'static str, Files)> {
    const CONFIG: &str = "tokenizer_config.json";
    let flagged = json!({"content": "<mark>", "lstrip": true, "rstrip": false, "normalized": false,
        "single_word": false, "special": true});
    vec![
        (
            "gpt2, by its class",
            "fastokens",
            repository("gpt2", &[(CONFIG, json!({"tokenizer_class": "GPT2Tokenizer"}))]),
        ),
        ("gpt2, by its model", "fastokens", repository("gpt2", &[("config.json", json!({"model_type": "gpt2"}))])),
        (
            "gpt2, a space and a token before texts, tokens of its own",
            "",
            repository(
                "gpt2",
                &[
                    (
                        CONFIG,
                        json!({"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": true, "add_bos_token": true,
                            "pad_token": "<pad>", "additional_special_tokens": ["<x>"]}),
                    ),
                    ("added_tokens.json", json!({"<y>": 50257, "some words": 50258})),
                ],
            ),
        ),
        (
            "gpt2, named by another file",
            "",
            repository(
                "gpt2",
                &[
                    ("config.json", json!({"model_type": "gpt2"})),
                    (
                        "special_tokens_map.json",
                        json!({"bos_token": "<s>", "eos_token": {"content": "</s>",
                        "lstrip": false, "rstrip": false, "normalized": true, "single_word": false}}),
                    ),
                ],
            ),
        ),
        (
            "gpt2, listed with what they take",
            "",
            repository(
                "gpt2",
                &[(
                    CONFIG,
                    json!({"tokenizer_class": "GPT2Tokenizer", "add_eos_token": true, "mask_token": "<mark>",
                        "added_tokens_decoder": {"50257": flagged, "50258": {"content": "zzplain", "lstrip": false,
                        "rstrip": true, "normalized": true, "single_word": true, "special": false}}}),
                )],
            ),
        ),
        ("roberta", "", repository("gpt2", &[(CONFIG, json!({"tokenizer_class": "RobertaTokenizer"}))])),
        ("qwen3, as published", "fastokens", repository("qwen3", &[(CONFIG, published("qwen3"))])),
        ("bert, by its class", "splintr", repository("bert", &[(CONFIG, json!({"tokenizer_class": "BertTokenizer"}))])),
        (
            "bert, cased",
            "splintr",
            repository(
                "bert",
                &[(
                    CONFIG,
                    json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false, "tokenize_chinese_chars": false}),
                )],
            ),
        ),
        (
            "distilbert, accents kept",
            "splintr",
            repository(
                "bert",
                &[("config.json", json!({"model_type": "distilbert"})), (CONFIG, json!({"strip_accents": false}))],
            ),
        ),
    ]
}

#[test]
fn ids_are_those_of_transformers() {
    let hub = test_kit::sample_hub();
    let corpora = ["hostile", "languages", "code"]
        .map(|corpus| hub.join("datasets/tokenmill").join(corpus).join("data/train-00000-of-00001.parquet"));
    let mut texts: Vec<String> = corpora.iter().flat_map(|path| read(path)).collect();
    texts.extend(
        ["<x>a <y>some words<s>", "a <mark> b zzplain c zzplainer", "</s>[CLS] [MASK]<pad>"].map(str::to_owned),
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("texts.json"), json!(texts).to_string()).unwrap();
    let repositories = repositories();
    for (number, (_, _, files)) in repositories.iter().enumerate() {
        let folder = dir.path().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        for (name, content) in files {
            std::fs::write(folder.join(name), content).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/conversion_reference.py");
    let python = Command::new(test_kit::python()).arg(script).arg(dir.path()).status().unwrap();
    assert!(python.success());

    for (number, (name, engine, files)) in repositories.iter().enumerate() {
        let tokenizer = converted(files).unwrap();
        let served = tokenizer.encoder().name();
        assert!(engine.is_empty() || served == *engine, "{name}: {served}, {:?}", tokenizer.encoder().refused());
        let expected = std::fs::read(dir.path().join(number.to_string()).join("ids")).unwrap();
        let mut expected = expected.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id));
        let (template, mut tokens) = (tokenizer.template(), 0);
        for text in &texts {
            let mut ids = template.prefix.clone();
            tokenizer.encoder().encode(text, &|| false, &mut ids).unwrap();
            ids.extend(&template.suffix);
            let count = expected.next().unwrap() as usize;
            let theirs: Vec<u32> = expected.by_ref().take(count).collect();
            assert!(ids == theirs, "{name}: `{}`", text.chars().take(80).collect::<String>());
            tokens += count;
        }
        assert!(expected.next().is_none());
        println!("{name}, served by {served}: {tokens} ids of {} texts are equal", texts.len());
    }
}

#[test]
fn what_would_be_a_guess_is_refused() {
    let refused = |files: &Files| converted(files).err().map(|error| error.to_string()).unwrap_or_default();
    let gpt2 = |others: &[(&'static str, Value)]| {
        let class = [("config.json", json!({"model_type": "gpt2"}))];
        refused(&repository("gpt2", &[&class[..], others].concat()))
    };
    assert_eq!(
        refused(&repository("gpt2", &[])),
        "neither tokenizer_config.json nor config.json says which kind of tokenizer it is"
    );
    assert_eq!(
        gpt2(&[("tokenizer_config.json", json!({"tokenizer_class": "BertTokenizer"}))]),
        "tokenizer_config.json and config.json mean different tokenizers: `BertTokenizer` and `gpt2`"
    );
    let t5 = Files::from([("tokenizer_config.json", json!({"tokenizer_class": "T5Tokenizer"}).to_string())]);
    assert_eq!(refused(&t5), "tokenizers of the kind `T5Tokenizer` cannot be converted");
    let none = Files::from([("config.json", json!({"model_type": "gpt2"}).to_string())]);
    assert_eq!(refused(&none), "vocab.json is missing");
    assert_eq!(
        gpt2(&[("added_tokens.json", json!({"<y>": 60000}))]),
        "its token `<y>` gets another id than the files say"
    );
    assert_eq!(
        gpt2(&[("special_tokens_map.json", json!({"mask_token": {"content": "<m>", "lstrip": true}}))]),
        "its token `<m>` takes what is around it"
    );
    let mut broken = repository("gpt2", &[("config.json", json!({"model_type": "gpt2"}))]);
    broken.insert("merges.txt", "#version: 0.2\na b\nc\n".to_owned());
    assert_eq!(refused(&broken), "merges.txt cannot be read: line 3 is not two tokens with a space between");
    broken.insert("merges.txt", "a b c".to_owned());
    assert_eq!(refused(&broken), "merges.txt cannot be read: line 1 is not two tokens with a space between");
    broken.insert("vocab.json", "[]".to_owned());
    assert!(refused(&broken).starts_with("vocab.json cannot be read: invalid type"));
    let many: BTreeMap<String, u32> = (0..2_000_001).map(|id| (id.to_string(), id)).collect();
    broken.extend([("vocab.json", json!(many).to_string()), ("merges.txt", String::new())]);
    assert_eq!(refused(&broken), "the vocabulary has 2000001 tokens; the limit is 2000000");
    broken.extend([("vocab.json", "{}".to_owned()), ("merges.txt", "a b\n".repeat(2_000_001))]);
    assert_eq!(refused(&broken), "the number of lines of merges.txt is 2000001; the limit is 2000000");
}

fn read(parquet: &Path) -> Vec<String> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(parquet).unwrap()).unwrap().build().unwrap();
    let column = |batch: arrow_array::RecordBatch| {
        let texts = batch.column_by_name("text").unwrap().as_string::<i32>();
        texts.iter().flatten().map(str::to_owned).collect::<Vec<_>>()
    };
    reader.flat_map(|batch| column(batch.unwrap())).collect()
}
