//! Making statements: the log opened for writing, the keys that it takes, and what is told of what was appended.

use std::cell::OnceCell;
use std::io::{self, IsTerminal};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::base::{Hash, PublicKey};
use crate::keys::Signer;
use crate::log::{Appended, Log, NewRecord};
use crate::record::entry::Circumstances;
use crate::record::{ClaimCounts, Draft, Entry, Kind, Pending, RecordRef, SealedEntry};
use crate::storage::{FileStore, Key, Object, Store};
use crate::verify::{LogReader, ReaderError, Trust};
use crate::view::sanitize;

use super::args::{SignArgs, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::Input;
use super::output::Output;
use super::workspace::{Passphrases, Workspace};
use super::{now, random};

/// Entries from which on reading them takes a person's time.
const PROGRESS_FROM: u64 = 100_000;

/// Opens the log for writing; tells a person of long work.
pub(crate) fn open_log<'l>(store: &'l FileStore, trust: &'l Trust) -> Outcome<Log<'l>> {
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
    pub(crate) store: &'l FileStore,
    pub(crate) trust: &'l Trust,
    pub(crate) log: Log<'l>,
    /// The log as it was published before anything was said here.
    reader: OnceCell<LogReader<'l>>,
    passphrases: Passphrases,
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
    pub(crate) fn open(workspace: &'l Workspace, store: &'l FileStore, trust: &'l Trust) -> Outcome<Self> {
        let log = open_log(store, trust)?;
        let (reader, passphrases) = (OnceCell::new(), Passphrases::default());
        Ok(Desk { workspace, store, trust, log, reader, passphrases })
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

    /// Returns the registration that is named, and what it claims.
    pub(crate) fn registered(&self, named: &Path) -> Outcome<(RecordRef, ClaimCounts)> {
        let index = self.index_of(named)?;
        self.reader()?.registered(index).map_err(|error| {
            let about_key = matches!(&error, ReaderError::NotARegistration { kind, .. } if kind != "key");
            let failure = Failure::from(error);
            match about_key {
                true => failure.hint(
                    "a statement is not taken back: another one about the same document takes its place",
                ),
                false => failure,
            }
        })
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
        let Some(log_key) = log_key else {
            let made = entries.iter().map(|entry| leave(self.store, entry)).collect();
            return made;
        };
        let records = entries.into_iter().map(|entry| NewRecord { entry, content: None }).collect();
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

/// Leaves a signed statement for whoever holds the log's key.
pub(crate) fn leave(store: &FileStore, entry: &SealedEntry) -> Outcome<Made> {
    let pending = Pending::of(entry);
    let path = pending.path();
    let key = Key::new(path.clone()).expect("internal error: a name of the layout is not an object name");
    store.put(&[Object { key, bytes: pending.format() }])?;
    Ok(Made { kind: entry.kind, place: Place::Pending(path) })
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
