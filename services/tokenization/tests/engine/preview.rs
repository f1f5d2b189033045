//! The preview of a text: its ids and offsets are those of Python's `transformers`, its rows those of a real job.

use std::path::Path;
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type};
use dataset_model::preview::{Preview, PreviewWindow};
use dataset_model::statistics::DropRule;
use dataset_model::{Packing, TokenizeConfig};
use serde_json::Value;
use tokenization::engine::Recipe;
use tokenization::engine::preview::preview;

use crate::support::{self, Bench, config, documents};

/// What tells offsets apart: characters of several bytes, that compose, that a normaliser drops or makes two of.
const TEXTS: [&str; 9] = [
    "",
    " \t ",
    "The mill's wheel turns; it doesn't stop!",
    "Grüße aus Zürich, naïve façade — “soon”… ﬁn İstanbul",
    "日本語のテキスト、カタカナ。中文，１２３ 한국어 문장",
    "العربية ١٢٣ हिन्दी में ไทยไม่เว้นวรรค Привет, мир!",
    "👩\u{200d}👩\u{200d}👧 🙂🏽 a\u{301}e\u{323}\u{302} \u{ad}x\u{feff}\r\n\r\n  y",
    "<|endoftext|>a [SEP] b</s> c<s>",
    "fn main() {\n    println!(\"{x:?}\");\n}\n",
];

#[test]
fn bpe_is_as_in_python() {
    for name in ["gpt2", "llama3", "llama2"] {
        compare(name);
    }
}

#[test]
fn word_piece_is_as_in_python() {
    compare("bert");
}

#[test]
fn unigram_is_as_in_python() {
    compare("unigram");
}

fn compare(name: &str) {
    let bench = Bench::new(name);
    let long = documents(60).into_iter().flatten().collect::<Vec<_>>().concat();
    let long = &long[..long.floor_char_boundary(60_000)];
    let texts: Vec<&str> = TEXTS.iter().copied().chain([long]).collect();
    let expected = transformers(name, &texts);
    for (text, expected) in texts.iter().zip(&expected) {
        let shown = of(&bench, &config(16, 5, true), text);
        let ids: Vec<u32> = shown.tokens.iter().map(|token| token.id).collect();
        assert_eq!(serde_json::json!(ids), expected["ids"], "{name}: {text:?}");
        let offsets: Vec<[u32; 2]> = shown.tokens.iter().map(|token| token.offsets).collect();
        assert_eq!(serde_json::json!(offsets), expected["offsets"], "{name}: {text:?}");
        let windows: Vec<&[u32]> = shown.windows.iter().map(|window| &window.input_ids[..]).collect();
        // Python makes a window of special tokens alone of an empty text; here it gives no sequence.
        if !ids.is_empty() {
            assert_eq!(serde_json::json!(windows), expected["windows"], "{name}: {text:?}");
        }
        assert!(!ids.is_empty() || windows.is_empty());
        assert!(shown.tokens.iter().all(|token| token.kept && !token.piece.contains('\u{fffd}')));
    }
}

/// What `transformers` makes of each text: ids, offsets, and windows of 16 that overlap by 5.
fn transformers(name: &str, texts: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let [asked, answer] = ["texts", "answer"].map(|file| dir.path().join(file));
    std::fs::write(&asked, serde_json::to_vec(texts).unwrap()).unwrap();
    let tokenizer = test_kit::sample_hub().join("models/tokenmill").join(name).join("tokenizer.json");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/preview_reference.py");
    let done = Command::new(test_kit::python()).arg(script).args([&tokenizer, &asked, &answer]).status().unwrap();
    assert!(done.success());
    serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap()
}

fn of(bench: &Bench, config: &TokenizeConfig, text: &str) -> Preview {
    let recipe = Recipe::new(bench.tokenizer.clone(), config).unwrap();
    preview(&recipe, "c0", text, &|| false).unwrap()
}

/// Every configuration that shapes rows, over texts of no row, one and many.
#[test]
fn rows_are_those_that_a_job_stores() {
    let bench = Bench::new("gpt2");
    let analysis = TokenizeConfig { filter_stop_words: true, min_token_length: 3, ..config(32, 7, true) };
    let packed = TokenizeConfig { packing: Packing::Concat, append_eos: true, ..config(50, 0, false) };
    let endless = TokenizeConfig { append_eos: false, ..packed.clone() };
    let long = documents(51).into_iter().flatten().max_by_key(String::len).unwrap();
    for text in TEXTS.iter().copied().chain([&long[..20_000]]) {
        for config in [&config(32, 7, true), &analysis, &packed, &endless] {
            let shown = of(&bench, config, text);
            let run = bench.run(&bench.raw(&[Some(text.to_owned())], 1), 0, config, 1, 1);
            let shard = bench.open(&run);
            let stored: Vec<(Vec<u32>, usize)> = match config.packing {
                Packing::None => support::sequences(&shard).map(|(.., ids)| (ids.clone(), ids.len())).collect(),
                Packing::Concat => packed_rows(&shard),
            };
            let rows = shown.windows.iter().map(|row| (row.input_ids.clone(), row.length as usize));
            assert_eq!(rows.collect::<Vec<_>>(), stored, "{config:?} of {text:?}");
            assert_eq!(shown.window_count, stored.len() as u64);
            assert_eq!(shown.dropped_by_rule, run.counts.totals.dropped);
            let kept: Vec<u32> = shown.tokens.iter().filter(|token| token.kept).map(|token| token.id).collect();
            // The rows hold the kept tokens, all of them, where they say.
            let mut seen = 0;
            for (number, row) in shown.windows.iter().enumerate() {
                let PreviewWindow { start, end, overlap, .. } = *row;
                assert_eq!(start + overlap, seen, "row {number} of {config:?}");
                let own = &kept[start as usize..end as usize];
                let at = row.input_ids.windows(own.len().max(1)).position(|ids| ids == own);
                assert!(own.is_empty() || at.is_some(), "row {number} of {config:?}");
                seen = end;
            }
            assert_eq!(seen as usize, kept.len());
        }
    }
}

fn packed_rows(shard: &shard_store::ShardReader) -> Vec<(Vec<u32>, usize)> {
    let rows = |batch: arrow_array::RecordBatch| {
        let lengths = batch.column(1).as_primitive::<UInt32Type>().values().to_vec();
        let ids = batch.column(0).as_fixed_size_list();
        let row = move |(at, length): (usize, &u32)| {
            let ids = ids.value(at);
            let ids = ids.as_primitive::<UInt16Type>().values().iter().map(|id| u32::from(*id)).collect();
            (ids, *length as usize)
        };
        lengths.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    (0..shard.batch_count()).flat_map(|batch| rows(shard.batch(batch).unwrap())).collect()
}

#[test]
fn each_token_says_which_rule_drops_it() {
    let bench = Bench::new("bert");
    let analysis = TokenizeConfig {
        filter_special_tokens: true,
        filter_stop_words: true,
        min_token_length: 3,
        ..config(64, 16, true)
    };
    let shown = of(&bench, &analysis, "[SEP] The cat is ox unaffable");
    let fate = |token: &dataset_model::preview::PreviewToken| (token.piece.clone(), token.special, token.dropped_by);
    let kept = |piece: &str| (piece.to_owned(), false, None);
    let dropped = |piece: &str, rule| (piece.to_owned(), rule == DropRule::Special, Some(rule));
    let expected = [
        dropped("[SEP]", DropRule::Special),
        dropped("the", DropRule::StopWord),
        kept("cat"),
        dropped("is", DropRule::StopWord),
        dropped("ox", DropRule::MinLength),
        kept("una"),
        kept("ffa"),
        kept("ble"),
    ];
    assert_eq!(shown.tokens.iter().map(fate).collect::<Vec<_>>(), expected);
    assert!(shown.tokens.iter().all(|token| token.kept == token.dropped_by.is_none()));
    let dropped = shown.dropped_by_rule;
    assert_eq!([dropped.special, dropped.stop_word, dropped.min_length], [1, 2, 1]);
}

#[test]
fn pieces_of_a_character_are_shown_as_bytes() {
    let shown = of(&Bench::new("gpt2"), &config(64, 0, false), "☃");
    let bytes: Vec<u8> = shown.tokens.iter().flat_map(|token| token.bytes.clone()).collect();
    assert_eq!(bytes, "☃".as_bytes());
    assert!(shown.tokens.len() > 1 && shown.tokens.iter().all(|token| token.offsets == [0, 1]));
    assert!(shown.tokens[0].piece.starts_with("<0x"), "{:?}", shown.tokens);
}

#[test]
fn rows_without_end_are_counted_and_not_shown() {
    let bench = Bench::new("gpt2");
    let text = "a b ".repeat(15_000);
    let shown = of(&bench, &config(1000, 999, false), &text);
    assert_eq!(shown.window_count, shown.tokens.len() as u64 - 999);
    let ids: usize = shown.windows.iter().map(|window| window.input_ids.len()).sum();
    assert!(ids <= 1 << 20 && ids > (1 << 20) - 1001, "{ids}");
    let packed = TokenizeConfig { packing: Packing::Concat, append_eos: true, ..config(1 << 20, 0, false) };
    let shown = of(&bench, &packed, "a");
    assert_eq!((shown.windows[0].input_ids.len(), shown.windows[0].length, shown.window_count), (1 << 20, 2, 1));
}
