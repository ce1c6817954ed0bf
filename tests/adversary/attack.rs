//! What an attack is, what it must get, and the log that is attacked.

use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use dateline::attest::dsse::PAYLOAD_TYPE;
use dateline::base::encoding::to_base64;
use dateline::base::{Hash, SigningKey};
use dateline::record::assessment::Method;
use dateline::record::{AssessmentState, Kind, NewEntry, NoticeKind, RelationKind, Role, layout};
use dateline::storage::{MemoryStore, Object, Store};
use dateline::tlog::EntryBundle;
use dateline::verify::{AuditError, Code, Report, Severity, Trust, Verdict, audit};

use crate::support::parts;
use crate::support::statements::{
    assesses, assessment, assessor, document, enrolled, notes, notice, relates, relation, to,
};
use crate::support::{
    ORIGIN, assembled, editor, enrolment, get, key, log_key, registration, signing, text, trust, vkey_of,
};

/// Nothing that a stranger made may keep an auditor longer. What is slow here takes a hundredth of it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Nor may it take more memory than this, in kilobytes, all attacks together.
const MEMORY_MAX_KB: u64 = 1024 * 1024;

/// What a finding names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    /// The log as a whole.
    Log,
    /// A record, and the file that it lies in.
    Record(u64),
    /// A file.
    File(String),
}

pub(crate) use At::{Log, Record};

pub(crate) fn file(path: &str) -> At {
    At::File(path.to_owned())
}

/// A log that somebody has been at, and what an audit must say of it.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    store: Box<dyn Store>,
    trust: Trust,
    finds: Vec<(Code, At)>,
    holds: (u64, u64),
    harmless: bool,
}

pub(crate) fn attack(name: &'static str, store: impl Store + 'static) -> Attack {
    let store = Box::new(store);
    Attack { name, store, trust: trust(), finds: Vec::new(), holds: (0, 0), harmless: false }
}

impl Attack {
    /// Exactly these findings, in any order.
    pub(crate) fn finds(mut self, finds: impl IntoIterator<Item = (Code, At)>) -> Self {
        self.finds = finds.into_iter().collect();
        self
    }

    /// And this, so many times.
    pub(crate) fn and_finds(mut self, finds: (Code, At), times: usize) -> Self {
        self.finds.extend(std::iter::repeat_n(finds, times));
        self
    }

    /// How many entries and how many signatures are still said to hold.
    pub(crate) fn holds(mut self, entries: u64, signatures: u64) -> Self {
        self.holds = (entries, signatures);
        self
    }

    /// What was done changes nothing that anyone relies on, and the verdict stays *verified*.
    pub(crate) fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    pub(crate) fn trusting(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Returns what is not as it must be.
    fn check(self) -> Vec<String> {
        let Attack { name, store, trust, mut finds, holds, harmless } = self;
        let report = within_deadline(name, move || {
            let report = audit(&*store, &trust, &|_, _| {})?;
            // A range ends where the log does, if that is before.
            parts::agree(name, &*store, &trust, &report, &[0, u64::MAX]);
            Ok::<_, AuditError>(report)
        });
        let report = match report {
            Ok(report) => report,
            Err(error) => return vec![format!("{name}: no report, {error}")],
        };
        let mut found = findings(name, &report);
        found.sort();
        finds.sort();
        let worst = finds.iter().map(|(code, _)| code.severity()).max().unwrap_or(Severity::Note);
        let verdict = match worst {
            Severity::Note => Verdict::Verified,
            Severity::Unverifiable => Verdict::Unverifiable,
            Severity::Invalid => Verdict::Invalid,
        };
        let mut wrong = Vec::new();
        if found != finds {
            let told: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
            wrong.push(format!("{name}: finds {found:?}, not {finds:?}; {told:#?}"));
        }
        if report.verdict != verdict || (report.verdict == Verdict::Verified) != harmless {
            wrong.push(format!("{name}: the verdict is {:?}", report.verdict));
        }
        // Where nobody answers for a checkpoint, nothing that it says is repeated.
        if finds.iter().any(|(code, _)| matches!(code, Code::CheckpointUntrusted | Code::CheckpointMalformed))
            && ((report.size, report.root_hash) != (0, None) || report.not_checked.is_empty())
        {
            wrong.push(format!("{name}: {} entries are spoken of", report.size));
        }
        let rest = (report.counts.entries, report.counts.signatures);
        if rest != holds {
            wrong.push(format!("{name}: {rest:?} entries and signatures hold, not {holds:?}"));
        }
        wrong
    }
}

/// What a report finds, and where. Every finding names a record with its file, a file, or the log.
pub(crate) fn findings(name: &str, report: &Report) -> Vec<(Code, At)> {
    let one = |finding: &dateline::verify::Finding| {
        let at = match (finding.record, &finding.path) {
            (Some(record), Some(_)) => Record(record),
            (Some(record), None) => panic!("{name}: no file is named for record {record}"),
            (None, Some(path)) => At::File(path.clone()),
            (None, None) => Log,
        };
        (finding.code, at)
    };
    report.findings.iter().map(one).collect()
}

/// Runs `work`, and fails instead of waiting where it does not end.
pub(crate) fn within_deadline<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let worker = std::thread::spawn(move || send.send(work()));
    match receive.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: no end within {DEADLINE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{name}: {:?}", worker.join().unwrap_err()),
    }
}

pub(crate) fn check_all(attacks: Vec<Attack>) {
    let wrong: Vec<String> = attacks.into_iter().flat_map(Attack::check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if let Some(peak) = peak_kb() {
        assert!(peak < MEMORY_MAX_KB, "{peak} kB were in memory");
    }
}

/// The most memory that this process had, where the system says so.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Entry 0 enrols the editor, 1 the assessor, 2 and 3 register documents whose originals are stored, 4 says that 3 cites 2,
/// 5 that the title of 2 is verified, 6 that 2 was corrected.
static GOOD: LazyLock<Vec<NewEntry>> = LazyLock::new(|| {
    let verified = AssessmentState::Verified;
    vec![
        enrolment().entry.into_entry(),
        enrolled(&assessor(), Role::Assessor),
        registration(&editor(), 2, "", true).entry.into_entry(),
        registration(&editor(), 3, "", true).entry.into_entry(),
        relates(relation(document(3), RelationKind::Cites, to(document(2)))),
        assesses(assessment(document(2), "/title/0", verified, Some(Method::ArchiveMatch))),
        notes(notice(document(2), NoticeKind::Correction)),
    ]
});

/// Entries of the good log.
pub(crate) const SIZE: u64 = 7;
/// Where its entries lie.
pub(crate) const BUNDLE: &str = "tile/entries/000.p/7";
/// Where their hashes lie.
pub(crate) const TILE: &str = "tile/0/000.p/7";

pub(crate) fn good() -> Vec<NewEntry> {
    GOOD.clone()
}

/// Where the original of document `number` lies.
pub(crate) fn original(number: usize) -> String {
    layout::content_path(&Hash::of(text(number).as_bytes()))
}

/// A log of these entries as its operator publishes it, with the originals of 2 and 3 where they are registered.
pub(crate) fn published(entries: &[NewEntry]) -> MemoryStore {
    let store = assembled(entries, ORIGIN, &log_key());
    for number in [2, 3] {
        let bytes = text(number).into_bytes();
        if entries.iter().any(|entry| entry.original == Some(Hash::of(&bytes))) {
            put(&store, &original(number), bytes);
        }
    }
    store
}

/// The good log, its entries changed by whoever holds the log's key: the root is right over what is bad.
pub(crate) fn operator(change: impl FnOnce(&mut Vec<NewEntry>)) -> MemoryStore {
    let mut entries = good();
    change(&mut entries);
    published(&entries)
}

/// The good log with more entries, the first of which is entry 7.
pub(crate) fn with(more: impl IntoIterator<Item = NewEntry>) -> MemoryStore {
    operator(|entries| entries.extend(more))
}

/// The good log, one of its files changed by somebody without any key.
pub(crate) fn outsider(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> MemoryStore {
    let store = published(&good());
    edit(&store, name, change);
    store
}

pub(crate) fn put(store: &dyn Store, name: &str, bytes: impl Into<Vec<u8>>) {
    store.put(&[Object { key: key(name), bytes: bytes.into() }]).unwrap();
}

pub(crate) fn edit(store: &dyn Store, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let before = get(store, name).unwrap();
    let mut bytes = before.clone();
    change(&mut bytes);
    assert_ne!(bytes, before, "{name} was not changed");
    put(store, name, bytes);
}

/// Takes the good log's bundle apart, and puts it together again with as many entries as there then are.
pub(crate) fn entries_of(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bundle = EntryBundle::of_size(0, SIZE).unwrap();
    let mut entries: Vec<Vec<u8>> = bundle.entries(bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    change(&mut entries);
    bytes.clear();
    entries.iter().for_each(|entry| dateline::tlog::bundle::push(bytes, entry).unwrap());
}

/// An entry of these bytes, whatever they are.
pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> NewEntry {
    NewEntry { kind: Kind::Registration, bytes: bytes.into(), openings: Vec::new(), original: None }
}

/// An envelope put together by hand: nobody checks that the signature is one.
pub(crate) fn envelope(payload: &[u8], keyid: Hash, signature: &[u8; 64]) -> String {
    let (payload, sig) = (to_base64(payload), to_base64(signature));
    format!(
        r#"{{"payload":"{payload}","payloadType":"{PAYLOAD_TYPE}","signatures":[{{"keyid":"{keyid}","sig":"{sig}"}}]}}"#
    )
}

/// A signed note of `text`, whatever it says.
pub(crate) fn note(text: &str, origin: &str, by: &SigningKey) -> String {
    let signature = by.sign(text.as_bytes());
    dateline::note::Note::signed(text, &vkey_of(origin, by), &signature).unwrap().format()
}

/// What stands at one index, and the finding that it gets there.
pub(crate) fn at(index: u64, code: Code) -> (Code, At) {
    (code, Record(index))
}

pub(crate) fn by_editor(number: usize) -> NewEntry {
    registration(&editor(), number, "", false).entry.into_entry()
}

pub(crate) fn stranger() -> SigningKey {
    signing(9)
}

pub(crate) fn by_stranger() -> NewEntry {
    registration(&stranger(), 8, "", false).entry.into_entry()
}

pub(crate) fn good_entry(index: usize) -> NewEntry {
    good().swap_remove(index)
}
