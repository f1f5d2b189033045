//! Raw shard in, token shard out: what the bytes depend on, what is counted, and how it ends early.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{self, Bench, config, documents};
use dataset_model::{TokenizeConfig, statistics::LengthPercentiles};
use tokenization::engine::shard::ShardError;
use tokenization::engine::{Counts, Recipe};

/// Every switch that has an effect on the bytes.
fn analysis() -> TokenizeConfig {
    TokenizeConfig { filter_stop_words: true, min_token_length: 3, filter_special_tokens: true, ..config(64, 16, true) }
}

#[test]
fn bytes_depend_on_the_content_alone() {
    let bench = Bench::new("gpt2");
    let texts = documents(900);
    for config in [config(64, 16, true), analysis()] {
        let mut digests = Vec::new();
        for (threads, batch_rows, raw_rows) in [(1, 1000, 900), (2, 100, 77), (8, 7, 900), (8, 1, 13), (3, 1000, 1)] {
            let raw = bench.raw(&texts, raw_rows);
            let run = bench.run(&raw, 5000, &config, threads, batch_rows);
            digests.push((run.sealed.sha256, run.sealed.batch_digests, run.counts));
        }
        assert!(digests.iter().all(|other| *other == digests[0]), "threads or batches changed the result");
    }
}

#[test]
fn batches_end_before_the_row_that_would_exceed_them() {
    let bench = Bench::new("gpt2");
    let config = TokenizeConfig { max_length: 300, stride: 299, ..config(300, 0, false) };
    let run = bench.run(&bench.raw(&documents(300), 100), 0, &config, 2, 100);
    let shard = bench.open(&run);
    // Offset, document and window of a row take 16 bytes, an id of this vocabulary two.
    let row_bytes: Vec<usize> = support::sequences(&shard).map(|(.., ids)| ids.len() * 2 + 16).collect();
    let mut rest = &row_bytes[..];
    for batch in 0..shard.batch_count() {
        let rows = shard.batch(batch).unwrap().num_rows();
        let (batch, after) = rest.split_at(rows);
        let size: usize = batch.iter().sum();
        assert!(size <= 1 << 20);
        assert!(after.first().is_none_or(|next| size + next > 1 << 20), "a batch ended too early");
        rest = after;
    }
    assert!(shard.batch_count() > 3 && rest.is_empty());
}

#[test]
fn statistics_equal_what_the_shard_holds_and_parts_add_up() {
    let bench = Bench::new("bert");
    let texts = documents(400);
    let config = config(32, 8, true);
    let whole = bench.run(&bench.raw(&texts, 100), 0, &config, 2, 50);
    let shard = bench.open(&whole);

    let (mut vocabulary, mut lengths, mut windows) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    for (doc, _, ids) in support::sequences(&shard) {
        lengths.push(u32::try_from(ids.len()).unwrap());
        *windows.entry(doc).or_insert(0_u64) += 1;
        for id in ids {
            *vocabulary.entry(id).or_insert(0_u64) += 1;
        }
    }
    lengths.sort_unstable();
    let totals = whole.counts.totals;
    assert_eq!(totals.tokens, lengths.iter().map(|length| u64::from(*length)).sum::<u64>());
    assert_eq!(totals.sequences, shard.row_count());
    assert_eq!(totals.documents_in, 400);
    assert_eq!(totals.documents_empty, 400 - windows.len() as u64);
    assert_eq!(totals.documents_truncated, windows.values().filter(|count| **count > 1).count() as u64);
    assert_eq!(totals.text_bytes, texts.iter().flatten().map(|text| text.len() as u64).sum::<u64>());

    let statistics = whole.counts.statistics(bench.tokenizer.vocabulary(), None, chrono::DateTime::UNIX_EPOCH);
    assert_eq!(statistics.unique_tokens, vocabulary.len() as u64);
    assert!(statistics.vocab_distribution.iter().all(|entry| vocabulary[&entry.token_id] == entry.count));
    let order = |entry: &dataset_model::statistics::VocabCount| (std::cmp::Reverse(entry.count), entry.token_id);
    assert!(statistics.vocab_distribution.is_sorted_by_key(order));
    // Nearest rank, written as its definition.
    let rank = |percent: usize| lengths[(lengths.len() * percent).div_ceil(100) - 1];
    let expected = LengthPercentiles { p50: rank(50), p90: rank(90), p99: rank(99), max: rank(100) };
    assert_eq!(statistics.length_percentiles, expected);
    for (bin, count) in (0..).zip(&statistics.length_distribution) {
        let in_bin = lengths.iter().filter(|length| **length / statistics.length_bin_width == bin).count();
        assert_eq!(*count, in_bin as u64);
    }

    let mut merged = Counts::new(bench.tokenizer.vocabulary().id_count(), 32);
    let mut row_start = 0;
    for part in [&texts[..1], &texts[1..150], &texts[150..150], &texts[150..]] {
        let run = bench.run(&bench.raw(part, 40), row_start, &config, 2, 50);
        merged.merge(&run.counts);
        row_start += part.len() as u64;
    }
    assert_eq!(merged, whole.counts);
}

#[test]
fn filters_drop_by_the_first_rule_and_are_counted() {
    let bench = Bench::new("bert");
    let text = "[SEP] The cat is ox unaffable";
    let drops = |config: &TokenizeConfig| {
        let recipe = Recipe::new(bench.tokenizer.clone(), config).unwrap();
        let mut tally = recipe.tally();
        let ids = recipe.document(text, &|| false, &mut tally).unwrap();
        let pieces: Vec<_> = ids.iter().map(|id| bench.tokenizer.vocabulary().token(*id).to_owned()).collect();
        let dropped = recipe.sum([tally]).totals.dropped;
        (pieces.join(" "), [dropped.special, dropped.stop_word, dropped.min_length])
    };
    let off = config(64, 0, false);
    assert_eq!(drops(&off), ("[SEP] the cat is ox una ##ffa ##ble".to_owned(), [0, 0, 0]));
    // `[SEP]` in the text is special, `is` is a stop word before it is short.
    assert_eq!(drops(&analysis()), ("cat una ##ffa ##ble".to_owned(), [1, 2, 1]));
    let stop_words = TokenizeConfig { filter_stop_words: true, ..off.clone() };
    assert_eq!(drops(&stop_words), ("[SEP] cat ox una ##ffa ##ble".to_owned(), [0, 2, 0]));
    let german = TokenizeConfig { stop_words_language: "de".to_owned(), ..stop_words };
    assert_eq!(drops(&german).1, [0, 0, 0]);
    let unknown = TokenizeConfig { stop_words_language: "xx".to_owned(), ..german };
    assert!(Recipe::new(bench.tokenizer.clone(), &unknown).is_err());
    // One byte of three is no character: it has one byte.
    let gpt2 = Bench::new("gpt2");
    let recipe = Recipe::new(gpt2.tokenizer.clone(), &TokenizeConfig { min_token_length: 2, ..off }).unwrap();
    let mut tally = recipe.tally();
    let ids = recipe.document("\u{2603}", &|| false, &mut tally).unwrap();
    let bytes: Vec<_> = ids.iter().map(|id| gpt2.tokenizer.vocabulary().bytes(*id)).collect();
    assert!(bytes.iter().all(|piece| piece.len() >= 2), "{bytes:?}");
    assert_eq!(recipe.sum([tally]).totals.dropped.min_length, 1);
}

#[test]
fn special_tokens_stand_around_every_window() {
    let bench = Bench::new("bert");
    let run = bench.run(&bench.raw(&documents(50), 50), 0, &config(16, 4, true), 2, 50);
    let (cls, sep) = (101, 102);
    for (.., ids) in support::sequences(&bench.open(&run)) {
        assert_eq!((ids[0], ids[ids.len() - 1]), (cls, sep));
    }
    let filtered = TokenizeConfig { filter_special_tokens: true, ..config(16, 4, true) };
    let run = bench.run(&bench.raw(&documents(50), 50), 0, &filtered, 2, 50);
    assert!(support::sequences(&bench.open(&run)).all(|(.., ids)| !ids.contains(&cls) && !ids.contains(&sep)));
}

#[test]
fn documents_beyond_the_budget_and_the_stop_flag_end_it_without_a_trace() {
    let bench = Bench::new("gpt2");
    let texts = documents(300);
    let raw = bench.raw(&texts, 100);
    let small = bench.try_run(&raw, &config(64, 0, false), 100, 400_000, &|| false);
    assert!(matches!(small, Err(ShardError::OutOfMemory { documents: 100, .. })), "{:?}", small.err());
    // The next try has smaller batches.
    assert!(bench.try_run(&raw, &config(64, 0, false), 1, 400_000, &|| false).is_ok());

    let asked = AtomicU64::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 5;
    let stopped = bench.try_run(&raw, &config(64, 0, false), 10, 1 << 30, &stop);
    assert!(matches!(stopped, Err(ShardError::Stopped)));
    assert_eq!(bench.files(), ["raw.arrow", "tokens.arrow"]);
}
