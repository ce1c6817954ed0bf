//! `dateline add`

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::article::{Byline, ClaimedOrigin, Strength};
use crate::base::Hash;
use crate::keys::Signer;
use crate::log::{Appended, Log, NewRecord};
use crate::record::decisions::stated_byline;
use crate::record::entry::Circumstances;
use crate::record::{Decisions, Draft, Kind, SealField};
use crate::storage::Store;
use crate::verify::Trust;
use crate::view::View;
use crate::view::sanitize;

use super::args::{AddArgs, SealName, TrustArgs};
use super::exit::Exit;
use super::extract::{self, Document, Reading};
use super::failure::{Failure, Outcome};
use super::input::{Input, Inputs};
use super::neighbours::Neighbours;
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::{now, random, sealed, writing};

/// Documents, and bytes of originals, of one commit at most.
const COMMIT_MAX_DOCUMENTS: usize = 4_096;
const COMMIT_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Documents that are read before the size of a commit is looked at again.
const READ_AT_A_TIME: usize = 256;

pub(crate) fn run(workspace: &Workspace, args: &AddArgs, output: Output) -> Outcome<Exit> {
    if args.sealed {
        return sealed::add(workspace, args, output);
    }
    let mut decisions = extract::decisions(&args.stated, args.no_store)?;
    decisions.seal = args.seal.iter().copied().map(SealField::from).collect();
    let reading = Reading::new(workspace, decisions, &args.fetch)?;
    let ask = !args.yes;
    if ask && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let failure = Failure::new(Exit::Usage, "there is no terminal to ask on");
        return Err(failure.hint("say --yes to register what is found, after a look with `dateline extract`"));
    }
    let trust = workspace.trust(&TrustArgs::default())?;
    let inputs = extract::find(&args.paths)?;
    let many = inputs.has_folder || inputs.documents.len() > 1;
    let mut job = Job::new(workspace, args.key.clone(), reading, output);
    (job.yes, job.many, job.resume, job.pending) = (args.yes, many, args.resume, args.pending);
    for (path, failure) in &inputs.failures {
        job.failed(&path.display().to_string(), failure)?;
    }
    // A person takes his time; others may write meanwhile. A program does not, and should learn early of a lock.
    if ask {
        job.ask_then_add(&inputs, &trust)?
    } else {
        job.add_all(&inputs, &trust)?
    }
    job.summary(many || job.tally.count() > 1);
    Ok(extract::exit_of(&job.tally.failures))
}

#[derive(Default)]
struct Tally {
    registered: usize,
    already: usize,
    left_out: usize,
    failures: Vec<Exit>,
}

impl Tally {
    fn count(&self) -> usize {
        self.registered + self.already + self.left_out + self.failures.len()
    }
}

/// Registers documents, and keeps count.
pub(crate) struct Job<'a> {
    workspace: &'a Workspace,
    key: Option<PathBuf>,
    pub(crate) reading: Reading,
    output: Output,
    tally: Tally,
    progress: Option<ProgressBar>,
    /// Whether nobody is asked.
    yes: bool,
    /// Whether what is signed is left for whoever holds the log's key.
    pub(crate) pending: bool,
    /// Whether each document gets one line.
    many: bool,
    /// Whether files that are registered already are not read again.
    resume: bool,
    /// What the log has that documents may be like.
    neighbours: Neighbours,
}

/// The log with the two keys that an append needs.
struct Opened<'l> {
    store: &'l dyn Store,
    log: Log<'l>,
    signer: Signer,
    /// Absent where the registrations are left for somebody who has it.
    log_key: Option<Signer>,
    trust: &'l Trust,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        key: Option<PathBuf>,
        reading: Reading,
        output: Output,
    ) -> Self {
        let (tally, progress) = (Tally::default(), None);
        let (yes, many, resume, pending) = (true, true, true, false);
        let neighbours = Neighbours::default();
        Job { workspace, key, reading, output, tally, progress, yes, many, resume, pending, neighbours }
    }

    /// Registers documents that were read, in one commit; tells of each.
    pub(crate) fn register(&mut self, documents: extract::Read, trust: &Trust) -> Outcome<()> {
        let store = self.workspace.writer()?;
        let mut opened = self.open(&store, trust)?;
        let mut ready = Vec::new();
        for (name, document) in documents {
            match document {
                Ok(document) => ready.push((name, document)),
                Err(failure) => self.failed(&name, &failure)?,
            }
        }
        self.commit(&mut opened, ready)
    }

    /// Registers without asking: reads in parallel, commits in large groups.
    fn add_all(&mut self, inputs: &Inputs, trust: &Trust) -> Outcome<()> {
        let store = self.workspace.writer()?;
        let mut opened = self.open(&store, trust)?;
        if inputs.documents.len() > 1 && io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
            let bar = ProgressBar::new(inputs.documents.len() as u64);
            self.progress = Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        }
        let mut ready: Vec<(String, Document)> = Vec::new();
        let mut bytes = 0;
        for some in inputs.documents.chunks(READ_AT_A_TIME) {
            let log = &opened.log;
            let reading = &self.reading;
            let known = |input: &Input| {
                let Input::File(_) = input else { return false };
                let is_known =
                    |bytes: &[u8]| log.find_original(&Hash::of(bytes)).is_ok_and(|index| index.is_some());
                self.resume && input.read().is_ok_and(|bytes| is_known(&bytes))
            };
            let read: Vec<Option<extract::Read>> =
                some.par_iter().map(|input| (!known(input)).then(|| reading.read(input))).collect();
            for documents in read {
                let Some(documents) = documents else {
                    self.tally.already += 1;
                    self.advance();
                    continue;
                };
                for (name, document) in documents {
                    match document {
                        Ok(document) => {
                            bytes += document.bytes.len();
                            ready.push((name, document));
                        }
                        Err(failure) => self.failed(&name, &failure)?,
                    }
                }
            }
            if ready.len() >= COMMIT_MAX_DOCUMENTS || bytes >= COMMIT_MAX_BYTES {
                bytes = 0;
                self.commit(&mut opened, std::mem::take(&mut ready))?;
            }
        }
        self.commit(&mut opened, ready)
    }

    /// Shows each document, asks, and registers what a person agreed to.
    fn ask_then_add(&mut self, inputs: &Inputs, trust: &Trust) -> Outcome<()> {
        let mut agreed = Vec::new();
        let mut all = false;
        let mut documents =
            inputs.documents.iter().flat_map(|input| self.reading.read(input)).collect::<Vec<_>>();
        let read = documents.iter_mut().filter_map(|(_, document)| document.as_mut().ok());
        self.neighbours.compare(self.workspace, trust, read.collect());
        for (name, document) in documents {
            let mut document = match document {
                Ok(document) => document,
                Err(failure) => {
                    self.failed(&name, &failure)?;
                    continue;
                }
            };
            self.tell(&name, &document);
            let answer = if all { Answer::Yes } else { self.ask(&name, &mut document)? };
            match answer {
                Answer::Yes => agreed.push((name, document)),
                Answer::All => {
                    all = true;
                    agreed.push((name, document));
                }
                Answer::No => self.tally.left_out += 1,
                Answer::Quit => break,
            }
        }
        if agreed.is_empty() {
            return Ok(());
        }
        let store = self.workspace.writer()?;
        let mut opened = self.open(&store, trust)?;
        self.commit(&mut opened, agreed)
    }

    /// Shows what was found, has weak finds confirmed, and asks whether to register.
    fn ask(&self, name: &str, document: &mut Document) -> Outcome<Answer> {
        let view = View::of_article(&document.article).with(&self.reading.decisions);
        say(&format!("{}\n{}", sanitize(name), view.text().trim_end()));
        let weak = |strength: Strength| strength < Strength::Strong;
        let article = &mut document.article;
        let mut bylines: Vec<Byline> = Vec::new();
        for byline in std::mem::take(&mut article.bylines) {
            if weak(byline.evidence.strength()) {
                match confirm("byline", &byline.as_printed)? {
                    Confirmed::Kept => bylines.push(byline),
                    Confirmed::Dropped => {}
                    Confirmed::Replaced(name) => bylines.push(stated_byline(&name)),
                }
            } else {
                bylines.push(byline);
            }
        }
        article.bylines = bylines;
        let mut origins: Vec<ClaimedOrigin> = Vec::new();
        for origin in std::mem::take(&mut article.claimed_origins) {
            if weak(origin.evidence.strength()) {
                match confirm("origin", &origin.as_printed)? {
                    Confirmed::Kept => origins.push(origin),
                    Confirmed::Dropped => {}
                    Confirmed::Replaced(name) => origins.push(crate::record::decisions::stated_origin(&name)),
                }
            } else {
                origins.push(origin);
            }
        }
        article.claimed_origins = origins;
        loop {
            let answer = prompt("Register it? [Y]es, [n]o, [a]ll that follow, [q]uit: ")?;
            match answer.to_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(Answer::Yes),
                "n" | "no" => return Ok(Answer::No),
                "a" | "all" => return Ok(Answer::All),
                "q" | "quit" => return Ok(Answer::Quit),
                _ => {}
            }
        }
    }

    /// Opens the log for writing, and the keys.
    fn open<'l>(&self, store: &'l dyn Store, trust: &'l Trust) -> Outcome<Opened<'l>> {
        let log = writing::open_log(store, trust)?;
        let mut passphrases = Passphrases::default();
        let asked = self.key.as_deref();
        let signer = writing::signer_for(self.workspace, &log, Kind::Registration, asked, &mut passphrases)?;
        let log_key = match self.pending {
            true => None,
            false => Some(writing::log_key(self.workspace, &log, trust, &mut passphrases)?),
        };
        Ok(Opened { store, log, signer, log_key, trust })
    }

    /// Signs the registrations of `documents`, appends them in one commit, and prints a line for each.
    fn commit(&mut self, opened: &mut Opened<'_>, mut documents: Vec<(String, Document)>) -> Outcome<()> {
        let Opened { store, log, signer, log_key, trust } = opened;
        let mut new = Vec::new();
        // A person was told before he was asked.
        for (number, (_, document)) in documents.iter().enumerate() {
            if document.alike.is_none() && log.find_original(&document.article.digests.original)?.is_none() {
                new.push(number);
            }
        }
        let is_new = |number: usize| new.binary_search(&number).is_ok();
        let compared = documents.iter_mut().enumerate().filter(|(number, _)| is_new(*number));
        let compared = compared.map(|(_, (_, document))| document).collect();
        self.neighbours.compare(self.workspace, trust, compared);
        for number in &new {
            let (name, document) = &documents[*number];
            self.tell(name, document);
        }
        let decisions = &self.reading.decisions;
        let drafted: Vec<Outcome<Option<NewRecord>>> = documents
            .par_iter()
            .map(|(name, document)| {
                if log.find_original(&document.article.digests.original)?.is_some() {
                    return Ok(None);
                }
                let record = sign(document, decisions, signer);
                record.map(Some).map_err(|failure| failure.under(format!("cannot register {name}")))
            })
            .collect();
        let mut records = Vec::new();
        let mut ready = Vec::new();
        for ((name, document), drafted) in documents.into_iter().zip(drafted) {
            match drafted {
                Ok(record) => {
                    ready.push((name, document, record.is_some()));
                    records.extend(record);
                }
                Err(failure) => self.failed(&name, &failure)?,
            }
        }
        let made: Vec<Done> = match log_key {
            Some(log_key) => {
                let appended = log.append(records, &mut |text| log_key.sign(text))?;
                appended.into_iter().map(Done::InTheLog).collect()
            }
            None => {
                let left = writing::leave(*store, &records)?;
                left.into_iter().map(Done::Waits).collect()
            }
        };
        let mut made = made.into_iter();
        for (name, document, is_new) in ready {
            let outcome = if is_new {
                made.next()
            } else {
                let known = log.find_original(&document.article.digests.original)?;
                known.map(Appended::AlreadyRegistered).map(Done::InTheLog)
            };
            let outcome = outcome.expect("internal error: a record was neither appended nor found");
            if let (Done::InTheLog(Appended::Registered(index)), false) =
                (&outcome, self.reading.decisions.no_store)
            {
                self.neighbours.learn(*index, &document.article);
            }
            self.done(&name, &document, &outcome, log)?;
        }
        Ok(())
    }

    fn done(&mut self, name: &str, document: &Document, outcome: &Done, log: &Log<'_>) -> Outcome<()> {
        let (word, says) = match outcome {
            Done::InTheLog(Appended::Registered(_)) => ("registered", "registered as record"),
            Done::InTheLog(Appended::AlreadyRegistered(_)) => {
                ("alreadyRegistered", "already registered as record")
            }
            Done::Waits(_) => ("pending", "signed, and waits to be published in"),
        };
        match outcome {
            Done::InTheLog(Appended::AlreadyRegistered(_)) => self.tally.already += 1,
            _ => self.tally.registered += 1,
        }
        let (place, index, pending) = match outcome {
            Done::InTheLog(outcome) => (outcome.index().to_string(), Some(outcome.index()), None),
            Done::Waits(path) => (format!("records/{path}"), None, Some(path)),
        };
        let view = View::of_article(&document.article).with(&self.reading.decisions);
        let many = self.progress.is_some() || self.many;
        let checkpoint = log.checkpoint();
        let print = || {
            self.output.print(
                || {
                    let name = sanitize(name);
                    if many {
                        return format!("{says} {place}: {name} | {}\n", view.summary());
                    }
                    let shown = if self.yes { view.text() } else { String::new() };
                    format!("{name}\n{shown}{says} {place} (log size {})\n", checkpoint.size())
                },
                || {
                    let mut members = view.json();
                    members.insert("path".into(), json!(name));
                    members.insert("record".into(), json!(index));
                    if let Some(pending) = pending {
                        members.insert("pending".into(), json!(pending));
                    }
                    members.insert("outcome".into(), json!(word));
                    members.insert("warnings".into(), json!(document.alike.as_deref().unwrap_or_default()));
                    let checkpoint = json!({"size": checkpoint.size(), "rootHash": checkpoint.root_hash()});
                    members.insert("checkpoint".into(), checkpoint);
                    Value::Object(members)
                },
            )
        };
        match &self.progress {
            Some(bar) => {
                bar.suspend(print)?;
                bar.inc(1);
                Ok(())
            }
            None => print(),
        }
    }

    /// Warns of registered texts that a document is like.
    fn tell(&self, name: &str, document: &Document) {
        if self.output.is_json() && self.yes {
            return;
        }
        for warning in document.alike.iter().flatten() {
            let line = format!("warning: {}: {}", sanitize(name), warning.message);
            match &self.progress {
                Some(bar) => bar.suspend(|| say(&line)),
                None => say(&line),
            }
        }
    }

    fn advance(&self) {
        if let Some(bar) = &self.progress {
            bar.inc(1);
        }
    }

    fn failed(&mut self, name: &str, failure: &Failure) -> Outcome<()> {
        self.tally.failures.push(failure.exit);
        let report = || extract::report_failure(name, failure, self.output);
        match &self.progress {
            Some(bar) => {
                bar.inc(1);
                bar.suspend(report)
            }
            None => report(),
        }
    }

    pub(crate) fn summary(&self, many: bool) {
        if let Some(bar) = &self.progress {
            bar.finish_and_clear();
        }
        let Tally { registered, already, left_out, failures } = &self.tally;
        if many {
            let failed = failures.len();
            say(&format!(
                "{registered} registered, {already} already registered, {left_out} left out, {failed} failed"
            ));
        }
    }
}

/// What became of a document.
enum Done {
    InTheLog(Appended),
    /// It waits in this file below `records/`.
    Waits(String),
}

/// Drafts and signs the registration of a document.
pub(crate) fn sign(document: &Document, decisions: &Decisions, signer: &Signer) -> Outcome<NewRecord> {
    let mut random = random;
    let public = signer.public();
    let mut circumstances =
        Circumstances { recorded_by: public.key_id(), recorded_at: now(), random: &mut random };
    let draft = Draft::registration(&document.article, decisions, &mut circumstances)?;
    let entry = writing::sign(draft, signer)?;
    let content = (!decisions.no_store).then(|| document.bytes.clone());
    Ok(NewRecord { entry, content })
}

/// Asks a question that stops everything unless it is answered with yes.
pub(crate) fn yes_or_stop(question: &str) -> Outcome<()> {
    match prompt(question)?.to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Unavailable, "nothing was done")),
    }
}

impl From<SealName> for SealField {
    fn from(name: SealName) -> Self {
        match name {
            SealName::Origin => SealField::Origin,
            SealName::Title => SealField::Title,
            SealName::Publisher => SealField::Publisher,
            SealName::Published => SealField::Published,
            SealName::Dateline => SealField::Dateline,
            SealName::Url => SealField::Url,
        }
    }
}

enum Answer {
    Yes,
    No,
    All,
    Quit,
}

enum Confirmed {
    Kept,
    Dropped,
    Replaced(String),
}

/// Asks a person about a find that a rule is not sure of.
fn confirm(what: &str, printed: &str) -> Outcome<Confirmed> {
    let shown = sanitize(printed);
    let answer =
        prompt(&format!("The {what} {shown:?} is a weak find. [K]eep, [d]rop, or type what it is: "))?;
    Ok(match answer.to_lowercase().as_str() {
        "" | "k" | "keep" => Confirmed::Kept,
        "d" | "drop" => Confirmed::Dropped,
        _ => Confirmed::Replaced(answer),
    })
}

/// Asks on the terminal. The end of input is a refusal.
fn prompt(question: &str) -> Outcome<String> {
    let failed =
        |error: io::Error| Failure::new(Exit::Unavailable, "cannot ask on the terminal").because(&error);
    let mut err = anstream::stderr();
    err.write_all(question.as_bytes()).and_then(|()| err.flush()).map_err(failed)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
        return Err(Failure::new(Exit::Unavailable, "no answer: nothing more was registered"));
    }
    Ok(line.trim().to_owned())
}
