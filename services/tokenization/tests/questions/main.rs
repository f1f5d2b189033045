//! What the service answers about tokenizers, over gRPC, with a Hub of the test's own.
#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what these share")]

use std::path::Path;

use dataset_model::Reason;
use dataset_proto::catalog::TokenizeConfig;
use dataset_proto::status::from_status;
use dataset_proto::tokenization::tokenization_query_service_client::TokenizationQueryServiceClient;
use dataset_proto::tokenization::{
    DecodeRequest, DecodeRow, InspectTokenizerRequest, PreviewRequest, PreviewResponse, SpecialToken,
};
use service_kit::{Lifecycle, Listeners};
use test_kit::fake_hub::{Control, FakeHub};
use tokenization::{Config, HubSettings, StorageSettings};
use tonic::transport::Channel;

mod strangers;

/// A running service; it stops when it is dropped.
struct Service {
    lifecycle: Lifecycle,
    client: TokenizationQueryServiceClient<Channel>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.lifecycle.soft().cancel();
        self.lifecycle.hard().cancel();
    }
}

impl Service {
    async fn start(data_dir: &Path, hub: &str, offline: bool) -> Self {
        let local = ([127, 0, 0, 1], 0).into();
        let listeners = Listeners::bind(local, local).await.unwrap();
        let address = listeners.api.local_addr().unwrap();
        let config = Config {
            // Nobody is there: questions need no catalog.
            catalog: service_kit::Peer { url: Some("http://127.0.0.1:9".to_owned()), listen: None },
            storage: StorageSettings { data_dir: data_dir.to_owned() },
            hub: HubSettings { endpoint: Some(hub.to_owned()), token: None, offline },
            ..Config::default()
        };
        let lifecycle = Lifecycle::new();
        let serving = tokenization::serve(config, listeners, lifecycle.clone());
        lifecycle.spawn("service", async move { serving.await.unwrap() });
        let channel = service_kit::channel(&format!("http://{address}")).unwrap();
        Self { lifecycle, client: TokenizationQueryServiceClient::new(channel) }
    }

    async fn inspect(
        &self,
        name: &str,
        revision: Option<&str>,
    ) -> Result<dataset_proto::tokenization::InspectTokenizerResponse, dataset_model::Problem> {
        let request = InspectTokenizerRequest {
            config: None,
            is_chat: false,
            tokenizer_name: name.to_owned(),
            tokenizer_revision: revision.map(str::to_owned),
        };
        let answer = self.client.clone().inspect_tokenizer(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| from_status(&status))
    }

    async fn preview(&self, config: TokenizeConfig, text: &str) -> Result<PreviewResponse, dataset_model::Problem> {
        self.ask(PreviewRequest { config: Some(config), text: text.to_owned(), messages: None }).await
    }

    async fn ask(&self, request: PreviewRequest) -> Result<PreviewResponse, dataset_model::Problem> {
        let answer = self.client.clone().preview(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| from_status(&status))
    }
}

async fn sample() -> (tempfile::TempDir, FakeHub, Control, Service) {
    let dir = tempfile::tempdir().unwrap();
    let (hub, control) = FakeHub::start(test_kit::sample_hub()).await.unwrap();
    let service = Service::start(dir.path(), &hub.endpoint(), false).await;
    (dir, hub, control, service)
}

#[tokio::test]
async fn tokenizers_are_described() {
    let (_dir, _hub, _control, service) = sample().await;
    let bert = service.inspect("tokenmill/bert", None).await.unwrap();
    assert_eq!((bert.family.as_str(), bert.vocab_size, bert.max_id), ("WordPiece", 30522, 30521));
    assert_eq!((bert.special_token_count, bert.pad_id, bert.unk_id, bert.bos_id), (2, Some(0), Some(100), None));
    assert_eq!((bert.engine.as_str(), bert.commit_sha.len(), bert.sha256.len()), ("splintr", 40, 64));
    let gpt2 = service.inspect("tokenmill/gpt2", Some("main")).await.unwrap();
    assert_eq!((gpt2.family.as_str(), gpt2.max_id, gpt2.special_token_count), ("BPE", 50256, 0));
    assert_eq!((gpt2.bos_id, gpt2.eos_id, gpt2.pad_id), (Some(50256), Some(50256), None));
    let llama = service.inspect("tokenmill/llama3", None).await.unwrap();
    assert_eq!((llama.special_token_count, llama.bos_id, llama.has_chat_template), (0, Some(128_000), true));
    assert_eq!((llama.vocab_size, llama.max_id), (128_256, 128_255));
    // A commit stands for itself.
    assert_eq!(service.inspect("tokenmill/bert", Some(&bert.commit_sha)).await.unwrap(), bert);
}

#[tokio::test]
async fn special_tokens_come_with_their_roles_and_chat_templates_as_text() {
    let (_dir, _hub, _control, service) = sample().await;
    let token = |id, content: &str, roles: &[&str]| SpecialToken {
        id,
        content: content.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    let bert = service.inspect("tokenmill/bert", None).await.unwrap();
    let expected = [
        token(0, "[PAD]", &["pad"]),
        token(100, "[UNK]", &["unk"]),
        token(101, "[CLS]", &["cls"]),
        token(102, "[SEP]", &["sep"]),
        token(103, "[MASK]", &["mask"]),
    ];
    assert_eq!((&bert.special_tokens[..], bert.special_token_total), (&expected[..], 5));
    assert_eq!((bert.chat_template, bert.engine_refused), (None, None));
    let gpt2 = service.inspect("tokenmill/gpt2", None).await.unwrap();
    assert_eq!(gpt2.special_tokens, [token(50256, "<|endoftext|>", &["bos", "eos", "unk"])]);

    let llama = service.inspect("tokenmill/llama3", None).await.unwrap();
    assert_eq!((llama.special_tokens.len(), llama.special_token_total), (256, 256));
    let config = test_kit::sample_hub().join("models/tokenmill/llama3/tokenizer_config.json");
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
    assert_eq!(llama.chat_template.as_deref(), config["chat_template"].as_str());
}

fn base(name: &str) -> TokenizeConfig {
    TokenizeConfig { tokenizer_name: name.to_owned(), ..TokenizeConfig::default() }
}

#[tokio::test]
async fn a_preview_shows_tokens_and_rows_and_refuses_what_a_tokenization_refuses() {
    let (_dir, _hub, _control, service) = sample().await;
    let config = TokenizeConfig { max_length: Some(2), stride: Some(1), ..base("tokenmill/bert") };
    let shown = service.preview(config, "The unaffable mill grinds wheat").await.unwrap();
    assert_eq!((shown.engine.as_str(), shown.tokenizer_revision.len()), ("splintr", 40));
    let tokens: Vec<_> =
        shown.tokens.iter().map(|t| (t.piece.as_str(), t.start, t.end, t.dropped_by.as_str())).collect();
    assert_eq!(tokens[..3], [("the", 0, 3, "stop_word"), ("una", 4, 7, ""), ("ffa", 7, 10, "")]);
    let stop_words = shown.tokens.iter().filter(|token| token.dropped_by == "stop_word").count() as u64;
    assert_eq!(
        (shown.dropped_by_rule.unwrap().stop_word, shown.window_count),
        (stop_words, shown.windows.len() as u64)
    );
    assert_eq!((shown.windows[0].start, shown.windows[1].start, shown.windows[1].overlap), (0, 1, 1));

    let refuse = |change: fn(&mut TokenizeConfig)| {
        let mut config = base("tokenmill/bert");
        change(&mut config);
        config
    };
    for (config, field) in [
        (refuse(|c| c.max_length = Some(0)), "max_length"),
        (refuse(|c| c.stride = Some(1024)), "stride"),
        (refuse(|c| c.batch_size = Some(10_001)), "batch_size"),
        (refuse(|c| c.stop_words_language = Some("xx".to_owned())), "stop_words_language"),
        (refuse(|c| c.stop_words_language = Some("english".to_owned())), "stop_words_language"),
        (refuse(|c| c.packing = Some(2)), "append_eos"),
        (refuse(|c| c.packing = Some(9)), "packing"),
        (base("no good name"), "tokenizer_name"),
    ] {
        let refused = service.preview(config, "a").await.unwrap_err();
        assert_eq!((refused.reason, refused.errors[0].field.as_str()), (Reason::InvalidField, field), "{refused}");
    }
    let limit = "é".repeat(32_768);
    assert!(service.preview(base("tokenmill/bert"), &limit).await.is_ok());
    let long = service.preview(base("tokenmill/bert"), &(limit + "x")).await.unwrap_err();
    assert_eq!((long.reason, long.errors[0].field.as_str()), (Reason::InvalidField, "text"));
    assert!(long.detail.contains("65536 bytes") && long.detail.contains("65537"), "{long}");
    let revision = TokenizeConfig { tokenizer_revision: Some("a b".to_owned()), ..base("tokenmill/bert") };
    assert_eq!(service.preview(revision, "a").await.unwrap_err().reason, Reason::InvalidRevision);
    let none = service.client.clone().preview(PreviewRequest::default()).await.unwrap_err();
    assert_eq!(from_status(&none).errors[0].field, "config");
}

#[tokio::test]
async fn a_conversation_is_previewed_as_its_template_renders_it() {
    let (_dir, _hub, _control, service) = sample().await;
    let of = |name: &str, messages: &str| PreviewRequest {
        config: Some(TokenizeConfig { min_token_length: Some(0), ..base(name) }),
        messages: Some(messages.to_owned()),
        ..PreviewRequest::default()
    };
    let two = r#"[{"from": "human", "value": "Grüße"}, {"from": "gpt", "value": "b"}]"#;
    let shown = service.ask(of("tokenmill/qwen3", two)).await.unwrap();
    let text = shown.rendered.unwrap();
    assert!(text.starts_with("<|im_start|>user\nGrüße<|im_end|>\n<|im_start|>assistant"), "{text:?}");
    assert_eq!(shown.tokens.last().unwrap().end as usize, text.chars().count());
    assert!(shown.loss_mask.is_empty(), "its template says nothing of who spoke");

    let mut own = of("tokenmill/bert", r#"["a", "b c"]"#);
    let template =
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %} {{ m.role }} {% endfor %}";
    own.config.as_mut().unwrap().chat_template = Some(template.to_owned());
    let shown = service.ask(own.clone()).await.unwrap();
    assert_eq!(shown.rendered.as_deref(), Some("a user b c assistant "));
    assert_eq!(shown.loss_mask, [true, false, true, true, false]);

    let refused = |request: PreviewRequest| {
        let service = &service;
        async move {
            let problem = service.ask(request).await.unwrap_err();
            (problem.reason, problem.errors[0].field.clone(), problem.errors[0].description.clone())
        }
    };
    let text = PreviewRequest { text: "a".to_owned(), ..own.clone() };
    assert_eq!(refused(text.clone()).await.1, "text");
    assert_eq!(refused(PreviewRequest { messages: None, ..text }).await.1, "chat_template");
    assert_eq!(refused(of("tokenmill/bert", two)).await.1, "chat_template");
    for (name, messages, said) in [
        ("tokenmill/qwen3", "[1]", "must be a list of {role, content"),
        ("tokenmill/qwen3", "[", "is no JSON"),
        ("tokenmill/gemma3", r#"[{"role": "assistant", "content": "a"}]"#, "must alternate"),
        ("tokenmill/qwen3", &format!("[\"{}\"]", "a".repeat(65_536)), "not 65540"),
        // Just short enough as JSON, and not as text.
        ("tokenmill/qwen3", &format!("[\"{}\"]", "a".repeat(65_530)), "must be at most 65536 bytes"),
    ] {
        let (reason, field, description) = refused(of(name, messages)).await;
        assert_eq!((reason, field.as_str()), (Reason::InvalidField, "messages"), "{description}");
        assert!(description.contains(said), "{description}");
    }
}

#[tokio::test]
async fn a_tokenizer_is_fetched_once_and_offline_comes_from_the_disk() {
    let (dir, hub, control, service) = sample().await;
    let files = |control: &Control| control.requests().iter().filter(|entry| entry.path.contains("/resolve/")).count();
    let online = service.inspect("tokenmill/gpt2", None).await.unwrap();
    let fetched = files(&control);
    assert!(fetched >= 2, "{fetched}");
    assert_eq!(service.inspect("tokenmill/gpt2", None).await.unwrap(), online);
    assert_eq!(files(&control), fetched);
    drop(service);

    let again = Service::start(dir.path(), &hub.endpoint(), false).await;
    assert_eq!(again.inspect("tokenmill/gpt2", None).await.unwrap(), online);
    assert_eq!(files(&control), fetched, "another process takes the copy on disk");
    drop((again, hub));

    let offline = Service::start(dir.path(), "http://127.0.0.1:9", true).await;
    assert_eq!(offline.inspect("tokenmill/gpt2", None).await.unwrap(), online);
    let missing = offline.inspect("tokenmill/bert", None).await.unwrap_err();
    assert_eq!(missing.reason, Reason::DownloadFailed, "{missing}");
}

#[tokio::test]
async fn a_repository_without_tokenizer_json_is_made_into_one_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let published = test_kit::sample_hub().join("models/tokenmill/bert/tokenizer.json");
    let published: serde_json::Value = serde_json::from_slice(&std::fs::read(published).unwrap()).unwrap();
    let vocab = published["model"]["vocab"].as_object().unwrap();
    let mut vocab: Vec<_> = vocab.iter().map(|(token, id)| (id.as_u64().unwrap(), token.as_str())).collect();
    vocab.sort_unstable();
    let lines = vocab.iter().fold(String::new(), |text, (_, token)| text + token + "\n");
    let hub_dir = dir.path().join("hub");
    let repo = FakeHub::repo(&hub_dir, "models/acme/old").file("vocab.txt", lines);
    repo.file("config.json", r#"{"model_type": "bert"}"#).write().unwrap();
    let (hub, control) = FakeHub::start(&hub_dir).await.unwrap();
    let data_dir = dir.path().join("data");
    let service = Service::start(&data_dir, &hub.endpoint(), false).await;
    let made = service.inspect("acme/old", None).await.unwrap();
    assert_eq!((made.family.as_str(), made.engine.as_str(), made.vocab_size), ("WordPiece", "splintr", 30522));
    let tokens: Vec<_> =
        made.special_tokens.iter().map(|token| (token.content.as_str(), token.roles.join(" "))).collect();
    let roles = [("[PAD]", "pad"), ("[UNK]", "unk"), ("[CLS]", "cls"), ("[SEP]", "sep"), ("[MASK]", "mask")];
    assert_eq!(tokens, roles.map(|(token, role)| (token, role.to_owned())));
    let shown = service.preview(base("acme/old"), "The unaffable mill").await.unwrap();
    let ids: Vec<u32> = shown.tokens.iter().map(|token| token.id).collect();
    assert_eq!(ids, [1996, 14477, 20961, 3468, 4971]);
    drop(service);

    // Nothing is fetched or made again.
    let before = control.requests().len();
    drop(hub);
    let offline = Service::start(&data_dir, "http://127.0.0.1:9", true).await;
    assert_eq!(offline.inspect("acme/old", None).await.unwrap(), made);
    assert_eq!(control.requests().len(), before);
}

#[tokio::test]
async fn pieces_that_split_a_character_are_shown_as_bytes() {
    let (_dir, _hub, _control, service) = sample().await;
    let decode = async |name: &str, rows: Vec<Vec<u32>>| {
        let rows = rows.into_iter().map(|input_ids| DecodeRow { input_ids }).collect();
        let request = DecodeRequest { tokenizer_name: name.to_owned(), tokenizer_revision: None, rows };
        service.client.clone().decode(request).await.map(|answer| answer.into_inner().rows)
    };
    // Two tokens of GPT-2 that make "Hello 🙂" whole, and the first of them alone, as at the end of a window.
    let rows = decode("tokenmill/gpt2", vec![vec![15496, 12520, 25081], vec![15496, 12520]]).await.unwrap();
    assert_eq!(rows[0].pieces, ["Hello", " <0xF0><0x9F>", "<0x99><0x82>"]);
    assert_eq!(rows[0].text, "Hello 🙂");
    assert_eq!(rows[1].text, "Hello <0xF0><0x9F>");
    let rows = decode("tokenmill/bert", vec![vec![101, 1996, 14477, 20961, 3468, 102, 4_000_000_000]]).await.unwrap();
    assert_eq!(rows[0].pieces[1], "the");
    assert_eq!(rows[0].special, [0, 5]);
    assert_eq!(rows[0].pieces.len(), 7);
    assert_eq!(rows[0].pieces[6], "");
    let too_many = decode("tokenmill/bert", vec![Vec::new(); 201]).await.unwrap_err();
    assert_eq!(from_status(&too_many).errors[0].field, "rows");
}
