//! A log on a web server: the audit says of it what it says of the folder, whatever the server does on the way, and what
//! was fetched once is kept only if it belongs to the log.
#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dateline::record::layout;
use dateline::storage::ahead::Plan;
use dateline::storage::web::{Options, Web};
use dateline::storage::{
    Cached, FileStore, Key, MemoryStore, Object, ReadAhead, Store, StoreError, WebStore,
};
use dateline::verify::{
    AuditError, Audited, Belonging, Code, Extent, Memory, Report, Severity, Verdict, audit_since,
    never_changes,
};
use serde_json::{Value, json};
use server::{Asked, Fault, Server};
use support::{append, build, copy, get, key, open, policy, records, trust};

const SIZE: u64 = 700;

fn log(size: u64) -> MemoryStore {
    let store = MemoryStore::default();
    build(&store, size);
    store
}

fn options() -> Options {
    Options { seconds: 5, pause: Duration::from_millis(1), ..Options::default() }
}

fn web(server: &Server, options: &Options) -> WebStore {
    WebStore::new(Web::at(&server.address, options).unwrap(), never_changes)
}

/// As the command line puts it together.
fn distant(server: &Server, options: &Options, cache: Option<&Path>, memory: Option<&Memory>) -> ReadAhead {
    let mut store: Arc<dyn Store> = Arc::new(web(server, options));
    let note = store.get(&key(layout::CHECKPOINT), 100_000).unwrap().unwrap();
    let extent = Extent::of(&note, &policy(), memory).unwrap();
    if let Some(folder) = cache {
        let judge = Belonging::new(extent, Arc::clone(&store), FileStore::reader(folder));
        store = Arc::new(Cached::new(Arc::clone(&store), folder, Box::new(judge)));
    }
    let begin = Box::new(move || Box::new(extent.files()) as Plan);
    let follow = Box::new(move |key: &Key, bytes: &[u8]| extent.originals(key, bytes));
    ReadAhead::new(store, options.connections, key(layout::CHECKPOINT), begin, follow)
}

fn audited(store: &dyn Store, memory: Option<&Memory>) -> Audited {
    audit_since(store, &trust(), memory, &|_, _| {}).unwrap()
}

fn verified_from(server: &Server, cache: Option<&Path>) -> Report {
    audited(&distant(server, &options(), cache, None), None).report
}

/// A report without what differs by where the log lies.
fn told(report: &Report) -> Value {
    let mut told = json!(report);
    told.as_object_mut().unwrap().remove("notChecked");
    told
}

fn codes(report: &Report) -> BTreeSet<Code> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn of_paths(asked: &[Asked], prefix: &str) -> Vec<String> {
    asked.iter().map(|one| one.path.clone()).filter(|path| path.starts_with(prefix)).collect()
}

fn unlisted(report: &Report) -> bool {
    report.not_checked.iter().any(|what| what.contains("a web server is not listed"))
}

#[test]
fn the_report_is_the_folders() {
    let store = log(SIZE);
    let server = Server::of(&store, Duration::from_millis(3));
    let (near, far) = (audited(&store, None).report, verified_from(&server, None));
    assert_eq!(far.verdict, Verdict::Verified, "{:?}", far.findings);
    assert_eq!(told(&near), told(&far));
    assert!(near.counts.originals > 0 && far.counts.originals_not_stored > 0);
    assert!(unlisted(&far) && !unlisted(&near));
    let most = server.most_at_once();
    let readers = rayon::current_num_threads();
    assert!((2..=16 + readers).contains(&most), "{most} at once");

    // Each file is asked for once, and the checkpoint past all caches.
    let asked = server.asked();
    let tiles = of_paths(&asked, "/tile/");
    assert_eq!(tiles.iter().collect::<BTreeSet<_>>().len(), tiles.len(), "{tiles:?}");
    for one in &asked {
        let may_change = one.path == "/checkpoint" || one.path.starts_with("/disclosures/");
        assert_eq!(one.no_cache, may_change, "{one:?}");
    }

    // One at a time gives the same.
    let one = Options { connections: 1, ..options() };
    assert_eq!(told(&audited(&distant(&server, &one, None, None), None).report), told(&near));
    let alone = audited(&web(&server, &options()), None).report;
    assert_eq!(told(&alone), told(&near), "without reading ahead");
}

#[test]
fn a_damaged_log_is_reported_as_in_the_folder() {
    let store = log(SIZE);
    for name in [
        "tile/entries/000",
        "tile/entries/002.p/188",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "disclosures/001",
    ] {
        let damaged = MemoryStore::default();
        copy(&store, &damaged, name);
        let missing = audited(&damaged, None).report;
        let server = Server::of(&damaged, Duration::ZERO);
        assert_eq!(told(&verified_from(&server, None)), told(&missing), "{name} removed");
        assert_ne!(missing.verdict, Verdict::Verified);

        let mut bytes = get(&store, name).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        damaged.put(&[Object { key: key(name), bytes: bytes.clone() }]).unwrap();
        server.put(&format!("/{name}"), bytes);
        let changed = audited(&damaged, None).report;
        assert_eq!(told(&verified_from(&server, None)), told(&changed), "{name} changed");
    }
}

#[test]
fn by_tiles_alone_little_else_is_fetched_of_what_was_checked() {
    let store = log(SIZE);
    let memory = audited(&store, None).memory.unwrap().tiles_alone();
    let server = Server::of(&store, Duration::ZERO);
    let again = audited(&distant(&server, &options(), None, Some(&memory)), Some(&memory)).report;
    assert_eq!(again.verdict, Verdict::Verified, "{:?}", again.findings);
    assert!(again.remembered.unwrap().tiles_alone);
    let asked = server.asked();
    let of = |prefix: &str| {
        let mut paths = of_paths(&asked, prefix);
        paths.sort();
        paths
    };
    // The keys were enrolled in the first bundle.
    assert_eq!(of("/tile/entries/"), ["/tile/entries/000", "/tile/entries/002.p/188"]);
    assert_eq!(of("/tile/0/"), ["/tile/0/000", "/tile/0/001", "/tile/0/002.p/188"]);
}

#[test]
fn no_log_is_no_log() {
    let server = Server::start(Duration::ZERO);
    let result = audit_since(&web(&server, &options()), &trust(), None, &|_, _| {});
    assert!(matches!(result, Err(AuditError::NoLog)), "{result:?}");
}

#[test]
fn a_second_run_fetches_what_is_new() {
    let store = log(SIZE);
    let server = Server::of(&store, Duration::ZERO);
    let cache = tempfile::tempdir().unwrap();
    let first = verified_from(&server, Some(cache.path()));
    assert_eq!(first.verdict, Verdict::Verified, "{:?}", first.findings);
    server.asked();

    let second = verified_from(&server, Some(cache.path()));
    assert_eq!(told(&second), told(&first));
    let asked = server.asked();
    let partial = |paths: Vec<String>| paths.into_iter().filter(|path| path.contains(".p/")).collect();
    let tiles: Vec<String> = of_paths(&asked, "/tile/");
    let new: Vec<String> = partial(tiles.clone());
    assert_eq!(tiles, new, "only what is not whole yet");
    assert_eq!(of_paths(&asked, "/disclosures/").len(), 3, "openings may change");
    assert!(!of_paths(&asked, "/checkpoint").is_empty());

    let policy = policy();
    append(&mut open(&store, &policy).unwrap(), records(SIZE..1_100)).unwrap();
    server.replace(&store);
    let third = verified_from(&server, Some(cache.path()));
    assert_eq!((third.verdict, third.size), (Verdict::Verified, 1_100));
    let mut whole: Vec<String> = of_paths(&server.asked(), "/tile/");
    whole.retain(|path| !path.contains(".p/"));
    whole.sort();
    let expected = ["/tile/0/002", "/tile/0/003", "/tile/entries/002", "/tile/entries/003"];
    assert_eq!(whole, expected);

    let mut kept = Vec::new();
    for name in FileStore::reader(cache.path()).list("").unwrap().keys {
        kept.push(name.to_string());
    }
    assert_eq!(kept.len(), 8, "{kept:?}");
    assert!(kept.iter().all(|name| name.starts_with("tile/") && !name.contains(".p/")), "{kept:?}");
}

#[test]
fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    let cache = tempfile::tempdir().unwrap();
    server.set_script(|asked, _| match asked.path.as_str() {
        "/tile/entries/001" | "/tile/entries/002.p/188" => Fault::Status(500, None),
        _ => Fault::None,
    });
    let cut_off = verified_from(&server, Some(cache.path()));
    assert_eq!(cut_off.verdict, Verdict::Unverifiable, "{:?}", cut_off.findings);
    server.set_script(|_, _| Fault::None);
    server.asked();
    assert_eq!(verified_from(&server, Some(cache.path())).verdict, Verdict::Verified);
    // Threads of the first run may still be asking for what they did not get.
    let asked: BTreeSet<String> = of_paths(&server.asked(), "/tile/entries/0").into_iter().collect();
    assert_eq!(Vec::from_iter(asked), ["/tile/entries/001", "/tile/entries/002.p/188"]);
}

#[test]
fn a_poisoned_cache_convicts_nobody_and_is_healed() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    let cache = tempfile::tempdir().unwrap();
    let first = verified_from(&server, Some(cache.path()));
    let names = ["tile/entries/000", "tile/entries/001", "tile/0/000", "tile/0/001"];
    let good: Vec<Vec<u8>> = names.iter().map(|name| fs::read(cache.path().join(name)).unwrap()).collect();
    for poison in ["flipped", "empty", "exchanged", "huge"] {
        for (name, good) in names.iter().zip(&good) {
            let mut bad = good.clone();
            match poison {
                "flipped" => bad[good.len() / 2] ^= 1,
                "empty" => bad.clear(),
                "exchanged" => bad = server.bytes("/tile/0/002.p/188"),
                _ => bad.resize(18_000_000, 0),
            }
            fs::write(cache.path().join(name), bad).unwrap();
        }
        let report = verified_from(&server, Some(cache.path()));
        assert_eq!(told(&report), told(&first), "{poison}");
        for (name, good) in names.iter().zip(&good) {
            assert!(fs::read(cache.path().join(name)).unwrap() == *good, "{poison}: {name}");
        }
    }
}

#[test]
fn only_what_belongs_to_the_log_is_kept() {
    let store = log(SIZE);
    let good = Server::of(&store, Duration::ZERO);
    for name in ["tile/entries/000", "tile/0/001"] {
        let path = format!("/{name}");
        let server = Server::of(&store, Duration::ZERO);
        let mut bytes = server.bytes(&path);
        *bytes.last_mut().unwrap() ^= 1;
        server.put(&path, bytes);
        let cache = tempfile::tempdir().unwrap();
        let report = verified_from(&server, Some(cache.path()));
        assert_eq!(report.verdict, Verdict::Invalid, "{name}");
        assert!(!cache.path().join(name).exists(), "{name} was kept");
        assert!(cache.path().join("tile/entries/001").exists(), "what belongs was not");
        // What was kept serves with another server of the same log.
        good.asked();
        assert_eq!(verified_from(&good, Some(cache.path())).verdict, Verdict::Verified);
        assert_eq!(of_paths(&good.asked(), &path), [path]);
    }
    // Where the tiles above do not lead to the root, nothing can be told, and nothing is kept.
    let server = Server::of(&store, Duration::ZERO);
    server.remove("/tile/1/000.p/2");
    let cache = tempfile::tempdir().unwrap();
    assert_ne!(verified_from(&server, Some(cache.path())).verdict, Verdict::Verified);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

/// Audits with `fault` at the first `times` answers for `path`.
fn with_fault(server: &Server, path: &'static str, times: usize, fault: Fault) -> Report {
    server.asked();
    server.set_script(
        move |asked, before| {
            if asked.path == path && before < times { fault.clone() } else { Fault::None }
        },
    );
    let report = verified_from(server, None);
    server.set_script(|_, _| Fault::None);
    report
}

#[test]
fn what_passes_changes_nothing() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    let expected = told(&verified_from(&server, None));
    let path = "/tile/entries/001";
    for fault in [
        Fault::Status(429, Some("0")),
        Fault::Status(503, None),
        Fault::Status(500, Some("Wed, 21 Oct 2015 07:28:00 GMT")),
        Fault::Cut(0),
        Fault::Cut(1_000),
        Fault::Gzipped,
        Fault::GzippedLast(usize::MAX),
        Fault::GzippedLast(1_000),
        Fault::Chunked(usize::MAX),
        Fault::Chunked(1_000),
        Fault::Encoded("identity"),
        Fault::Longer(10),
        Fault::Redirect("/tile/entries/001?again".into()),
    ] {
        let report = with_fault(&server, path, 2, fault.clone());
        assert_eq!(told(&report), expected, "{fault:?}");
    }
    let begun = Instant::now();
    let report = with_fault(&server, path, 1, Fault::Status(429, Some("1")));
    assert_eq!(told(&report), expected);
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server asked to be left alone");
}

#[test]
fn whatever_tells_how_long_a_body_is_will_do() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    for fault in [Fault::Gzipped, Fault::GzippedLast(usize::MAX), Fault::Chunked(usize::MAX)] {
        let report = with_fault(&server, "/tile/entries/001", usize::MAX, fault.clone());
        assert_eq!(report.verdict, Verdict::Verified, "{fault:?}: {:?}", report.findings);
        let asked = server.asked();
        let times = asked.iter().filter(|asked| asked.path == "/tile/entries/001").count();
        assert_eq!(times, 1, "{fault:?}");
    }
}

#[test]
fn a_body_that_was_cut_is_resumed() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    with_fault(&server, "/tile/entries/001", 2, Fault::Cut(1_000));
    let asked = server.asked();
    let mut ranges = Vec::new();
    for one in asked.iter().filter(|one| one.path == "/tile/entries/001") {
        ranges.push(one.range.clone().unwrap_or_default());
    }
    assert_eq!(ranges, ["", "bytes=1000-", "bytes=2000-"]);

    // A file that changed meanwhile is not pieced together.
    let (old, new) = (vec![b'a'; 5_000], vec![b'b'; 5_000]);
    server.put("/tile/0/000", old);
    let shared = Arc::new(server);
    let swap = Arc::downgrade(&shared);
    shared.set_script(move |_, before| match before {
        0 => Fault::Cut(1_000),
        1 => {
            swap.upgrade().unwrap().put("/tile/0/000", vec![b'b'; 5_000]);
            Fault::None
        }
        _ => Fault::None,
    });
    let got = web(&shared, &options()).get(&key("tile/0/000"), 8_192).unwrap().unwrap();
    assert!(got == new);
}

#[test]
fn what_does_not_pass_is_neither_verified_nor_invalid() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    for (fault, why) in [
        (Fault::Status(500, None), "status 500"),
        (Fault::Status(403, None), "status 403"),
        (Fault::Cut(100), ""),
        (Fault::NoLength(usize::MAX), "how long it is"),
        (Fault::NoLength(100), "how long it is"),
        (Fault::Unmarked(usize::MAX), "how long it is"),
        (Fault::Unmarked(100), "how long it is"),
        (Fault::UnmarkedWith("Transfer-Encoding: identity", 100), "how long it is"),
        (Fault::GzippedNoLength, "how long it is"),
        (Fault::GzippedLast(100), ""),
        (Fault::Chunked(100), ""),
        (Fault::Encoded("br"), "encoded as \"br\""),
        (Fault::Redirect("/tile/entries/001".into()), "redirects"),
        (Fault::Redirect("http://127.0.0.1:1/x".into()), ""),
    ] {
        let report = with_fault(&server, "/tile/entries/001", usize::MAX, fault.clone());
        assert_eq!(report.verdict, Verdict::Unverifiable, "{fault:?}: {:?}", report.findings);
        assert!(report.findings.iter().all(|finding| finding.severity != Severity::Invalid), "{fault:?}");
        let finding = report.findings.iter().find(|finding| finding.code == Code::FileUnreadable).unwrap();
        assert!(finding.message.contains(why), "{fault:?}: {}", finding.message);
        assert!(finding.message.contains(&server.address), "{}", finding.message);
    }
}

#[test]
fn redirects_lead_nowhere_inside() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    let inside = Server::of(&log(SIZE), Duration::ZERO);
    let path = "/tile/entries/001";
    let port = inside.address.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let own_port = server.address.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    for target in [
        format!("{}tile/entries/001", inside.address),
        format!("http://localhost:{port}{path}"),
        // Another name of the same server.
        format!("http://localhost:{own_port}{path}"),
        format!("http://[::ffff:127.0.0.1]:{port}{path}"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let report = with_fault(&server, path, usize::MAX, Fault::Redirect(target.clone()));
        assert_eq!(report.verdict, Verdict::Unverifiable, "{target}: {:?}", report.findings);
        let finding = report.findings.iter().find(|finding| finding.code == Code::FileUnreadable).unwrap();
        assert!(finding.message.contains("not on the public network"), "{target}: {}", finding.message);
    }
    assert_eq!(inside.asked(), []);
    // Back to itself, by its full address.
    let itself = Fault::Redirect(format!("{}tile/entries/001?again", server.address));
    assert_eq!(with_fault(&server, path, 1, itself).verdict, Verdict::Verified);
}

#[test]
fn a_server_that_keeps_silent_is_given_up() {
    let server = Server::of(&log(300), Duration::ZERO);
    server.set_script(|asked, _| match asked.path.as_str() {
        "/disclosures/000" => Fault::Late(Duration::from_secs(20)),
        _ => Fault::None,
    });
    let options = Options { seconds: 1, ..options() };
    let begun = Instant::now();
    let report = audited(&distant(&server, &options, None, None), None).report;
    assert_eq!(report.verdict, Verdict::Unverifiable, "{:?}", report.findings);
    assert!(codes(&report).contains(&Code::FileUnreadable));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_fails_at_everything_is_given_up_soon() {
    let server = Server::of(&log(1_100), Duration::ZERO);
    server.set_script(|asked, _| match asked.path.as_str() {
        "/checkpoint" => Fault::None,
        _ => Fault::Status(503, None),
    });
    let store = distant(&server, &options(), None, None);
    let report = audited(&store, None).report;
    assert_eq!(report.verdict, Verdict::Unverifiable, "{:?}", codes(&report));
    // Retries are from one stock.
    let asked = server.asked().len();
    assert!(asked < 150, "{asked} requests");
}

#[test]
fn answers_are_bounded_and_what_is_no_bundle_is_told() {
    let server = Server::of(&log(SIZE), Duration::ZERO);
    for (path, fault, code) in [
        ("/tile/entries/001", Fault::Page, Code::BundleMalformed),
        ("/tile/0/001", Fault::Page, Code::TileChanged),
        ("/disclosures/001", Fault::Page, Code::OpeningsMalformed),
        ("/tile/entries/001", Fault::Bomb(18_000_000), Code::BundleMalformed),
        ("/tile/0/001", Fault::Bomb(18_000_000), Code::TileChanged),
        ("/checkpoint", Fault::Page, Code::CheckpointMalformed),
    ] {
        let first = usize::from(path == "/checkpoint");
        server.asked();
        server.set_script(
            move |asked, before| {
                if asked.path == path && before >= first { fault.clone() } else { Fault::None }
            },
        );
        let store = distant(&server, &options(), None, None);
        let report = audited(&store, None).report;
        server.set_script(|_, _| Fault::None);
        assert_eq!(report.verdict, Verdict::Invalid, "{path}: {:?}", report.findings);
        assert!(codes(&report).contains(&code), "{path}: {:?}", codes(&report));
    }
    // Whatever is asked of it.
    server.set_script(|_, _| Fault::Bomb(18_000_000));
    let got = web(&server, &options()).get(&key("a"), 1_000);
    assert!(matches!(got, Err(StoreError::TooLarge { size: 1_001, limit: 1_000, .. })), "{got:?}");
    server.set_script(|_, _| Fault::None);
    server.put("/a", vec![0; 1_000]);
    assert_eq!(web(&server, &options()).get(&key("a"), 1_000).unwrap().unwrap().len(), 1_000);
    server.put("/a", vec![0; 1_001]);
    let got = web(&server, &options()).get(&key("a"), 1_000);
    assert!(matches!(got, Err(StoreError::TooLarge { size: 1_001, .. })), "{got:?}");
    server.put("/a", Vec::new());
    assert_eq!(web(&server, &options()).get(&key("a"), 0).unwrap(), Some(Vec::new()));
}

#[test]
fn a_log_that_grows_meanwhile_holds() {
    let store = log(SIZE);
    let server = Arc::new(Server::of(&store, Duration::ZERO));
    let policy = policy();
    append(&mut open(&store, &policy).unwrap(), records(SIZE..1_100)).unwrap();
    let (grows, grown) = (Arc::downgrade(&server), store);
    let mut entries = 0;
    server.set_script(move |asked, _| {
        entries += usize::from(asked.path.starts_with("/tile/entries/"));
        if entries == 1 {
            grows.upgrade().unwrap().replace(&grown);
        }
        Fault::None
    });
    let cache = tempfile::tempdir().unwrap();
    let report = verified_from(&server, Some(cache.path()));
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    assert!(report.size == SIZE || report.size == 1_100, "{}", report.size);
}

#[test]
fn what_is_remembered_makes_no_claim_about_what_was_not_looked_at() {
    let store = log(SIZE);
    let server = Server::of(&store, Duration::ZERO);
    let first = audited(&distant(&server, &options(), None, None), None);
    let memory = first.memory.unwrap();
    server.asked();

    let again = audited(&distant(&server, &options(), None, Some(&memory)), Some(&memory));
    assert_eq!(again.report.verdict, Verdict::Verified, "{:?}", again.report.findings);
    assert_eq!(again.report.remembered.unwrap().compared, 512);
    assert_eq!(again.memory.as_ref(), Some(&memory));
    let asked = of_paths(&server.asked(), "/content/");
    assert!(asked.len() < 3, "those of entries that are only compared: {asked:?}");
    let gone = |report: &Report| {
        report.not_checked.iter().any(|what| what.contains("originals of entries 0 to 511 are still there"))
    };
    assert!(gone(&again.report), "{:?}", again.report.not_checked);

    // Where files are listed, a memory that knows nothing of the originals is not enough.
    let near = audited(&store, Some(&memory));
    assert_eq!(near.report.remembered.unwrap().compared, 0);
    assert_eq!(near.report.verdict, Verdict::Verified, "{:?}", near.report.findings);
    let near_memory = near.memory.unwrap();
    assert_eq!(audited(&store, Some(&near_memory)).report.remembered.unwrap().compared, 512);

    // An original that vanished is found by whoever looks, and nobody else says that it is there.
    let name = store.list("content").unwrap().keys[0].clone();
    server.remove(&format!("/{name}"));
    let full = audited(&distant(&server, &options(), None, None), None).report;
    assert!(codes(&full).contains(&Code::OriginalMissing), "{:?}", full.findings);
    for memory in [&memory, &near_memory] {
        let compared = audited(&distant(&server, &options(), None, Some(memory)), Some(memory));
        assert!(compared.report.verdict != Verdict::Verified || gone(&compared.report));
        if compared.report.verdict == Verdict::Verified {
            assert_eq!(compared.memory.as_ref(), Some(memory), "what was known of them stays as it was");
        }
    }
}
