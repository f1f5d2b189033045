//! Download → tokenize → browse → read, held against what pyarrow reads out of the same source.

use anyhow::{Context, Result, ensure};
use dataset_model::{Dataset, Statistics, TokenizationId};
use e2e::{Rig, oracle};
use serde_json::{Value, json};

#[test]
fn parquet_with_two_splits_and_two_tokenizers() {
    super::run(async {
        let rig = Rig::start().await?;
        let dataset = rig.ingest("tokenmill/english-docs").await?;
        rig.equals_the_source(dataset.id).await?;
        ensure!(dataset.commit_sha.as_ref().is_some_and(|sha| sha.len() == 40), "{dataset:?}");
        raw_samples(&rig, &dataset).await?;
        let config = json!({ "max_length": 256, "stride": 32, "split": "validation" });
        for tokenizer in ["tokenmill/bert", "tokenmill/gpt2"] {
            let mut config = config.clone();
            config["tokenizer_name"] = json!(tokenizer);
            let (id, job) = rig.tokenize(dataset.id, &config).await?;
            rig.succeeded(dataset.id, job).await?;
            let statistics = statistics_are_exact(&rig, &dataset, id).await?;
            dropped_tokens_are_exact(&rig, &dataset, id, tokenizer, &statistics).await?;
            token_samples(&rig, &dataset, id).await?;
            let again = rig.api().post(&format!("/datasets/{}/tokenize", dataset.id), &config).await?;
            ensure!(again.body["reused"] == true && again.body["tokenization_id"] == id.to_string(), "{again:?}");
        }
        let listed = rig.api().show(&format!("/datasets/{}/tokenizations", dataset.id)).await?;
        ensure!(listed["total"] == 2, "{listed}");
        rig.done().await
    });
}

#[test]
fn json_lines_in_three_compressions() {
    super::run(async {
        let rig = Rig::start().await?;
        let dataset = rig.ingest("tokenmill/english-docs-jsonl").await?;
        rig.equals_the_source(dataset.id).await?;
        rig.done().await
    });
}

async fn raw_samples(rig: &Rig, dataset: &Dataset) -> Result<()> {
    let path = format!("/datasets/{}/samples", dataset.id);
    let page = rig.api().show(&format!("{path}?page=2&limit=7")).await?;
    ensure!(page["total"] == dataset.row_count.unwrap_or_default() && page["page"] == 2, "{page}");
    let samples = page["samples"].as_array().context("samples")?;
    ensure!(samples.len() == 7 && samples[0]["index"] == 7, "{page}");
    let text = samples[3]["data"]["text"].as_str().context("a text")?;
    let needle: String = text.chars().take(40).collect::<String>().replace(['\n', '&', '#', '%', '+'], "_");
    if needle.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        let found = rig.api().show(&format!("{path}?q={}", needle.replace(' ', "%20"))).await?;
        ensure!(found["total"].as_u64() > Some(0), "{needle}: {found}");
    }
    Ok(())
}

async fn token_samples(rig: &Rig, dataset: &Dataset, id: TokenizationId) -> Result<()> {
    let page = rig.api().show(&format!("/datasets/{}/samples?tokenization_id={id}&limit=3", dataset.id)).await?;
    let samples = page["samples"].as_array().context("samples")?;
    ensure!(samples.len() == 3, "{page}");
    for sample in samples {
        let (ids, pieces) = (sample["input_ids"].as_array(), sample["pieces"].as_array());
        ensure!(ids.map(Vec::len) == pieces.map(Vec::len) && ids.is_some_and(|ids| !ids.is_empty()), "{sample}");
        ensure!(sample["text"].as_str().is_some_and(|text| !text.is_empty()), "{sample}");
    }
    Ok(())
}

/// Every figure that can be counted again from the stream is.
async fn statistics_are_exact(rig: &Rig, dataset: &Dataset, id: TokenizationId) -> Result<Statistics> {
    let body = rig.api().show(&format!("/datasets/{}/statistics?tokenization_id={id}&top=100", dataset.id)).await?;
    let statistics: Statistics = serde_json::from_value(body)?;
    let counted = oracle("flight_statistics.py", &[&rig.flight(), &id.to_string()]).await?;
    eprintln!("{id}: {} tokens in {} sequences", counted["total_tokens"], counted["total_sequences"]);
    let vocab: Vec<_> =
        statistics.vocab_distribution.iter().map(|entry| json!([entry.token_id, entry.count])).collect();
    let mut bins = vec![0_u64; statistics.length_distribution.len()];
    for length in counted["lengths"].as_array().context("lengths")? {
        let length = usize::try_from(length.as_u64().context("a length")?)?;
        bins[length / usize::try_from(statistics.length_bin_width)?] += 1;
    }
    ensure!(counted["total_tokens"] == statistics.total_tokens, "{statistics:?}");
    ensure!(counted["unique_tokens"] == statistics.unique_tokens, "{statistics:?}");
    ensure!(counted["total_sequences"] == statistics.total_sequences, "{statistics:?}");
    ensure!(counted["vocab"] == Value::Array(vocab), "{statistics:?}");
    ensure!(bins == statistics.length_distribution, "{statistics:?}");
    ensure!(counted["percentiles"] == json!(statistics.length_percentiles), "{statistics:?}");
    let fraction = counted["truncated_fraction"].as_f64().context("a fraction")?;
    ensure!((fraction - statistics.truncated_fraction).abs() < 1e-9, "{fraction} {statistics:?}");
    let documents = statistics.documents_in - statistics.documents_empty;
    ensure!(counted["documents"] == documents, "{statistics:?}");
    let tokenization = rig.tokenization(id).await?;
    ensure!(tokenization.num_tokens == Some(statistics.total_tokens), "{tokenization:?}");
    ensure!(tokenization.num_sequences == Some(statistics.total_sequences), "{tokenization:?}");
    Ok(statistics)
}

/// What the filters removed, and the text before them, counted anew from the source.
async fn dropped_tokens_are_exact(
    rig: &Rig,
    dataset: &Dataset,
    id: TokenizationId,
    tokenizer: &str,
    statistics: &Statistics,
) -> Result<()> {
    let file = test_kit::sample_hub().join("models").join(tokenizer).join("tokenizer.json");
    let (dataset, id, file) = (dataset.id.to_string(), id.to_string(), file.display().to_string());
    let counted = oracle("dropped_tokens.py", &[&rig.flight(), &dataset, "validation", &id, &file]).await?;
    ensure!(counted["text_bytes"] == statistics.text_bytes, "{statistics:?}");
    let text_tokens = counted["text_tokens"].as_u64().context("a count")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let tokens_per_byte = text_tokens as f64 / statistics.text_bytes as f64;
    ensure!(statistics.tokens_per_byte == Some(tokens_per_byte), "{tokens_per_byte} {statistics:?}");
    let dropped = counted["dropped"].as_object().context("dropped tokens")?;
    let by_rule = statistics.dropped_by_rule;
    let total: u64 = dropped.values().filter_map(Value::as_u64).sum();
    ensure!(total == by_rule.special + by_rule.stop_word + by_rule.min_length, "{total} {statistics:?}");
    eprintln!("{id}: {total} of {text_tokens} tokens dropped, {} kinds", dropped.len());
    let examples = &statistics.dropped_examples;
    ensure!(!examples.is_empty(), "{statistics:?}");
    for example in examples {
        ensure!(dropped[&example.token_id.to_string()] == example.count, "{example:?}");
    }
    // No dropped token that is not shown was dropped more often than the shown ones of every rule.
    let most = dropped.values().filter_map(Value::as_u64).max();
    ensure!(examples.iter().map(|example| example.count).max() == most, "{most:?} {examples:?}");
    Ok(())
}
