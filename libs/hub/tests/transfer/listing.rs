//! Listings and refusals: what the Hub says about a repository, and what it says when it will not.

use std::{fs, os::unix::fs::symlink};

use crate::support::{Bench, LARGE, REPO, content, fetch_with, impatient, noise};
use hub::{HubClient, HubConfig, HubError, RepoKind, Token};
use local_hub::Options;
use test_kit::fake_hub::{FakeHub, Fault};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_revision_becomes_a_commit() {
    let bench = Bench::new(10).await;
    let info = bench.client.dataset_info(REPO, None, None).await.unwrap();
    assert_eq!((info.id.as_str(), info.gated, info.private, info.disabled), (REPO, false, false, false));
    assert_eq!(info.sha.len(), 40);
    assert_eq!(info.card_data["license"], "mit");
    let again = bench.client.dataset_info(REPO, Some(&info.sha), None).await.unwrap();
    assert_eq!(again, info);
}

#[tokio::test]
async fn models_are_another_kind() {
    let bench = Bench::new(10).await;
    FakeHub::repo(bench.root.path(), "models/gpt2").file("tokenizer.json", "{}").write().unwrap();
    let info = bench.client.model_info("gpt2", None, None).await.unwrap();
    let files = bench.client.tree(RepoKind::Model, "gpt2", &info.sha, None).await.unwrap();
    let content = bench.client.read_small(RepoKind::Model, "gpt2", &info.sha, &files[0], 100, None).await.unwrap();
    assert_eq!(content, b"{}");
    assert!(matches!(bench.client.dataset_info("gpt2", None, None).await, Err(HubError::RepoNotFound { .. })));
}

#[tokio::test]
async fn all_pages_of_a_tree_are_read() {
    let root = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..25).map(|n| format!("d{}/part {n:03}#%.txt", n % 3)).collect();
    let repo = FakeHub::repo(root.path(), &format!("datasets/{REPO}"));
    names.iter().fold(repo, |repo, name| repo.file(name, name.as_str())).write().unwrap();
    let (hub, control) = FakeHub::start_with(Options { page_size: 4, ..Options::new(root.path()) }).await.unwrap();
    let client = HubClient::new(impatient(hub.endpoint())).unwrap();
    let commit = client.dataset_info(REPO, None, None).await.unwrap().sha;
    control.fail_on("/tree/", Fault::status(502), 2);
    let files = client.tree(RepoKind::Dataset, REPO, &commit, None).await.unwrap();
    let mut expected = names.clone();
    expected.sort();
    assert_eq!(files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), expected);
    let odd = client.read_small(RepoKind::Dataset, REPO, &commit, &files[0], 100, None).await.unwrap();
    assert_eq!(odd, expected[0].as_bytes());
    assert_eq!(control.requests().iter().filter(|one| one.path.contains("/tree/")).count(), 7 + 2);
}

#[tokio::test]
async fn pages_in_a_circle_are_noticed() {
    let bench = Bench::new(10).await;
    let link = format!("<{}/api/datasets/{REPO}/tree/main?cursor=x>; rel=\"next\"", bench.hub.endpoint());
    bench.control.fail_always("/tree/", Fault::answer(200, &[("link", &link)], "[]"));
    let error = bench.client.tree(RepoKind::Dataset, REPO, "main", None).await.unwrap_err();
    assert!(matches!(error, HubError::NotAHub { why: "its pages go round in a circle", .. }), "{error}");
}

#[tokio::test]
async fn a_page_on_another_host_gets_no_token() {
    let bench = Bench::new(10).await;
    let link = [("link", "<http://192.0.2.1/api/datasets/a/tree/main?cursor=x>; rel=\"next\"")];
    bench.control.fail_always("/tree/", Fault::answer(200, &link, "[]"));
    let token = Token::new("hf_secret");
    let error = bench.client.tree(RepoKind::Dataset, REPO, "main", Some(&token)).await.unwrap_err();
    assert!(matches!(error, HubError::NotAHub { .. }), "{error}");
}

#[tokio::test]
async fn paths_that_climb_out_are_listed_and_never_asked_for() {
    let bench = Bench::new(10).await;
    for path in ["../../etc/cron.d/x", "/etc/passwd", "a\\\\..\\\\b", "a/\\u0000b", "C:/x", ""] {
        let oid = "ce013625030ba8dba906f756967f9e9ca394464a";
        let entry = format!("[{{\"type\":\"file\",\"path\":\"{path}\",\"oid\":\"{oid}\",\"size\":6}}]");
        bench.control.fail_on("/tree/", Fault::answer(200, &[], &entry), 1);
        let listed = bench.client.tree(RepoKind::Dataset, REPO, "main", None).await.unwrap();
        let read = bench.client.read_small(RepoKind::Dataset, REPO, "main", &listed[0], 10, None).await;
        let error = read.unwrap_err();
        assert!(matches!(error, HubError::InvalidPath { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn what_is_not_there_has_a_name() {
    let bench = Bench::new(10).await;
    let info = |repo, revision| bench.client.dataset_info(repo, revision, None);
    assert!(matches!(info("acme/none", None).await, Err(HubError::RepoNotFound { repo }) if repo == "acme/none"));
    let error = info(REPO, Some("v9")).await.unwrap_err();
    assert!(matches!(&error, HubError::RevisionNotFound { revision, .. } if revision == "v9"), "{error}");
    assert!(matches!(info("../x", None).await, Err(HubError::InvalidRepoId { .. })));
    let (commit, mut file) = bench.listed(LARGE).await;
    file.path = "no/such file.txt".to_owned();
    let error = bench.fetch_listed(&commit, &file, &CancellationToken::new(), &|_| ()).await.unwrap_err();
    assert!(matches!(&error, HubError::EntryNotFound { path, .. } if *path == file.path), "{error}");
    assert!(bench.staged().is_empty(), "an empty part is not worth keeping");
}

#[tokio::test]
async fn gated_files_say_where_to_ask() {
    let bench = Bench::new(10).await;
    bench.control.gate(REPO, Some("hf_granted"));
    let (commit, file) = bench.listed("README.md").await;
    let read = async |token: Option<&Token>| {
        bench.client.read_small(RepoKind::Dataset, REPO, &commit, &file, 100, token).await
    };
    for token in [None, Some(Token::new("hf_other"))] {
        let error = read(token.as_ref()).await.unwrap_err();
        let expected = format!("{}/datasets/{REPO}", bench.hub.endpoint());
        assert!(matches!(&error, HubError::Gated { url, .. } if *url == expected), "{error}");
    }
    assert!(read(Some(&Token::new("hf_granted"))).await.is_ok());
}

#[tokio::test]
async fn tokens_open_private_repositories() {
    let bench = Bench::new(10).await;
    bench.control.require_token("hf_right");
    let info = async |token: Option<Token>| bench.client.dataset_info(REPO, None, token.as_ref()).await;
    assert!(matches!(info(None).await, Err(HubError::RepoNotFound { .. })));
    assert!(matches!(info(Some(Token::new("hf_wrong"))).await, Err(HubError::TokenRejected)));
    assert!(matches!(info(Some(Token::new("no\nheader"))).await, Err(HubError::TokenRejected)));
    assert!(info(Some(Token::new("hf_right"))).await.is_ok());
    let config = HubConfig { token: Some(Token::new("hf_right")), ..impatient(bench.hub.endpoint()) };
    assert!(HubClient::new(config).unwrap().dataset_info(REPO, None, None).await.is_ok());
}

#[tokio::test]
async fn the_token_stays_with_its_origin() {
    let (bench, elsewhere) = (Bench::new(10).await, Bench::new(10).await);
    let token = Token::new("hf_secret");
    let (commit, file) = elsewhere.listed("README.md").await;
    let target = format!("{}/datasets/{REPO}/resolve/{commit}/README.md", elsewhere.hub.endpoint());
    bench.control.fail_always("/resolve/", Fault::redirect(&target));
    let read = bench.client.read_small(RepoKind::Dataset, REPO, &commit, &file, 100, Some(&token)).await;
    assert!(read.is_ok());
    assert!(bench.control.requests().iter().all(|one| one.authorized));
    assert!(!elsewhere.control.requests().iter().any(|one| one.authorized));
}

#[tokio::test]
async fn redirects_do_not_lead_into_the_local_network() {
    let bench = Bench::new(10).await;
    for target in
        ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::1]:1/", "file:///etc/passwd"]
    {
        bench.control.clear();
        bench.control.fail_always("/api/", Fault::redirect(target));
        let error = bench.client.dataset_info(REPO, None, None).await.unwrap_err();
        assert!(matches!(error, HubError::RedirectRefused { .. }), "{target}: {error}");
    }
    bench.control.clear();
    bench.control.fail_always("/api/", Fault::redirect(&format!("/api/datasets/{REPO}")));
    let error = bench.client.dataset_info(REPO, None, None).await.unwrap_err();
    assert!(matches!(error, HubError::RedirectRefused { why: "too many redirects", .. }), "{error}");
    assert_eq!(bench.control.requests().len(), 4 + 21);
}

#[tokio::test]
async fn a_captive_portal_is_not_a_hub() {
    let bench = Bench::new(10).await;
    bench.control.fail_always("/api/", Fault::answer(200, &[], "<html>Welcome</html>"));
    assert!(matches!(bench.client.dataset_info(REPO, None, None).await, Err(HubError::NotAHub { .. })));
    bench.control.clear();
    bench.control.fail_always("/api/", Fault::answer(200, &[], "{\"id\":\"acme/corpus\"}"));
    assert!(matches!(bench.client.dataset_info(REPO, None, None).await, Err(HubError::NotAHub { .. })));
}

#[tokio::test]
async fn the_hub_cache_saves_the_download_and_works_offline() {
    let bench = Bench::new(5000).await;
    let (commit, file) = bench.listed(LARGE).await;
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("datasets--acme--corpus");
    let snapshot = folder.join("snapshots").join(&commit);
    for sub in ["blobs", "refs"] {
        fs::create_dir_all(folder.join(sub)).unwrap();
    }
    fs::create_dir_all(snapshot.join("data")).unwrap();
    fs::write(folder.join("refs/main"), &commit).unwrap();
    fs::write(folder.join("blobs").join(file.digest.to_hex()), noise(5000)).unwrap();
    symlink(format!("../../../blobs/{}", file.digest.to_hex()), snapshot.join(LARGE)).unwrap();

    let asked = bench.control.requests().len();
    let config =
        |offline| HubConfig { cache_dir: Some(cache.path().to_owned()), offline, ..impatient(bench.hub.endpoint()) };
    let offline = HubClient::new(config(true)).unwrap();
    assert_eq!(offline.dataset_info(REPO, None, None).await.unwrap().sha, commit);
    assert_eq!(offline.tree(RepoKind::Dataset, REPO, &commit, None).await.unwrap(), std::slice::from_ref(&file));
    let none = CancellationToken::new();
    let mut fetched = fetch_with(&offline, &commit, &file, bench.staging.path(), &none, &|_| ()).await.unwrap();
    assert_eq!((content(&mut fetched), fetched.downloaded), (noise(5000), 0));
    let unknown = offline.dataset_info("acme/other", None, None).await;
    assert!(matches!(unknown, Err(HubError::Offline { .. })));
    assert_eq!(bench.control.requests().len(), asked, "the network was not touched");

    // The cache's word is not taken for it.
    fs::write(folder.join("blobs").join(file.digest.to_hex()), vec![0; 5000]).unwrap();
    let online = HubClient::new(config(false)).unwrap();
    let staging = tempfile::tempdir().unwrap();
    let mut fetched = fetch_with(&online, &commit, &file, staging.path(), &none, &|_| ()).await.unwrap();
    assert_eq!((content(&mut fetched), fetched.downloaded), (noise(5000), 5000));
}
