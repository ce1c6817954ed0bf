//! Making statements: the log opened for writing, the keys that it takes, and what is told of what was appended.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::attest::disclosure::commitment_at;
use crate::base::{Hash, PublicKey};
use crate::index::Source;
use crate::keys::Signer;
use crate::log::{Appended, Log, NewRecord};
use crate::record::entry::Circumstances;
use crate::record::layout::content_path;
use crate::record::standing::Erased;
use crate::record::{
    Body, ClaimCounts, Draft, Entry, Kind, Lineage, Pending, RecordRef, SealedEntry, Target,
};
use crate::storage::{Key, Object, Store};
use crate::verify::{LogReader, ReaderError, Trust};

use super::args::{SignArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::Input;
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::{now, random};
use crate::look::{basis as reading, quoted};
use crate::view::json_word;
use crate::view::{sanitize, sanitize_to};

/// Entries from which on reading them takes a person's time.
const PROGRESS_FROM: u64 = 100_000;

/// Opens the log for writing; tells a person of long work.
pub(crate) fn open_log<'l>(store: &'l dyn Store, trust: &'l Trust) -> Outcome<Log<'l>> {
    let bar = ProgressBar::hidden();
    if let Ok(style) = ProgressStyle::with_template(
        "what the log has is read, once: {bar:30} {pos}/{len} entries, {eta} left",
    ) {
        bar.set_style(style);
    }
    let log = Log::open_telling(store, &trust.policy, &trust.roots, &|done, size| {
        if size >= PROGRESS_FROM && io::stderr().is_terminal() && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(size);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(log)
}

/// Finds a key that may make statements of `kind` as the next entry.
pub(crate) fn signer_for(
    workspace: &Workspace,
    log: &Log<'_>,
    kind: Kind,
    asked: Option<&Path>,
    passphrases: &mut Passphrases,
) -> Outcome<Signer> {
    let state = log.state();
    let may = |key_id: &Hash| state.authorise(key_id, kind).is_ok();
    let wanted: Vec<PublicKey> = match kind {
        Kind::Key => state.roots().map(|(_, key)| key).collect(),
        _ => state.keys().filter(|(key_id, _)| may(key_id)).map(|(_, key)| key.public).collect(),
    };
    let (what, role) = match kind {
        Kind::Registration | Kind::Observation | Kind::Sealed => {
            ("enrolled to register documents", Some("editor"))
        }
        Kind::Key => ("a root key in force", None),
        Kind::Assessment => ("enrolled as an assessor", Some("assessor")),
        Kind::Erasure => ("enrolled as a data officer", Some("data-officer")),
        _ => ("enrolled as an editor", Some("editor")),
    };
    workspace.signer(&wanted, asked, what, passphrases).map_err(|failure| match role {
        // Nobody may; else somebody has the key that is not here.
        Some(role) if wanted.is_empty() => {
            failure.hint(format!("a root key enrols one: dateline key enrol FILE.pub --role {role}"))
        }
        _ => failure,
    })
}

/// Finds the log's own key.
pub(crate) fn log_key(
    workspace: &Workspace,
    log: &Log<'_>,
    trust: &Trust,
    passphrases: &mut Passphrases,
) -> Outcome<Signer> {
    let origin = log.checkpoint().origin().as_str();
    let logs = trust.policy.logs().iter().filter(|known| known.key.name().as_str() == origin);
    let keys: Vec<PublicKey> = logs.filter_map(|known| known.key.public_key().copied()).collect();
    workspace.signer(&keys, None, "the log's own key", passphrases).map_err(|failure| {
        failure.hint(
            "whoever has no log key leaves statements for one who does: --pending, then `dateline publish`",
        )
    })
}

/// Signs with a key that is at hand, or with the agent.
pub(crate) fn sign(draft: Draft, signer: &Signer) -> Outcome<SealedEntry> {
    Ok(match signer {
        Signer::Memory(key) => draft.sign(key)?,
        Signer::Agent { .. } => {
            let signature = signer.sign(&draft.to_be_signed())?;
            draft.seal(&signer.public(), signature)?
        }
    })
}

/// The log and the one who is about to say something in it.
pub(crate) struct Desk<'l> {
    pub(crate) workspace: &'l Workspace,
    pub(crate) store: &'l dyn Store,
    pub(crate) trust: &'l Trust,
    pub(crate) log: Log<'l>,
    /// The log as it was published before anything was said here.
    reader: OnceCell<LogReader<'l>>,
    passphrases: Passphrases,
    /// What was erased of the registrations that are pointed to, for a program.
    erased: RefCell<BTreeMap<u64, Vec<Value>>>,
    /// What an editor should know of what he is about to say, for a program.
    warnings: RefCell<Vec<Value>>,
}

/// What was said, and where it is now.
pub(crate) struct Made {
    kind: Kind,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Appended(u64),
    Pending(String),
}

impl<'l> Desk<'l> {
    pub(crate) fn open(workspace: &'l Workspace, store: &'l dyn Store, trust: &'l Trust) -> Outcome<Self> {
        let log = open_log(store, trust)?;
        let (reader, passphrases) = (OnceCell::new(), Passphrases::default());
        let (erased, warnings) = (RefCell::default(), RefCell::default());
        Ok(Desk { workspace, store, trust, log, reader, passphrases, erased, warnings })
    }

    /// Reads the log as it is published.
    pub(crate) fn reader(&self) -> Outcome<&LogReader<'l>> {
        if let Some(reader) = self.reader.get() {
            return Ok(reader);
        }
        let opened = LogReader::open(self.store, self.trust)?;
        Ok(self.reader.get_or_init(|| opened))
    }

    /// Returns the record that is named: by its index, or by a file that is registered.
    pub(crate) fn index_of(&self, named: &Path) -> Outcome<u64> {
        if let Some(index) = named.to_str().and_then(|text| text.parse().ok()) {
            return Ok(index);
        }
        let bytes = Input::File(named.to_owned()).read()?;
        let found = self.log.find_original(&Hash::of(&bytes))?;
        found.ok_or_else(|| {
            let failure = Failure::new(Exit::NotFound, format!("{} is not registered", named.display()));
            failure.hint("register it first: dateline add FILE")
        })
    }

    /// Returns the registration that is named, and what it claims. Tells what of it was erased: what points to it may rest on
    /// that.
    pub(crate) fn registered(&self, named: &Path) -> Outcome<(RecordRef, ClaimCounts)> {
        let index = self.index_of(named)?;
        let found = self.reader()?.registered(index).map_err(|error| {
            let about_key = matches!(&error, ReaderError::NotARegistration { kind, .. } if kind != "key");
            let failure = Failure::from(error);
            match about_key {
                true => failure.hint(
                    "a statement is not taken back: another one about the same document takes its place",
                ),
                false => failure,
            }
        })?;
        self.tell_of_erasures(index)?;
        Ok(found)
    }

    /// Says what of a registration was erased. Costs a pass over the log where something is gone and no index tells why.
    fn tell_of_erasures(&self, index: u64) -> Outcome<()> {
        if self.erased.borrow().contains_key(&index) {
            return Ok(());
        }
        let reader = self.reader()?;
        let (entry, openings) = reader.entry(index)?;
        let Body::Registration(registration) = &entry.body else { return Ok(()) };
        let closed = entry.open_registration(&openings).map(|opened| opened.withheld).unwrap_or_default();
        let records = self.workspace.derived();
        let stored = |original: Hash| records.join(content_path(&original)).exists();
        let is_gone = registration.original_stored && !entry.original().is_some_and(stored);
        let mut told = Vec::new();
        if is_gone || !closed.is_empty() {
            let source = Source {
                reader,
                store: self.store,
                trust: self.trust,
                records: &records,
                progress: &|_, _| {},
            };
            let (picked, _) = reading::look_up(&source, &BTreeSet::from([index]), false)?;
            let predicate = entry.predicate();
            for by in picked.standings.erased(index) {
                let gone = |pointer: &&String| {
                    commitment_at(&predicate, pointer)
                        .is_some_and(|digest| by.commitments.iter().any(|one| one == digest))
                };
                let fields: Vec<&String> = closed.iter().filter(gone).collect();
                say(&erasure_text(index, by, &fields));
                told.push(json!({
                    "record": index, "by": by.by, "reason": by.reason, "fields": fields, "original": by.original,
                }));
            }
        }
        self.erased.borrow_mut().insert(index, told);
        Ok(())
    }

    /// Warns of what a document quotes and that stands in none of its sources, those among them that it is about to be said to
    /// have. Where the sources cannot all be read, nothing is said.
    pub(crate) fn tell_of_misquotes(&self, about: RecordRef, targets: &[Target]) -> Outcome<()> {
        let (reader, records) = (self.reader()?, self.workspace.derived());
        let source =
            Source { reader, store: self.store, trust: self.trust, records: &records, progress: &|_, _| {} };
        let Some(standings) = reading::soon(&source, &BTreeSet::from([about.record]))? else { return Ok(()) };
        let lineage = Lineage::of(&standings);
        let mut sources =
            lineage.node(about.record).map_or_else(Vec::new, |node| quoted::sources(&lineage, node));
        for target in targets {
            if let Target::Record(target) = target
                && !sources
                    .iter()
                    .any(|one| one.document.is_some_and(|(_, original)| original == target.original))
            {
                sources.push(quoted::Source::of(*target));
            }
        }
        let registrations = quoted::registrations(reader, &sources, Some(about.record))?;
        let texts = quoted::Texts { store: self.store, registrations: &registrations };
        let Ok((_, _, extract)) = texts.of(about.record, &about.original) else { return Ok(()) };
        let quotes = registrations.get(&about.record).and_then(|one| one.quotes.as_ref());
        let quotes = quotes.into_iter().flatten().map(|quote| quote.opened().cloned()).collect();
        let found = quoted::check(quotes, Some(&extract.text), &sources, &texts).misquotes();
        for what in found.iter().take(MISQUOTES_MAX) {
            say(&format!("warning: misquote, by the sources named so far: {what}"));
        }
        if found.len() > MISQUOTES_MAX {
            say(&format!(
                "warning: and {} more: `dateline quotes {}`",
                found.len() - MISQUOTES_MAX,
                about.record
            ));
        }
        let told =
            found.iter().map(|what| json!({"code": "misquote", "record": about.record, "message": what}));
        self.warnings.borrow_mut().extend(told);
        Ok(())
    }

    /// Has the drafts of `draft` signed by whoever may make statements of `kind`, and appended in one commit; or left for whoever holds the log's key, if `args` say so. Nothing that could not stand is signed.
    pub(crate) fn say(
        &mut self,
        kind: Kind,
        args: &SignArgs,
        draft: impl FnOnce(&Self, &mut Circumstances<'_>) -> Outcome<Vec<Draft>>,
    ) -> Outcome<Vec<Made>> {
        let mut passphrases = std::mem::take(&mut self.passphrases);
        let signer = signer_for(self.workspace, &self.log, kind, args.key.as_deref(), &mut passphrases)?;
        let pending = args.pending;
        let log_key = match pending {
            true => None,
            false => Some(log_key(self.workspace, &self.log, self.trust, &mut passphrases)?),
        };
        self.passphrases = passphrases;
        let mut random = random;
        let recorded_by = signer.public().key_id();
        let mut circumstances = Circumstances { recorded_by, recorded_at: now(), random: &mut random };
        let drafts = draft(self, &mut circumstances)?;
        let mut entries = Vec::new();
        for draft in drafts {
            entries.push(sign(draft, &signer)?);
        }
        {
            let reader = self.reader()?;
            for entry in &entries {
                if let Some(why) = reader.why_not(&Entry::parse(&entry.bytes)?)? {
                    let failure = Failure::new(Exit::Usage, "such a statement cannot stand");
                    return Err(failure.under_cause(why));
                }
            }
        }
        let records: Vec<NewRecord> =
            entries.into_iter().map(|entry| NewRecord { entry, content: None }).collect();
        let Some(log_key) = log_key else {
            let left = leave(self.store, &records)?.into_iter();
            return Ok(left.map(|path| Made { kind, place: Place::Pending(path) }).collect());
        };
        self.reader = OnceCell::new();
        let appended = self.log.append(records, &mut |text| log_key.sign(text))?;
        let made = |outcome: Appended| Made { kind, place: Place::Appended(outcome.index()) };
        Ok(appended.into_iter().map(made).collect())
    }

    /// Prints what was said: a line each, with `more` members for a program.
    pub(crate) fn told(&self, made: &[Made], output: Output, more: &Value) -> Outcome<()> {
        let checkpoint = self.log.checkpoint();
        for Made { kind, place } in made {
            output.print(
                || match place {
                    Place::Appended(index) => {
                        format!(
                            "{kind} statement appended as record {index} (log size {})\n",
                            checkpoint.size()
                        )
                    }
                    Place::Pending(path) => {
                        format!(
                            "{kind} statement waits in records/{}; `dateline publish` appends it\n",
                            sanitize(path)
                        )
                    }
                },
                || {
                    let mut members = more.as_object().cloned().unwrap_or_default();
                    members.insert("kind".into(), json!(kind.to_string()));
                    let erased: Vec<Value> = self.erased.borrow().values().flatten().cloned().collect();
                    members.insert("erased".into(), json!(erased));
                    members.insert("warnings".into(), json!(*self.warnings.borrow()));
                    match place {
                        Place::Appended(index) => {
                            members.insert("outcome".into(), json!("appended"));
                            members.insert("record".into(), json!(index));
                            let checkpoint =
                                json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
                            members.insert("checkpoint".into(), checkpoint);
                        }
                        Place::Pending(path) => {
                            members.insert("outcome".into(), json!("pending"));
                            members.insert("path".into(), json!(path));
                        }
                    }
                    Value::Object(members)
                },
            )?;
        }
        Ok(())
    }
}

impl Made {
    /// Returns the index of the entry, if it is in the log.
    pub(crate) fn index(&self) -> Option<u64> {
        match self.place {
            Place::Appended(index) => Some(index),
            Place::Pending(_) => None,
        }
    }
}

/// Misquotes that a person is told of.
const MISQUOTES_MAX: usize = 5;
/// Fields that were erased and that a person is shown.
const FIELDS_MAX: usize = 5;

/// What a person is told of an erasure in a record that he points to.
fn erasure_text(record: u64, by: &Erased, fields: &[&String]) -> String {
    // Of a member that is committed as a whole, the name went with it.
    let (nameless, named): (Vec<&&String>, Vec<&&String>) =
        fields.iter().partition(|field| field.starts_with("/_sd/"));
    let mut what: Vec<String> = named.iter().take(FIELDS_MAX).map(|field| sanitize(field)).collect();
    let more = nameless.len() + named.len().saturating_sub(FIELDS_MAX);
    if more > 0 {
        what.push(format!("{more} committed field{}", if more == 1 { "" } else { "s" }));
    }
    if by.original {
        what.push("the stored original".into());
    }
    let what = if what.is_empty() { "something".into() } else { what.join(", ") };
    let reason = sanitize_to(&json_word(&by.reason), 40);
    format!(
        "note: of record {record} this was erased (record {}, reason {reason}): {what}; what it said there can no longer be checked",
        by.by
    )
}

/// Leaves signed statements, and the originals that are to be stored with them, for whoever holds the log's key; returns the
/// files that they wait in, below `records/`.
pub(crate) fn leave(store: &dyn Store, records: &[NewRecord]) -> Outcome<Vec<String>> {
    let key =
        |path: String| Key::new(path).expect("internal error: a name of the layout is not an object name");
    let (mut objects, mut paths) = (Vec::new(), Vec::new());
    for NewRecord { entry, content } in records {
        if let (Some(original), Some(bytes)) = (entry.original, content) {
            let object = Object { key: key(content_path(&original)), bytes: bytes.clone() };
            store.put_together(&[object], &[])?;
        }
        let pending = Pending::of(entry);
        paths.push(pending.path());
        objects.push(Object { key: key(pending.path()), bytes: pending.format() });
    }
    store.put(&objects)?;
    Ok(paths)
}

/// Opens the workspace, says one thing, and tells of it.
pub(crate) fn state(
    workspace: &Workspace,
    kind: Kind,
    args: &SignArgs,
    output: Output,
    draft: impl FnOnce(&Desk<'_>, &mut Circumstances<'_>) -> Outcome<Vec<Draft>>,
) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.writer()?;
    let mut desk = Desk::open(workspace, &store, &trust)?;
    let made = desk.say(kind, args, draft)?;
    desk.told(&made, output, &Value::Null)
}
