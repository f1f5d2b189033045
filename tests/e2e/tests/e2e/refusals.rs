//! Everything that can be refused at once, each with its reason and, where there is one, the next step.

use crate::{SLOW, THREE, bert, halfway, run};
use anyhow::ensure;
use dataset_model::{DatasetId, Reason};
use e2e::{Answer, Rig, repos};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// The refusal names the field, so that a form can show it there.
#[track_caller]
fn names_field(answer: &Answer, field: &str) {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    assert!(errors.iter().any(|error| error["field"] == field), "`{field}` is not named: {answer:?}");
}

#[track_caller]
fn has_next_step(answer: &Answer) {
    assert!(answer.body["next_step"].as_str().is_some_and(|step| !step.is_empty()), "no next step: {answer:?}");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let api = rig.api();
        for repo in ["", "a/b/c", "../x", "a--b", "ünïcode/x", "a/b.git", "-a/b", "acme/", "a b"] {
            api.post("/datasets", &json!({ "repo_id": repo })).await?.refused(Reason::InvalidRepoId);
        }
        let revision = json!({ "repo_id": repos::ENGLISH, "revision": "no way\u{0}" });
        api.post("/datasets", &revision).await?.refused(Reason::InvalidRevision);
        let unknown = api.post("/datasets", &json!({ "repo_id": repos::ENGLISH, "repoid": 1 })).await?;
        ensure!(unknown.refused(Reason::InvalidField).body.to_string().contains("repoid"), "{unknown:?}");

        let taken = json!({ "repo_id": repos::ENGLISH, "name": "mine" });
        api.post("/datasets", &taken).await?.expect(StatusCode::CREATED)?;
        has_next_step(api.post("/datasets", &taken).await?.refused(Reason::NameTaken));

        let nobody = DatasetId::new();
        api.get(&format!("/datasets/{nobody}")).await?.refused(Reason::NotFound);
        api.get("/datasets/not-an-id").await?.refused(Reason::NotFound);
        api.get(&format!("/jobs/{nobody}")).await?.refused(Reason::NotFound);
        api.get(&format!("/tokenizations/{nobody}")).await?.refused(Reason::NotFound);
        api.post(&format!("/datasets/{nobody}/download"), &json!({})).await?.refused(Reason::NotFound);
        names_field(api.get("/datasets?limit=201").await?.refused(Reason::InvalidField), "limit");
        names_field(api.get("/datasets?page=0").await?.refused(Reason::InvalidField), "page");
        rig.done().await
    });
}

#[test]
fn a_wrong_token_is_refused_and_not_repeated() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let dataset = rig.create(repos::ENGLISH).await?;
        let download = format!("/datasets/{dataset}/download");
        for wrong in [json!({ "hf_secret": 1 }), json!("hf_secret with space"), json!("")] {
            let answer = rig.api().post(&download, &json!({ "hf_token": wrong })).await?;
            names_field(answer.refused(Reason::InvalidField), "hf_token");
            ensure!(!answer.body.to_string().contains("hf_secret"), "{answer:?}");
        }
        rig.done().await
    });
}

#[test]
fn the_state_decides() {
    run(async {
        let rig = Rig::small(THREE).await?;
        rig.control.throttle(Some(SLOW));
        let dataset = rig.create(repos::ENGLISH).await?;
        let path = |what: &str| format!("/datasets/{dataset}/{what}");
        let post = async |what: &str, body: Value| rig.api().post(&path(what), &body).await;
        let differ = json!({ "config": "a", "subset": "b" });
        names_field(post("download", differ).await?.refused(Reason::InvalidField), "subset");
        post("cancel", json!({})).await?.refused(Reason::JobTerminal);

        let job = rig.download(dataset).await?;
        halfway(&rig, 64 << 10).await?;
        has_next_step(post("download", json!({ "split": "test" })).await?.refused(Reason::JobAlreadyActive));
        has_next_step(post("tokenize", bert("train")).await?.refused(Reason::DatasetNotReady));
        rig.api().get(&path("samples")).await?.refused(Reason::DatasetNotReady);
        rig.control.throttle(None);
        rig.succeeded(dataset, job).await?;
        rig.api().get(&path("statistics")).await?.refused(Reason::DatasetNotReady);
        rig.api().get(&path("samples?split=nope")).await?.refused(Reason::HubSplitNotFound);
        rig.done().await
    });
}

#[test]
fn a_tokenization_is_checked_before_it_is_started() {
    run(async {
        let rig = Rig::small(THREE).await?;
        let dataset = rig.ingest(repos::ENGLISH).await?.id;
        let with = |field: &str, value: Value| {
            let mut config = bert("train");
            config[field] = value;
            config
        };
        let post = async |body: Value| rig.api().post(&format!("/datasets/{dataset}/tokenize"), &body).await;
        names_field(post(with("stride", json!(128))).await?.refused(Reason::InvalidField), "stride");
        // Room is what the template leaves: two of 128 are [CLS] and [SEP] when they are not filtered.
        let mut room = with("stride", json!(126));
        room["filter_special_tokens"] = json!(false);
        names_field(post(room).await?.refused(Reason::InvalidField), "stride");
        names_field(post(with("max_length", json!(0))).await?.refused(Reason::InvalidField), "max_length");
        names_field(post(with("batch_size", json!(10_001))).await?.refused(Reason::InvalidField), "batch_size");
        let language = post(with("stop_words_language", json!("xx"))).await?;
        names_field(language.refused(Reason::InvalidField), "stop_words_language");
        names_field(post(with("split", json!("nope"))).await?.refused(Reason::InvalidField), "split");
        let column = post(with("text_column", json!("nope"))).await?;
        has_next_step(column.refused(Reason::NoTextColumn));
        let unknown = post(with("tokenizer_name", json!("acme/nothing"))).await?;
        has_next_step(unknown.refused(Reason::HubRepoNotFound));
        let revision = post(with("tokenizer_revision", json!("no-such-branch"))).await?;
        revision.refused(Reason::HubRevisionNotFound);
        post(with("max_lenght", json!(5))).await?.refused(Reason::InvalidField);
        ensure!(rig.dataset(dataset).await?.tokenizations.is_empty(), "nothing was made of a refused request");
        rig.done().await
    });
}
