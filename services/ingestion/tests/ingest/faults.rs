//! The matrix of faults: each kind, at the first, a middle and the last byte of a small and of a large file, once and
//! always. A cell ends in the right rows or in the right reason, and soon; what failed is right once the fault is gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{Catalog, Setup, compare, lines, spec};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use catalog_client::TaskError;
use dataset_model::Reason;
use dataset_proto::catalog::Shard;
use futures::{StreamExt, stream};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use tempfile::TempDir;
use test_kit::fake_hub::{Damage, FakeHub, Fault};
use tokio::time::timeout;

const AT_ONCE: usize = 16;
/// A cell in which the Hub is silent at each of its tries takes five of these.
const SILENCE: Duration = Duration::from_millis(400);
/// The longest rate limit that is sat out takes five seconds; the rest is for a busy machine.
const SOON: Duration = Duration::from_mins(1);

/// Who misbehaves.
enum Fails {
    /// The file's bytes, behind so many of them.
    Body(fn(u64) -> Fault),
    /// The Hub, when it is asked where the file lies.
    Hub(Fault),
    /// What it redirects to.
    Storage(Fault),
}

#[derive(Clone, Copy)]
enum Ends {
    /// Right when it happens once, else for this reason.
    Once(Reason),
    /// For this reason: asking again makes no sense.
    Never(Reason),
    /// Right, if each try brings at least a byte.
    WithProgress,
    Always,
}

struct Kind {
    name: &'static str,
    fails: Fails,
    ends: Ends,
    /// Small files have no storage of their own.
    ends_small: Ends,
}

#[derive(Clone, Copy)]
struct Cell<'a> {
    kind: &'a Kind,
    file: &'a SourceFile,
    always: bool,
    at: u64,
}

/// A repository with one file, and the shards of an ingest that nothing happened to.
struct SourceFile {
    repo: &'static str,
    size: u64,
    shards: Vec<Shard>,
}

impl SourceFile {
    fn is_small(&self) -> bool {
        self.repo.ends_with("small")
    }
}

fn kinds() -> Vec<Kind> {
    use Ends::{Always, Never, Once, WithProgress};
    use Fails::{Body, Hub, Storage};
    use Reason::{ChecksumMismatch, DownloadFailed, HubGated, HubRateLimited, HubRepoNotFound, HubTokenRejected};
    let kind = |name, fails, ends| Kind { name, fails, ends, ends_small: ends };
    let hub = |name, status, ends| kind(name, Hub(Fault::status(status)), ends);
    let storage = |name, status, ends| kind(name, Storage(Fault::status(status)), ends);
    let coded = |status, code| Hub(Fault::answer(status, &[("x-error-code", code)], ""));
    let said = |status, message| Hub(Fault::answer(status, &[("x-error-message", message)], ""));
    let page = "<html>Sign in to the network</html>";
    let damage = |name, how: fn(u64) -> Fault, reason| kind(name, Body(how), Once(reason));
    vec![
        kind("the connection breaks", Body(Fault::DropAfter), WithProgress),
        kind("silence", Body(Fault::StallAfter), WithProgress),
        damage("a bit flips", |at| Fault::Damage { how: Damage::Flip, at }, ChecksumMismatch),
        damage("a sector of zeros", |at| Fault::Damage { how: Damage::Zero, at }, ChecksumMismatch),
        damage("a byte more", |at| Fault::Damage { how: Damage::Insert, at }, DownloadFailed),
        damage("a byte less", |at| Fault::Damage { how: Damage::Lose, at }, DownloadFailed),
        damage("the end comes early", |at| Fault::Damage { how: Damage::End, at }, DownloadFailed),
        kind("ranges are ignored", Storage(Fault::IgnoreRange), Always),
        hub("hub: 408", 408, Once(DownloadFailed)),
        hub("hub: 500", 500, Once(DownloadFailed)),
        hub("hub: 502", 502, Once(DownloadFailed)),
        hub("hub: 503", 503, Once(DownloadFailed)),
        hub("hub: 504", 504, Once(DownloadFailed)),
        hub("hub: 416", 416, Once(DownloadFailed)),
        kind("hub: 429, at once", Hub(Fault::retry_after(0)), Once(HubRateLimited)),
        kind("hub: 429, RateLimit", Hub(Fault::rate_limit(0)), Once(HubRateLimited)),
        kind("hub: 429, for long", Hub(Fault::retry_after(280)), Never(HubRateLimited)),
        hub("hub: 401", 401, Never(HubRepoNotFound)),
        kind("hub: 401, token", said(401, "Invalid credentials in Authorization header"), Never(HubTokenRejected)),
        hub("hub: 403", 403, Never(HubGated)),
        kind("hub: 403, gated", coded(403, "GatedRepo"), Never(HubGated)),
        kind("hub: 403, disabled", said(403, "Access to this resource is disabled."), Never(HubRepoNotFound)),
        hub("hub: 404", 404, Never(DownloadFailed)),
        kind("hub: 404, repo", coded(404, "RepoNotFound"), Never(HubRepoNotFound)),
        hub("hub: 410", 410, Never(DownloadFailed)),
        hub("hub: 451", 451, Never(HubRepoNotFound)),
        kind("hub: a page", Hub(Fault::answer(200, &[], page)), Never(DownloadFailed)),
        hub("redirect nowhere", 302, Never(DownloadFailed)),
        kind("redirect inwards", Hub(Fault::redirect("http://10.0.0.1/secret")), Never(DownloadFailed)),
        kind("redirect to a file", Hub(Fault::redirect("file:///etc/passwd")), Never(DownloadFailed)),
        kind("redirect to itself", Hub(Fault::redirect("?again")), Once(DownloadFailed)),
        Kind { ends_small: Never(HubGated), ..storage("storage: 403", 403, Once(DownloadFailed)) },
        storage("storage: 408", 408, Once(DownloadFailed)),
        storage("storage: 416", 416, Once(DownloadFailed)),
        storage("storage: 500", 500, Once(DownloadFailed)),
        storage("storage: 503", 503, Once(DownloadFailed)),
        storage("storage: nothing", 200, Once(DownloadFailed)),
        storage("storage: 204", 204, Once(DownloadFailed)),
        kind("storage: a page", Storage(Fault::answer(200, &[], page)), Once(DownloadFailed)),
        kind(
            "storage: another range",
            Storage(Fault::answer(206, &[("content-range", "bytes 7-8/9")], "ab")),
            Once(DownloadFailed),
        ),
    ]
}

impl Cell<'_> {
    /// The reason that the design wants; none = the rows.
    fn expected(&self) -> Option<Reason> {
        match if self.file.is_small() { self.kind.ends_small } else { self.kind.ends } {
            Ends::Once(reason) => self.always.then_some(reason),
            Ends::Never(reason) => Some(reason),
            Ends::WithProgress => (self.always && self.at == 0).then_some(Reason::DownloadFailed),
            Ends::Always => None,
        }
    }

    fn order(&self, setup: &Setup) {
        let storage = if self.file.is_small() { "/api/resolve-cache/" } else { "/lfs/" };
        let (times, control) = ((!self.always).then_some(1), &setup.control);
        // What is no part of the body happens when the rest is asked for.
        let behind = u32::from(self.at > 0);
        let (path, fault, pass) = match &self.kind.fails {
            Fails::Body(fault) => (storage, fault(self.at), 0),
            Fails::Hub(fault) => ("/resolve/", fault.clone(), behind),
            Fails::Storage(fault) => (storage, fault.clone(), 0),
        };
        if behind == 1 && !matches!(self.kind.fails, Fails::Body(_)) {
            control.fail_on(storage, Fault::DropAfter(self.at), 1);
        }
        control.fail_after(pass, path, fault, times);
    }

    /// How it ended, and after how long.
    async fn run(self, root: &TempDir) -> (Self, Option<Reason>, Duration) {
        let mut setup = Setup::patient(root.path(), SILENCE).await;
        self.order(&setup);
        let started = Instant::now();
        let ended = timeout(SOON, self.ingest(&setup)).await;
        let (outcome, took) = (ended.unwrap_or_else(|_| panic!("{self} does not end")), started.elapsed());
        // Of the three places one is enough to see it.
        if outcome.is_some() && self.at > 0 && self.at < self.file.size - 1 {
            setup.control.clear();
            setup.start_again();
            assert_eq!(self.ingest(&setup).await, None, "{self}, when it has passed");
        }
        (self, outcome, took)
    }

    async fn ingest(&self, setup: &Setup) -> Option<Reason> {
        let (catalog, result) = setup.ingest(spec(self.file.repo)).await;
        match result {
            Ok(()) => {
                assert_eq!(content(&shards(&catalog)), content(&self.file.shards), "{self}: other rows");
                None
            }
            Err(error) => {
                assert!(catalog.told().committed.is_empty(), "{self}: rows of what failed");
                match error {
                    TaskError::Problem(problem) => Some(problem.reason),
                    TaskError::Wait(_) => Some(Reason::HubRateLimited),
                    other => panic!("{self}: {other:?}"),
                }
            }
        }
    }
}

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, file, always, at } = self;
        let times = if *always { "always" } else { "once" };
        write!(f, "`{}` {times} at byte {at} of {}, {} bytes", kind.name, file.repo, file.size)
    }
}

fn shards(catalog: &Catalog) -> Vec<Shard> {
    catalog.told().committed.iter().flat_map(|task| task.shards.clone()).collect()
}

/// Other keys may hold the same bytes.
fn content(shards: &[Shard]) -> Vec<(u64, &[u8])> {
    shards.iter().map(|shard| (shard.row_count, shard.sha256.as_slice())).collect()
}

/// Parquet, which is kept in LFS at any size.
fn table_of(rows: usize) -> Vec<u8> {
    let texts = (0..rows).map(|row| format!("{row} {}", "some text ".repeat(100)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let plain = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(plain)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

async fn file(root: &TempDir, repo: &'static str, name: &str, content: Vec<u8>, row_count: u64) -> SourceFile {
    let (path, size) = (format!("datasets/{repo}"), content.len() as u64);
    FakeHub::repo(root.path(), &path).file(name, content).write().unwrap();
    let setup = Setup::new(root.path()).await;
    let (catalog, result) = setup.ingest(spec(repo)).await;
    result.unwrap();
    let split = setup.manifest(&catalog)["splits"][0].clone();
    let rows = compare(setup.volume.path(), &split, &[root.path().join(path).join(name)]);
    assert_eq!(rows, row_count);
    SourceFile { repo, size, shards: shards(&catalog) }
}

fn table(cells: &[(Cell<'_>, Option<Reason>, Duration)]) -> String {
    let heads = ["small, once", "always", "large, once", "always"].map(|head| format!("{head:40}"));
    let ends = |places: &[(Cell<'_>, Option<Reason>, Duration)]| {
        let mut ends: Vec<&str> = places.iter().map(|(_, end, _)| end.map_or("ready", |end| end.as_str())).collect();
        ends.dedup();
        format!("{:40}", ends.join(", then "))
    };
    let row = |row: &[(Cell<'_>, Option<Reason>, Duration)]| {
        let line = format!("{:25}{}", row[0].0.kind.name, row.chunks(3).map(ends).collect::<String>());
        line.trim_end().to_owned()
    };
    let rows: Vec<String> =
        std::iter::once(format!("{:25}{}", "", heads.concat())).chain(cells.chunks(12).map(row)).collect();
    rows.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_ends_in_the_right_rows_or_in_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let files = [
        file(&root, "acme/small", "train.jsonl", lines(100, "\"some text\"").into(), 100).await,
        file(&root, "acme/large", "train.parquet", table_of(300), 300).await,
    ];
    let kinds = kinds();
    let mut cells = Vec::new();
    for (kind, file) in kinds.iter().flat_map(|kind| files.iter().map(move |file| (kind, file))) {
        for always in [false, true] {
            cells.extend([0, file.size / 2, file.size - 1].map(|at| Cell { kind, file, always, at }));
        }
    }
    let ended: Vec<_> = stream::iter(cells).map(|cell| cell.run(&root)).buffered(AT_ONCE).collect().await;
    println!("{}", table(&ended));
    let ready = ended.iter().filter(|(_, reason, _)| reason.is_none()).count();
    let longest = ended.iter().map(|(.., took)| *took).max().unwrap_or_default();
    println!("{} kinds, {} cells: {ready} ready, the longest took {longest:.1?}", kinds.len(), ended.len());
    let wrong = ended.iter().filter(|(cell, reason, _)| *reason != cell.expected());
    let wrong: Vec<_> = wrong.map(|(cell, reason, _)| format!("{cell}: {reason:?}")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
