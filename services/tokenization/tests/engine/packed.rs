//! Packed shards of a real tokenizer: their columns, their counts, and that nothing but the content matters.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type, UInt64Type};
use dataset_model::statistics::{DropRule, DroppedByRule};
use dataset_model::{Packing, TokenizeConfig};
use tokenization::engine::{Recipe, RecipeError};

use crate::support::{Bench, config, documents};

const END: u32 = 50256;

fn packed(max_length: u32) -> TokenizeConfig {
    TokenizeConfig { packing: Packing::Concat, append_eos: true, ..config(max_length, 0, true) }
}

#[test]
fn rows_are_the_documents_with_an_end_after_each() {
    let bench = Bench::new("gpt2");
    let texts = documents(700);
    let run = bench.run(&bench.raw(&texts, 90), 5000, &packed(100), 2, 50);
    let shard = bench.open(&run);

    let (mut stream, mut begins, mut empty) = (Vec::new(), Vec::new(), 0);
    for (doc, text) in (5000..).zip(&texts) {
        let mut ids = Vec::new();
        let encode = |text: &String| bench.tokenizer.encoder().encode(text, &|| false, &mut ids);
        text.as_ref().map_or(Ok(()), encode).unwrap();
        if ids.is_empty() {
            empty += 1;
            continue;
        }
        begins.push((stream.len(), doc));
        stream.extend(ids);
        stream.push(END);
    }
    let mut row = 0;
    let mut seen = BTreeMap::new();
    for batch in (0..shard.batch_count()).map(|batch| shard.batch(batch).unwrap()) {
        let ids = batch.column(0).as_fixed_size_list();
        for at in 0..batch.num_rows() {
            let (start, end) = (row * 100, stream.len().min(row * 100 + 100));
            let length = batch.column(1).as_primitive::<UInt32Type>().value(at) as usize;
            assert_eq!(length, end - start);
            let stored = ids.value(at);
            let stored: Vec<u32> = stored.as_primitive::<UInt16Type>().values().iter().map(|id| (*id).into()).collect();
            assert_eq!(stored[..length], stream[start..end]);
            assert!(stored.len() == 100 && stored[length..].iter().all(|id| *id == END));
            for id in &stored[..length] {
                *seen.entry(*id).or_insert(0_u64) += 1;
            }
            let starts = batch.column(2).as_list::<i32>().value(at);
            let inside = begins.iter().filter(|(at, _)| (start..end).contains(at));
            let expected: Vec<u32> = inside.map(|(at, _)| u32::try_from(at - start).unwrap()).collect();
            assert_eq!(starts.as_primitive::<UInt32Type>().values().to_vec(), expected);
            let first = begins.iter().rev().find(|(at, _)| *at <= start).unwrap().1;
            assert_eq!(batch.column(3).as_primitive::<UInt64Type>().value(at), first);
            row += 1;
        }
    }
    assert_eq!(row, stream.len().div_ceil(100));

    let (counts, totals) = (&run.counts, run.counts.totals);
    assert_eq!((totals.tokens, totals.sequences), (stream.len() as u64, row as u64));
    assert_eq!((totals.documents_in, totals.documents_empty), (700, empty));
    assert_eq!((counts.lengths[100], counts.lengths[stream.len() % 100]), (row as u64 - 1, 1));
    let counted = (0..).zip(counts.vocabulary.iter()).filter(|(_, count)| *count > 0);
    assert_eq!(counted.collect::<BTreeMap<u32, u64>>(), seen);
}

#[test]
fn filters_leave_the_ends_and_count_what_they_drop() {
    let bench = Bench::new("gpt2");
    let mut texts = documents(300);
    texts.extend(["<|endoftext|>a mill<|endoftext|>", "<|endoftext|>", "in"].map(|text| Some(text.to_owned())));
    let config = TokenizeConfig { filter_special_tokens: true, min_token_length: 3, ..packed(50) };
    let run = bench.run(&bench.raw(&texts, 90), 0, &config, 2, 50);

    let recipe = Recipe::new(bench.tokenizer.clone(), &config).unwrap();
    let (mut vocabulary, mut dropped, mut empty) = (BTreeMap::new(), DroppedByRule::default(), 0);
    for text in &texts {
        let mut ids = Vec::new();
        let encode = |text: &String| bench.tokenizer.encoder().encode(text, &|| false, &mut ids);
        text.as_ref().map_or(Ok(()), encode).unwrap();
        ids.retain(|id| {
            let rule = recipe.filter().unwrap().rule(*id);
            dropped.special += u64::from(rule == Some(DropRule::Special));
            dropped.min_length += u64::from(rule == Some(DropRule::MinLength));
            rule.is_none()
        });
        empty += u64::from(ids.is_empty());
        if !ids.is_empty() {
            ids.push(END);
        }
        for id in ids {
            *vocabulary.entry(id).or_insert(0_u64) += 1;
        }
    }
    assert!(dropped.special >= 3 && dropped.min_length > 1000 && vocabulary[&END] > 200, "{dropped:?}");
    let (counts, totals) = (&run.counts, run.counts.totals);
    assert_eq!((totals.dropped, totals.documents_empty), (dropped, empty));
    assert_eq!(totals.tokens, vocabulary.values().sum::<u64>());
    let counted = (0..).zip(counts.vocabulary.iter()).filter(|(_, count)| *count > 0);
    assert_eq!(counted.collect::<BTreeMap<u32, u64>>(), vocabulary);
}

#[test]
fn bytes_depend_on_the_content_alone() {
    let bench = Bench::new("gpt2");
    let texts = documents(600);
    let mut digests = Vec::new();
    for (threads, batch_rows, raw_rows) in [(1, 1000, 600), (2, 100, 77), (8, 1, 13), (3, 7, 1)] {
        let run = bench.run(&bench.raw(&texts, raw_rows), 0, &packed(33), threads, batch_rows);
        digests.push((run.sealed.sha256, run.sealed.batch_digests, run.counts));
    }
    assert!(digests.iter().all(|other| *other == digests[0]), "threads or batches changed the result");
}

#[test]
fn a_tokenizer_without_an_end_token_cannot_append_it() {
    let bench = Bench::new("bert");
    let refused = Recipe::new(bench.tokenizer.clone(), &packed(64)).err();
    assert!(matches!(refused, Some(RecipeError::NoEos { .. })), "{refused:?}");
    // It has a pad token, which fills the last row.
    let config = TokenizeConfig { append_eos: false, ..packed(64) };
    let pack = Recipe::new(bench.tokenizer.clone(), &config).unwrap().pack().unwrap();
    assert_eq!((pack.end, pack.fill), (None, 0));
}
