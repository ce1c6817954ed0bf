//! `dateline verify`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::base::limits::NOTE_MAX_BYTES;
use crate::note::{Checkpoint, Policy, VerifierKey};
use crate::record::layout;
use crate::storage::{Key, Store, StoreError};
use crate::verify::{
    Audited, Code, Contradiction, Evidence, Extent, Memory, Report, Trust, Verdict, audit_onto, audit_since,
    log_of,
};
use crate::view::json_word;
use crate::view::sanitize;

use super::args::VerifyArgs;
use super::base::{self, Against};
use super::ci::Results;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::findings;
use super::input::read_bounded;
use super::output::{Output, coloured, say};
use super::parts;
use super::source::{self, Source};
use super::state::AuditorState;
use super::workspace::Workspace;

/// Entries below which no progress is worth showing.
const PROGRESS_FROM: u64 = 5_000;
/// How often a log is asked again that shows one checkpoint and then another.
const ATTEMPTS: usize = 3;

pub(crate) fn run(workspace: &Workspace, args: &VerifyArgs, output: Output) -> Outcome<Exit> {
    if let Some(file) = &args.evidence {
        return check_evidence(file, &workspace.policy_of(&args.trust)?, output);
    }
    let against = args.git.as_deref().map(|revision| base::read(workspace, revision, &args.trust));
    let against = against.transpose()?;
    let trust = match &against {
        Some(against) => against.trust.clone(),
        None => source::trust(workspace, &args.from, &args.trust)?,
    };
    let mut attempts = 1..=ATTEMPTS;
    let (source, memory, mut audited) = loop {
        let last = attempts.next() == Some(ATTEMPTS);
        let mut source = Source::open(workspace, &args.from)?;
        if let Some(range) = args.range {
            return parts::make(&source, &trust, args, range, output);
        }
        let memory = Remembering::begin(args, source.store(), &trust)?;
        if !args.combine.is_empty() {
            let audited = parts::join(&source, &trust, memory.before.as_ref(), &args.combine)?;
            break (source, memory, audited);
        }
        let cache = memory.state.as_ref().map(|(state, log)| state.cache(log));
        source.read_ahead(memory.extent(&trust), cache.as_deref());
        let audited = audit_with_progress(&source, &trust, &memory, against.as_ref())?;
        // Whoever serves the log must not choose what is remembered of it by showing two checkpoints.
        if memory.log == audited.log || against.is_some() {
            break (source, memory, audited);
        }
        if last {
            let message = format!("{} shows another checkpoint each time it is asked", source.location());
            let hint = "ask again later; if it goes on, whoever serves the log chooses what you see of it";
            return Err(Failure::new(Exit::Unavailable, message).hint(hint));
        }
    };
    if against.as_ref().is_some_and(|against| against.own_keys) {
        let keys = "whether the keys are the right ones: there are none at the base, and those beside the log were used";
        audited.report.not_checked.push(keys.into());
    }
    let (read_here, trouble) = source.cache();
    if let Some(error) = trouble {
        told("what was fetched is not kept", &error);
    }
    if read_here > 0 {
        let files = counted(read_here, "file", "files");
        let what = format!(
            "whether the server still gives out {files} of hashes and entries: fetched before, and kept here"
        );
        audited.report.not_checked.push(what);
    }
    let report = &audited.report;
    let kept = memory.keep(&audited);
    let exit = Exit::from(report.verdict);
    let results = Results {
        command: "verify",
        subject: report.origin.as_deref(),
        codes: &Code::ALL,
        verdict: report.verdict,
        findings: &report.findings,
        left_out: report.findings_left_out,
        folder: Path::new(source.location()),
        exit: exit.code(),
    };
    output.print_results(
        &results,
        || text(report, args.from.log.as_ref().map(|_| source.location()), &kept, against.as_ref()),
        || {
            let mut object = json!(report);
            object["source"] = source.json();
            object["base"] = json!(against.as_ref().map(|against| {
                let (revision, commit) = (against.commit.revision(), against.commit.id());
                json!({"revision": revision, "commit": commit, "hasLog": against.base.has_log()})
            }));
            object["memory"] = json!(kept.memory);
            object["evidence"] = json!(kept.evidence);
            object
        },
    )?;
    Ok(exit)
}

/// Audits, and shows how far it is where there is somebody to see it.
fn audit_with_progress(
    source: &Source,
    trust: &Trust,
    memory: &Remembering,
    against: Option<&Against>,
) -> Outcome<Audited> {
    let progress = Progress::of(source);
    let show = |done, size| progress.show(done, size);
    let audited = match against {
        Some(against) => audit_onto(source.store(), trust, &against.base, &show),
        None => audit_since(source.store(), trust, memory.before.as_ref(), &show),
    };
    progress.end();
    Ok(audited?)
}

/// How far an audit is.
pub(crate) struct Progress<'s> {
    source: &'s Source,
    bar: ProgressBar,
    on_terminal: bool,
}

impl<'s> Progress<'s> {
    pub(crate) fn of(source: &'s Source) -> Self {
        let bar = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} entries{msg}, {eta} left") {
            bar.set_style(style);
        }
        Progress { source, bar, on_terminal: io::stderr().is_terminal() }
    }

    pub(crate) fn show(&self, done: u64, size: u64) {
        let (bar, fetched) = (&self.bar, self.source.fetched());
        if self.on_terminal && (size >= PROGRESS_FROM || fetched.is_some()) {
            if bar.is_hidden() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
            if let Some(bytes) = fetched {
                bar.set_message(format!(", {} kB fetched", bytes / 1000));
            }
            bar.set_length(size);
            bar.set_position(done);
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Warns that something could not be kept, which changes no verdict.
fn told(what: &str, error: &StoreError) {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    say(&format!("warning: {what}: {}{}", sanitize(&error.to_string()), sanitize(&cause)));
}

/// The auditor's memory of the log at hand, if he keeps one.
struct Remembering {
    /// The checkpoint, as it was when the audit began.
    note: Option<Vec<u8>>,
    /// The log that signed it, if the policy trusts it.
    log: Option<VerifierKey>,
    state: Option<(AuditorState, VerifierKey)>,
    before: Option<Memory>,
}

/// Where something was kept.
#[derive(Default)]
struct Kept {
    memory: Option<PathBuf>,
    evidence: Option<PathBuf>,
}

impl Remembering {
    fn begin(args: &VerifyArgs, store: &dyn Store, trust: &Trust) -> Outcome<Self> {
        let checkpoint = Key::new(layout::CHECKPOINT).expect("internal error: a name of the layout");
        // What is amiss with the checkpoint is the audit's to say.
        let note = store.get(&checkpoint, NOTE_MAX_BYTES as u64).ok().flatten();
        let log = note.as_ref().and_then(|note| log_of(note, &trust.policy));
        let state = if args.stateless { None } else { AuditorState::at(args.state.as_deref()) };
        if let (Some(state), Some(_)) = (&state, &args.state) {
            state.must_be_usable()?;
        }
        let state = state.zip(log.clone());
        let before = match &state {
            Some((state, log)) if args.git.is_none() => state.recall(log)?,
            _ => None,
        };
        let before = match before {
            Some(before) if args.full => Some(before.without_prefix()),
            Some(before) if args.quick => Some(before.tiles_alone()),
            before => before,
        };
        Ok(Remembering { note, log, state, before })
    }

    /// Returns what there is to read.
    fn extent(&self, trust: &Trust) -> Option<Extent> {
        Extent::of(self.note.as_deref()?, &trust.policy, self.before.as_ref())
    }

    /// Keeps what the audit leaves behind. That it cannot be kept is said, and changes no verdict.
    fn keep(&self, audited: &Audited) -> Kept {
        let mut kept = Kept::default();
        let Some((state, log)) = &self.state else { return kept };
        let told = |error: &StoreError| told("the audit is not remembered", error);
        if let Some(memory) = &audited.memory {
            match state.keep(log, memory) {
                Ok(()) => kept.memory = Some(state.path(log)),
                Err(error) => told(&error),
            }
        } else if self.before.is_some() {
            kept.memory = Some(state.path(log));
        }
        if let Some(evidence) = &audited.evidence {
            match state.keep_evidence(evidence) {
                Ok(path) => kept.evidence = Some(path),
                Err(error) => told(&error),
            }
        }
        kept
    }
}

/// Bytes of a file of evidence that are read: two notes and a proof.
const EVIDENCE_MAX_BYTES: usize = 4 * NOTE_MAX_BYTES;

fn check_evidence(file: &Path, policy: &Policy, output: Output) -> Outcome<Exit> {
    let bytes = read_bounded(file, EVIDENCE_MAX_BYTES)?;
    let name = file.display().to_string();
    let shown = Evidence::parse(&bytes).and_then(|evidence| evidence.check(policy));
    let shown = shown.map_err(|error| Failure::from(error).under(format!("{name} shows nothing")))?;
    let (accepted, found) = (shown.accepted.checkpoint(), shown.found.checkpoint());
    let meaning = match shown.contradiction {
        Contradiction::RolledBack => {
            "The log was shown with fewer entries than before. That alone convicts nobody: a copy that is out of \
             date looks the same. It does where the log itself serves the smaller checkpoint."
        }
        _ => {
            "The log's key signed both checkpoints, and no log that only grows has both: whoever holds that key \
             signed two histories."
        }
    };
    output.print(
        || {
            format!(
                "evidence holds: {} against {}\n  accepted    {}, root {}\n  found       {}, root {}\n{meaning}\n",
                json_word(&shown.contradiction),
                sanitize(found.origin().as_str()),
                counted(accepted.size(), "entry", "entries"),
                accepted.root_hash(),
                counted(found.size(), "entry", "entries"),
                found.root_hash(),
            )
        },
        || {
            let checkpoint =
                |one: &Checkpoint| json!({"size": one.size(), "rootHash": one.root_hash()});
            json!({
                "verdict": "verified", "code": shown.contradiction, "logOrigin": found.origin().as_str(),
                "accepted": checkpoint(accepted), "found": checkpoint(found), "meaning": meaning,
            })
        },
    )?;
    Ok(Exit::Success)
}

/// `from` is shown where the log is not the workspace's.
fn text(report: &Report, from: Option<&str>, kept: &Kept, against: Option<&Against>) -> String {
    let verdict = match report.verdict {
        Verdict::Verified => coloured("verified", true),
        Verdict::Invalid => coloured("INVALID", false),
        Verdict::Unverifiable => coloured("UNVERIFIABLE", false),
    };
    let mut out = match (&report.origin, report.root_hash) {
        (Some(origin), Some(root)) => {
            format!(
                "{verdict}: {}, {}, root {root}\n",
                sanitize(origin),
                counted(report.size, "entry", "entries")
            )
        }
        _ => format!("{verdict}\n"),
    };
    if let Some(from) = from {
        out.push_str(&format!("read from {}\n", sanitize(from)));
    }
    out.push_str(&findings::text(&report.findings, report.findings_left_out));
    let counts = &report.counts;
    let checked = [
        counted(counts.entries, "entry", "entries"),
        counted(counts.signatures, "signature", "signatures"),
        counted(counts.tiles, "tile or bundle", "tiles and bundles"),
        counted(counts.openings, "opening", "openings"),
        counted(counts.originals, "stored original", "stored originals"),
        counted(counts.claims, "claim in them", "claims in them"),
    ];
    out.push_str(&format!(
        "checked: {}
",
        checked.join(", ")
    ));
    if counts.erased > 0 {
        let erased = counted(counts.erased, "opening or original", "openings and originals");
        out.push_str(&format!(
            "{erased} missing on purpose: statements in the log say that they were erased\n"
        ));
    }
    if let Some(remembered) = report.remembered.filter(|remembered| remembered.extends == Some(true)) {
        let entries = counted(remembered.size, "entry", "entries");
        let whose = match against {
            Some(against) => format!("at {}", sanitize(against.commit.revision())),
            None => "accepted before".into(),
        };
        out.push_str(&format!("the log begins with the {entries} {whose}\n"));
    }
    if let Some(against) = against.filter(|against| !against.base.has_log()) {
        let revision = sanitize(against.commit.revision());
        out.push_str(&format!("{revision} has no log: everything is new\n"));
    }
    if counts.pending > 0 {
        let waiting = counted(counts.pending, "statement waits", "statements wait");
        out.push_str(&format!("pending: {waiting} to be appended: signed, and not in the log\n"));
    }
    for not_checked in &report.not_checked {
        out.push_str(&format!("not checked: {not_checked}\n"));
    }
    if let Some(path) = &kept.evidence {
        out.push_str(&format!(
            "evidence: {path}, which anyone can check: dateline verify --evidence FILE --policy POLICY\n",
            path = path.display()
        ));
    }
    if let Some(path) =
        kept.memory.as_ref().filter(|_| report.remembered.is_some_and(|one| one.extends == Some(false)))
    {
        out.push_str(&format!(
            "what was accepted stays remembered in {}; to look at an old copy on purpose, say --stateless\n",
            path.display()
        ));
    }
    if report.verdict == Verdict::Verified {
        out.push_str(
            "This establishes that nothing in this log was changed, dropped or inserted since the checkpoint was signed,\n\
             and that every record was signed by a key enrolled at its index. It does not establish that a named origin\n\
             produced a document, that a document is true, nor that you were shown the same log as others.\n",
        );
    }
    out
}

/// Returns a number with the word that fits it.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
