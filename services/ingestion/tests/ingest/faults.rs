//! The matrix of faults: each kind, at the first, a middle and the last byte of what the Hub sends of a small file and of
//! a large one, which comes in one stream or in ranges side by side; once and always. A cell ends in the right rows or in
//! the right reason, and soon; what failed is right once the fault is gone.

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
use hub::HubConfig;
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use tempfile::TempDir;
use test_kit::fake_hub::{Damage, FakeHub, Fault};
use tokio::time::timeout;

const AT_ONCE: usize = 16;
/// A cell in which the Hub is silent at each of its tries takes five of these.
const SILENCE: Duration = Duration::from_millis(400);
/// What is asked for at a time where a file comes in ranges.
const RANGE: u64 = 1 << 20;
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
    /// As that, but what comes behind is in another place, unless it is nothing.
    Shifted,
    Always,
}

struct Kind {
    name: &'static str,
    fails: Fails,
    ends: Ends,
    /// Small files have no storage of their own.
    ends_small: Ends,
    /// Of a range only what is missing is asked for again, and then the fault is too far behind.
    ends_in_ranges: Ends,
}

#[derive(Clone, Copy)]
struct Cell<'a> {
    kind: &'a Kind,
    file: &'a SourceFile,
    always: bool,
    at: u64,
}

/// A repository with one file, and the shards of an ingest that nothing happened to.
#[derive(Clone)]
struct SourceFile {
    repo: &'static str,
    size: u64,
    shards: Vec<Shard>,
    /// Whether several streams share it.
    in_ranges: bool,
}

impl SourceFile {
    fn is_small(&self) -> bool {
        self.repo.ends_with("small")
    }

    /// Bytes in one answer.
    fn answer(&self) -> u64 {
        if self.in_ranges { RANGE } else { self.size }
    }

    fn config(&self) -> HubConfig {
        let config = HubConfig { stall_timeout: SILENCE, ..HubConfig::default() };
        if self.in_ranges { HubConfig { parallel_from: RANGE, parallel_range: RANGE, ..config } } else { config }
    }
}

fn kinds() -> Vec<Kind> {
    use Ends::{Always, Never, Once, Shifted, WithProgress};
    use Fails::{Body, Hub, Storage};
    use Reason::{ChecksumMismatch, DownloadFailed, HubGated, HubRateLimited, HubRepoNotFound, HubTokenRejected};
    let kind = |name, fails, ends| Kind { name, fails, ends, ends_small: ends, ends_in_ranges: ends };
    let hub = |name, status, ends| kind(name, Hub(Fault::status(status)), ends);
    let storage = |name, status, ends| kind(name, Storage(Fault::status(status)), ends);
    let coded = |status, code| Hub(Fault::answer(status, &[("x-error-code", code)], ""));
    let said = |status, message| Hub(Fault::answer(status, &[("x-error-message", message)], ""));
    let page = "<html>Sign in to the network</html>";
    let damage = |name, how: fn(u64) -> Fault, reason| kind(name, Body(how), Once(reason));
    let length = |name, how, ends_in_ranges| Kind { ends_in_ranges, ..damage(name, how, DownloadFailed) };
    vec![
        kind("the connection breaks", Body(Fault::DropAfter), WithProgress),
        kind("silence", Body(Fault::StallAfter), WithProgress),
        damage("a bit flips", |at| Fault::Damage { how: Damage::Flip, at }, ChecksumMismatch),
        damage("a sector of zeros", |at| Fault::Damage { how: Damage::Zero, at }, ChecksumMismatch),
        length("a byte more", |at| Fault::Damage { how: Damage::Insert, at }, Shifted),
        length("a byte less", |at| Fault::Damage { how: Damage::Lose, at }, Shifted),
        length("the end comes early", |at| Fault::Damage { how: Damage::End, at }, WithProgress),
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
        let Kind { ends, ends_small, ends_in_ranges, .. } = *self.kind;
        let ends = if self.file.in_ranges { ends_in_ranges } else { ends };
        match if self.file.is_small() { ends_small } else { ends } {
            Ends::Once(reason) => self.always.then_some(reason),
            Ends::Never(reason) => Some(reason),
            Ends::Shifted if self.always && (1..self.file.answer() - 1).contains(&self.at) => {
                Some(Reason::ChecksumMismatch)
            }
            Ends::Shifted | Ends::WithProgress => (self.always && self.at == 0).then_some(Reason::DownloadFailed),
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
        // Each range is asked for by itself, so that no first one need break for it.
        let asks_on = self.file.in_ranges && matches!(self.kind.fails, Fails::Hub(_));
        if behind == 1 && !asks_on && !matches!(self.kind.fails, Fails::Body(_)) {
            control.fail_on(storage, Fault::DropAfter(self.at), 1);
        }
        control.fail_after(pass, path, fault, times);
    }

    /// How it ended, and after how long.
    async fn run(self, root: &TempDir) -> (Self, Option<Reason>, Duration) {
        let mut setup = Setup::with(root.path(), self.file.config()).await;
        self.order(&setup);
        let started = Instant::now();
        let ended = timeout(SOON, self.ingest(&setup)).await;
        let (outcome, took) = (ended.unwrap_or_else(|_| panic!("{self} does not end")), started.elapsed());
        // Of the three places one is enough to see it.
        if outcome.is_some() && self.at > 0 && self.at < self.file.answer() - 1 {
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
        let of = if file.in_ranges { "a range of " } else { "" };
        write!(f, "`{}` {times} at byte {at} of {of}{}, {} bytes", kind.name, file.repo, file.size)
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
    SourceFile { repo, size, shards: shards(&catalog), in_ranges: false }
}

fn table(cells: &[(Cell<'_>, Option<Reason>, Duration)]) -> String {
    let heads =
        ["small, once", "always", "large, once", "always", "ranges, once", "always"].map(|head| format!("{head:40}"));
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
        std::iter::once(format!("{:25}{}", "", heads.concat())).chain(cells.chunks(18).map(row)).collect();
    rows.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_ends_in_the_right_rows_or_in_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let small = file(&root, "acme/small", "train.jsonl", lines(100, "\"some text\"").into(), 100).await;
    let large = file(&root, "acme/large", "train.parquet", table_of(8000), 8000).await;
    assert!(large.size > 6 * RANGE);
    let files = [small, large.clone(), SourceFile { in_ranges: true, ..large }];
    let kinds = kinds();
    let mut cells = Vec::new();
    for (kind, file) in kinds.iter().flat_map(|kind| files.iter().map(move |file| (kind, file))) {
        for always in [false, true] {
            cells.extend([0, file.answer() / 2, file.answer() - 1].map(|at| Cell { kind, file, always, at }));
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
