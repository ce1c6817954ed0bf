//! Random histories of a log, against a list of its entries, a map of its keys and a list of what is erased: appends of any
//! size, statements about keys, which may need the approval of several root keys, erasures, faults, power cuts, second
//! writers, damaged files. After every step all that [`support::witness`] names is checked.
//!
//! Each history is lived in memory, where single writes fail, and on a disk that loses what was not synced.
//! `DATELINE_MODEL_CASES=2000` runs so many histories of each instead of a few.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use dateline::base::encoding::to_base64url;
use dateline::base::{Hash, SigningKey};
use dateline::log::{AppendError, Appended, Log, NewRecord, OpeningChange};
use dateline::note::Policy;
use dateline::record::state::Proposal;
use dateline::record::{Draft, Erasure, ErasureReason, KeyAction, KeyState, Role, layout};
use dateline::storage::memory::Fault;
use dateline::storage::{FileStore, MemoryStore, Store};
use dateline::verify::Verdict;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use support::disk::{Crash, Plan, SimulatedDisk, folder};
use support::statements;
use support::stores::{Calls, Watched};
use support::witness::{Witness, contents, damage_is_found, keys_of, second_writer_is_refused};
use support::{
    append, audited, build, copy, create, editor, enrolment, key_statement, one_thread, open, policy,
    records, registration, root_key, signing,
};

/// Histories of each kind, unless more are asked for.
const CASES: u32 = 48;
/// Signers that there are, the editor of the first entry being the first. Few, so that they are ended and tried again.
const SIGNERS: usize = 7;
/// The number of the root key that is trusted from outside: statements may be about it, too.
const OUTSIDE: usize = SIGNERS;
/// Documents whose registration by the editor is at hand.
const AT_HAND: usize = 1_300;

fn signer(number: usize) -> SigningKey {
    match number {
        0 => editor(),
        OUTSIDE => root_key(),
        _ => signing(10 + number as u8),
    }
}

/// Signers whom the log begins with as root keys.
const ROOTS: [usize; 2] = [5, 6];

/// Says what was erased; enrolled by the second entry, and in no statement after that.
fn officer() -> SigningKey {
    signing(8)
}

/// Who registers a document.
#[derive(Debug, Clone)]
enum Who {
    /// The first signer who may.
    First,
    /// One of those who may.
    Any(Index),
    /// A signer who may or may not.
    Somebody(usize),
}

/// A part of what is appended in one commit.
#[derive(Debug, Clone)]
enum Item {
    /// So many new documents.
    Documents(u64, Who),
    /// A document that was tried before.
    Again(Index, Who),
    /// What a root key says of a key.
    Key(KeyAction, Whom),
    /// The same, said by somebody who has no root key.
    Pretended(KeyAction, Whom),
    /// What was proposed before, said by another root key, or by anybody.
    Approve(Index, Index, bool),
}

/// Which key a statement is about.
#[derive(Debug, Clone)]
struct Whom {
    key: Index,
    /// For a rotation, the one that it takes the place of.
    replaces: Index,
    /// Whether only those are chosen that the statement can stand for, if there are any.
    fits: bool,
    /// What its holder may do, if it is enrolled.
    roles: Vec<Role>,
    /// How many must approve from then on, if it says that.
    approvals: u32,
    /// Who says so, of the root keys in force.
    by: Index,
}

/// What goes wrong with a commit, or with opening a log.
#[derive(Debug, Clone, Copy)]
struct Broken {
    /// In memory the write, on disk the call, counted from 0, that does not return or returns an error.
    at: u64,
    /// In memory: whether it is done all the same. On disk: whether the machine stops there.
    is_done: bool,
    /// On disk: what the power cut leaves after it, if there is one.
    crash: Option<Crash>,
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Item>),
    /// Appends while something breaks; perhaps something else does when the log is opened again.
    Broken(Vec<Item>, Broken, Option<Broken>),
    /// Another writer appends, with no lock in his way, and then the one who does not know of it.
    Overtaken(Vec<Item>),
    /// Erases openings of a document, all or one, as the data officer or as the editor; and something may break once it is said.
    Erase {
        which: Index,
        all: bool,
        by_officer: bool,
        broken: Option<Broken>,
    },
    /// Lets the log go and takes it up again; another writer may append meanwhile.
    Rest(Vec<Item>),
    /// Drops the writer and opens the log again.
    Reopen,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let roles = prop_oneof![
        8 => Just(vec![Role::Editor]),
        6 => Just(vec![Role::Root]),
        2 => Just(vec![Role::Ingest]),
        2 => Just(vec![Role::Assessor]),
        1 => Just(vec![Role::Root, Role::Editor]),
    ];
    let approvals = prop_oneof![1 => Just(0u32), 8 => 1..4u32, 1 => Just(33)];
    let whom = (any::<Index>(), any::<Index>(), prop::bool::weighted(0.8), roles, approvals, any::<Index>())
        .prop_map(|(key, replaces, fits, roles, approvals, by)| Whom {
            key,
            replaces,
            fits,
            roles,
            approvals,
            by,
        });
    let action = prop_oneof![
        8 => Just(KeyAction::Enrol),
        4 => Just(KeyAction::Rotate),
        2 => Just(KeyAction::Revoke),
        2 => Just(KeyAction::Retire),
        5 => Just(KeyAction::RequireApprovals),
    ];
    let who = prop_oneof![6 => any::<Index>().prop_map(Who::Any), 1 => (0..SIGNERS).prop_map(Who::Somebody)];
    let first = |count| vec![Item::Documents(count, Who::First)];
    let key = (action, whom, prop::bool::weighted(0.9));
    let item = prop_oneof![
        5 => (1..4u64, who.clone()).prop_map(|(count, who)| Item::Documents(count, who)),
        2 => (any::<Index>(), who).prop_map(|(which, who)| Item::Again(which, who)),
        5 => key.prop_map(|(action, whom, is_root)| match is_root {
            true => Item::Key(action, whom),
            false => Item::Pretended(action, whom),
        }),
        4 => (any::<Index>(), any::<Index>(), prop::bool::weighted(0.8))
            .prop_map(|(which, by, fits)| Item::Approve(which, by, fits)),
    ];
    prop_oneof![
        8 => prop::collection::vec(item, 1..4),
        1 => (1..130u64).prop_map(first),
        // Over several tiles and bundles.
        1 => (200..560u64).prop_map(first),
    ]
}

/// Breaks one of the first `calls` calls.
fn broken(calls: u64) -> impl Strategy<Value = Broken> {
    let crash = prop_oneof![
        Just(Crash::Nothing),
        Just(Crash::Everything),
        Just(Crash::Names),
        Just(Crash::Last),
        (0..1_000u64).prop_map(Crash::Some),
    ];
    let crash = prop::option::weighted(0.8, crash);
    (0..calls, any::<bool>(), crash).prop_map(|(at, is_done, crash)| Broken { at, is_done, crash })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => items().prop_map(Step::Append),
        4 => (items(), broken(40), prop::option::weighted(0.4, broken(16)))
            .prop_map(|(items, first, second)| Step::Broken(items, first, second)),
        1 => items().prop_map(Step::Overtaken),
        3 => (any::<Index>(), any::<bool>(), prop::bool::weighted(0.9), prop::option::weighted(0.5, broken(12)))
            .prop_map(|(which, all, by_officer, broken)| Step::Erase { which, all, by_officer, broken }),
        2 => prop_oneof![2 => Just(Vec::new()), 1 => items()].prop_map(Step::Rest),
        1 => Just(Step::Reopen),
    ]
}

/// Steps, each with what draws the file that is damaged after it.
fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    prop::collection::vec((step(), any::<u64>()), 1..9)
}

/// What a statement says, for the model: it does not read entries.
#[derive(Debug, Clone)]
enum Said {
    Document {
        by: Hash,
    },
    Key {
        by: Hash,
        what: Change,
    },
    /// That openings of a document were destroyed.
    Erasure {
        by: Hash,
    },
}

/// What a statement about keys does, whoever makes it.
#[derive(Debug, Clone, PartialEq)]
struct Change {
    action: KeyAction,
    /// To which key: a number of a signer. None for how many must approve.
    key: Option<usize>,
    replaces: Option<Hash>,
    roles: Vec<Role>,
    approvals: Option<u32>,
}

/// The log, as a list and a map.
#[derive(Clone, Default)]
struct Book {
    entries: Vec<NewRecord>,
    keys: BTreeMap<Hash, KeyState>,
    /// What ended the root key that is trusted from outside.
    outside_ended: Option<(u64, KeyAction)>,
    /// How many root keys must say a thing; nothing was said of it yet where this is 0.
    approvals: u32,
    /// What was said by too few of them, and by whom.
    proposed: Vec<(Change, BTreeSet<Hash>)>,
    /// The digests of the openings that were erased, and of which entry.
    erased: BTreeSet<(u64, String)>,
}

impl Book {
    fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    fn is_in_force(&self, key: &Hash) -> bool {
        self.keys.get(key).is_some_and(|state| state.ended.is_none())
    }

    /// Whether the holder of a key may register documents.
    fn registers(&self, key: &Hash) -> bool {
        let may = |role: &Role| matches!(role, Role::Editor | Role::Ingest);
        self.is_in_force(key) && self.keys[key].roles.iter().any(may)
    }

    fn needed(&self) -> usize {
        self.approvals.max(1) as usize
    }

    /// The keys that make statements about keys.
    fn roots(&self) -> BTreeSet<Hash> {
        let outside = self.outside_ended.is_none().then(|| root_key().public().key_id());
        let is_root = |(_, state): &(&Hash, &KeyState)| state.ended.is_none() && state.roles == [Role::Root];
        self.keys.iter().filter(is_root).map(|(id, _)| *id).chain(outside).collect()
    }

    /// The signer of one of these keys.
    fn signer_of(id: &Hash) -> SigningKey {
        (0..=OUTSIDE).map(signer).find(|key| key.public().key_id() == *id).unwrap()
    }

    /// Takes note of what a root key says of keys. Returns whether it may be said.
    fn hear(&mut self, index: u64, by: Hash, what: Change) -> bool {
        let after = self.after(index, &what);
        let Some(after) =
            after.filter(|after| self.roots().contains(&by) && after.roots().len() >= after.needed())
        else {
            return false;
        };
        let at = self.proposed.iter().position(|(other, _)| *other == what);
        let mut who = at.map(|at| self.proposed.remove(at).1).unwrap_or_default();
        if !who.insert(by) {
            return false;
        }
        if who.len() < self.needed() {
            self.proposed.push((what, who));
            return true;
        }
        let mut proposed = std::mem::take(&mut self.proposed);
        *self = after;
        // Nobody speaks who is no root key any more.
        let roots = self.roots();
        proposed.iter_mut().for_each(|(_, who)| who.retain(|id| roots.contains(id)));
        proposed.retain(|(_, who)| !who.is_empty());
        self.proposed = proposed;
        true
    }

    /// The book after a change, if there can be such a change.
    fn after(&self, index: u64, what: &Change) -> Option<Book> {
        let mut book = self.clone();
        let Change { action, key, replaces, roles, approvals } = what;
        if let Some(count) = approvals {
            book.approvals = *count;
            return (1..=32).contains(count).then_some(book);
        }
        let public = signer((*key)?).public();
        let id = public.key_id();
        let begins = matches!(action, KeyAction::Enrol | KeyAction::Rotate);
        let ends = if begins { *replaces } else { Some(id) };
        if let Some(ended) = ends {
            let outside = ended == root_key().public().key_id() && self.outside_ended.is_none();
            if !(outside || self.is_in_force(&ended)) || (begins && ended == id) {
                return None;
            }
            if outside {
                book.outside_ended = Some((index, *action));
            }
            if let Some(state) = book.keys.get_mut(&ended) {
                state.ended = Some((index, *action));
            }
        }
        if begins {
            let was_outside = *key == Some(OUTSIDE) && self.outside_ended.is_some();
            let is_mixed = roles.contains(&Role::Root) && roles.len() > 1;
            if self.keys.contains_key(&id) || was_outside || is_mixed {
                return None;
            }
            let state = KeyState { public, roles: roles.clone(), enrolled_at: index, ended: None };
            book.keys.insert(id, state);
        }
        Some(book)
    }

    /// The openings that an entry has.
    fn openings(&self, index: u64) -> Vec<&String> {
        let all = self.entries[index as usize].entry.openings.iter();
        all.filter(|opening| !self.erased.contains(&(index, digest_of(opening)))).collect()
    }

    /// Returns the number of a signer.
    fn number_of(&self, who: &Who) -> usize {
        let registers = |by: &usize| self.registers(&signer(*by).public().key_id());
        let those: Vec<usize> = (0..SIGNERS).filter(registers).collect();
        match who {
            Who::Somebody(number) => *number,
            Who::Any(which) if !those.is_empty() => those[which.index(those.len())],
            _ => those.first().copied().unwrap_or_default(),
        }
    }

    /// Appends a record; `None` if whoever signed it may not say so.
    fn take(&mut self, record: NewRecord, said: Said) -> Option<Appended> {
        let index = self.size();
        match said {
            Said::Document { by } => {
                let original = record.entry.original;
                let first = self.entries.iter().position(|entry| entry.entry.original == original);
                if let Some(first) = first {
                    return Some(Appended::AlreadyRegistered(first as u64));
                }
                if !self.registers(&by) {
                    return None;
                }
            }
            Said::Key { by, what } => {
                if !self.hear(index, by, what) {
                    return None;
                }
            }
            Said::Erasure { by } if by != officer().public().key_id() => return None,
            Said::Erasure { .. } => {}
        }
        self.entries.push(record);
        Some(Appended::Registered(index))
    }
}

/// The digest of an opening, as RFC 9901 says it.
fn digest_of(opening: &str) -> String {
    to_base64url(&Hash::of(opening.as_bytes()).0)
}

/// Where histories are lived.
trait World {
    /// Opens the store for writing, as long as `life` lasts.
    fn write(&self, life: &mut dyn FnMut(&dyn Store));
    /// Opens the store for reading.
    fn read(&self, look: &mut dyn FnMut(&dyn Store));
    /// Makes one of the next calls go wrong.
    fn breaks(&self, how: &Broken);
    /// Goes on after a life, perhaps after it was broken. Returns whether all that is seen now is there for good.
    fn goes_on(&mut self, how: Option<&Broken>) -> bool;
    /// Whether what is deleted stays so.
    fn deletes_for_good(&self) -> bool;
    /// Checks that nobody else can write meanwhile, where a lock sees to that.
    fn refuses_a_second_writer(&self);
}

impl World for MemoryStore {
    fn write(&self, life: &mut dyn FnMut(&dyn Store)) {
        life(self);
    }

    fn read(&self, look: &mut dyn FnMut(&dyn Store)) {
        look(self);
    }

    fn breaks(&self, how: &Broken) {
        let (at, fault) = (how.at / 3, if how.is_done { Fault::Applied } else { Fault::NotApplied });
        self.set_script(move |_, number| if number == at { fault } else { Fault::None });
    }

    fn goes_on(&mut self, _: Option<&Broken>) -> bool {
        self.clear_script();
        true
    }

    fn deletes_for_good(&self) -> bool {
        true
    }

    fn refuses_a_second_writer(&self) {}
}

impl World for SimulatedDisk {
    fn write(&self, life: &mut dyn FnMut(&dyn Store)) {
        life(&FileStore::writer_on(Arc::new(self.clone()), &folder()).unwrap());
    }

    fn read(&self, look: &mut dyn FnMut(&dyn Store)) {
        look(&FileStore::reader_on(Arc::new(self.clone()), &folder()));
    }

    fn breaks(&self, how: &Broken) {
        let at = Some(how.at);
        self.set_plan(match how.is_done {
            true => Plan { stop_at: at, ..Plan::default() },
            false => Plan { fail_at: at, ..Plan::default() },
        });
    }

    fn goes_on(&mut self, how: Option<&Broken>) -> bool {
        let crash = how.and_then(|how| how.crash);
        *self = crash.map_or_else(|| self.copy(Plan::default()), |crash| self.after(crash));
        crash.is_some()
    }

    fn deletes_for_good(&self) -> bool {
        false
    }

    fn refuses_a_second_writer(&self) {
        self.read(&mut |store| {
            second_writer_is_refused(store, || FileStore::writer_on(Arc::new(self.clone()), &folder()));
        });
    }
}

/// An append of which it is not known, or was not seen, that it is in the log.
struct Open {
    /// What the log is if it is.
    book: Book,
    is_in: Option<bool>,
}

/// How a life ends.
enum End {
    Reopen,
    Broken(Broken),
}

/// What there is while one writer lives.
struct Life<'a> {
    world: &'a dyn World,
    store: &'a dyn Store,
    /// The store, as the crate is given it.
    watched: Watched<'a>,
    policy: Policy,
}

#[derive(Default)]
struct Machine {
    book: Book,
    witness: Witness,
    /// Documents that were tried: those below that number.
    used: usize,
    open: Option<Open>,
    /// What goes wrong when the log is opened next.
    next: Option<Broken>,
    /// Entries that readers were promised.
    published: u64,
    /// Openings of which it is not known whether they are gone, though they are said to be.
    going: BTreeSet<(u64, String)>,
    /// Originals that were refused, or whose commit failed; perhaps tried again since.
    refused: Vec<Hash>,
}

impl Machine {
    /// Makes the records of one commit, and says what becomes of them: `None` if they are refused.
    fn made(&mut self, items: &[Item]) -> (Vec<NewRecord>, Option<(Vec<Appended>, Book)>) {
        let (mut book, mut records, mut outcomes) = (self.book.clone(), Vec::new(), Some(Vec::new()));
        let mut take = |book: &mut Book, record: NewRecord, said: Said| {
            records.push(record.clone());
            match (&mut outcomes, book.take(record, said)) {
                (Some(outcomes), Some(outcome)) => outcomes.push(outcome),
                _ => outcomes = None,
            }
        };
        for item in items {
            match item {
                Item::Documents(count, who) => {
                    let by = book.number_of(who);
                    for number in self.used..self.used + *count as usize {
                        let said = Said::Document { by: signer(by).public().key_id() };
                        take(&mut book, document(number, by), said);
                    }
                    self.used += *count as usize;
                }
                Item::Again(which, who) => {
                    let by = signer(book.number_of(who));
                    let number = which.index(self.used.max(2)).max(1);
                    self.used = self.used.max(number + 1);
                    let said = Said::Document { by: by.public().key_id() };
                    take(&mut book, registration(&by, number, "again", false), said);
                }
                Item::Key(action, whom) | Item::Pretended(action, whom) => {
                    let is_root = matches!(item, Item::Key(..));
                    let (record, said) = about_a_key(&book, is_root, *action, whom);
                    take(&mut book, record, said);
                }
                Item::Approve(which, by, fits) => {
                    if let Some((record, said)) = approval(&book, which, by, *fits) {
                        take(&mut book, record, said);
                    }
                }
            }
        }
        (records, outcomes.map(|outcomes| (outcomes, book)))
    }

    /// Takes `book` for what the log is now.
    fn settle(&mut self, book: Book) {
        for (index, record) in (0..).zip(&book.entries).skip(self.book.entries.len()) {
            self.witness.acknowledge(index, record);
        }
        self.book = book;
    }

    /// Appends; returns whether the log can be used on.
    fn append(&mut self, store: &dyn Store, log: &mut Log<'_>, items: &[Item]) -> bool {
        let (records, expected) = self.made(items);
        self.append_made(store, log, records, expected)
    }

    fn append_made(
        &mut self,
        store: &dyn Store,
        log: &mut Log<'_>,
        records: Vec<NewRecord>,
        expected: Option<(Vec<Appended>, Book)>,
    ) -> bool {
        let originals: Vec<Hash> = records.iter().filter_map(|record| record.entry.original).collect();
        if let Some((outcomes, book)) = expected {
            assert_eq!(append(log, records).unwrap(), outcomes);
            self.settle(book);
            self.published = self.book.size();
            return true;
        }
        let before = contents(store, "");
        let refused = append(log, records);
        assert!(matches!(refused, Err(AppendError::NotAllowed(_))), "{refused:?}");
        assert!(contents(store, "") == before, "an append was refused, and changed something");
        assert!(matches!(append(log, Vec::new()), Err(AppendError::Unusable)));
        self.refused.extend(originals);
        false
    }

    /// Says of a document's openings that they are destroyed, and destroys them. Returns how the life ends, if it does.
    fn erase(
        &mut self,
        life: &Life<'_>,
        log: &mut Log<'_>,
        (which, all, by_officer, broken): (Index, bool, bool, Option<Broken>),
    ) -> Option<End> {
        let has = |index: &u64| {
            self.book.entries[*index as usize].entry.original.is_some()
                && !self.book.openings(*index).is_empty()
        };
        let documents: Vec<u64> = (0..self.book.size()).filter(has).collect();
        if documents.is_empty() {
            return None;
        }
        let entry = *which.get(&documents);
        let mut commitments: Vec<String> =
            self.book.openings(entry).into_iter().map(|opening| digest_of(opening)).collect();
        commitments.truncate(if all { usize::MAX } else { 1 });
        commitments.sort();
        let by = if by_officer { officer() } else { editor() };
        let erasure = Erasure {
            entry,
            commitments: commitments.clone(),
            original: None,
            reason: ErasureReason::Pii,
            recorded_by: by.public().key_id(),
            recorded_at: statements::when(),
        };
        let said = statements::stated(&by, |it| Draft::erasure(&erasure, it));
        let (mut book, record) = (self.book.clone(), NewRecord { entry: said, content: None });
        let taken = book.take(record.clone(), Said::Erasure { by: by.public().key_id() });
        let expected = taken.map(|outcome| (vec![outcome], book));
        if !self.append_made(life.store, log, vec![record], expected) {
            return Some(End::Reopen);
        }
        let change = [OpeningChange::Erase { entry, commitments: commitments.clone() }];
        let these = commitments.into_iter().map(|digest| (entry, digest));
        if let Some(broken) = &broken {
            life.world.breaks(broken);
        }
        match log.change_openings(&change) {
            // Whatever the power cut takes, they are not back.
            Ok(()) => self.book.erased.extend(these),
            Err(error) => {
                assert!(broken.is_some(), "{error:?}");
                self.going.extend(these);
            }
        }
        broken.map(End::Broken)
    }

    /// Does again what may not have been done, and then is.
    fn erase_again(&mut self, log: &mut Log<'_>) {
        for (entry, digest) in std::mem::take(&mut self.going) {
            let change = OpeningChange::Erase { entry, commitments: vec![digest.clone()] };
            log.change_openings(&[change]).unwrap();
            self.book.erased.insert((entry, digest));
        }
    }

    /// Checks that the openings that lie there are those that there are, for the first `size` entries.
    fn openings_are_there(&self, mut found: BTreeMap<u64, Vec<String>>, size: u64) {
        for index in 0..size.min(self.book.size()) {
            let found = found.remove(&index).unwrap_or_default();
            let is_going = |opening: &&String| self.going.contains(&(index, digest_of(opening)));
            let there = self.book.openings(index);
            // One file is replaced as a whole: all that is going has gone, or nothing has.
            let left: Vec<&String> = there.iter().copied().filter(|opening| !is_going(opening)).collect();
            let found: Vec<&String> = found.iter().collect();
            assert!(
                found == there || found == left,
                "openings of entry {index}: {found:?}, and not {there:?}"
            );
        }
    }

    /// Appends while something goes wrong.
    fn append_broken(&mut self, log: &mut Log<'_>, items: &[Item], is_done: bool, in_memory: bool) {
        let (records, expected) = self.made(items);
        self.refused.extend(records.iter().filter_map(|record| record.entry.original));
        let result = append(log, records);
        let Some((outcomes, book)) = expected else {
            assert!(matches!(result, Err(AppendError::NotAllowed(_))), "{result:?}");
            return;
        };
        let is_in = match result {
            Ok(appended) => {
                assert_eq!(appended, outcomes);
                self.published = book.size();
                Some(true)
            }
            Err(AppendError::Unpublished { first_index, .. }) => {
                assert_eq!(first_index, self.book.size());
                Some(true)
            }
            Err(AppendError::NotAppended(_)) => Some(false),
            Err(AppendError::Unknown(_)) => in_memory.then_some(is_done),
            Err(error) => panic!("{error:?}"),
        };
        match is_in {
            // Whatever the power cut takes, not this.
            Some(true) => self.settle(book),
            is_in => self.open = Some(Open { book, is_in }),
        }
    }

    /// Lets another writer append, and then the one whose log it was.
    fn append_overtaken(&mut self, life: &Life<'_>, log: &mut Log<'_>, items: &[Item]) {
        let (store, before) = (life.store, self.book.clone());
        let mut other = open(&life.watched, &life.policy).unwrap();
        if !self.append(store, &mut other, items) || self.book.size() == before.size() {
            return;
        }
        // Whoever could sign when this log was opened, perhaps no more.
        let by = before.number_of(&Who::First);
        if !before.registers(&signer(by).public().key_id()) {
            return;
        }
        let late = document(self.used, by);
        self.used += 1;
        self.refused.extend(late.entry.original);
        let contents_before = contents(store, ".local/staging");
        let raced = append(log, vec![late]);
        let told = matches!(&raced, Err(AppendError::Raced { size, .. }) if *size == before.size());
        assert!(told, "{raced:?}");
        let same = contents(store, ".local/staging") == contents_before;
        assert!(same, "a writer was overtaken, and changed something");
    }

    /// Lives until the writer is dropped, or the steps are over.
    fn live(&mut self, life: &Life<'_>, steps: &mut dyn Iterator<Item = (Step, u64)>) -> Option<End> {
        let Life { world, store, watched, policy } = life;
        if let Some(broken) = self.next.take() {
            world.breaks(&broken);
            let _ = open(watched, policy);
            return Some(End::Broken(broken));
        }
        let mut log = open(watched, policy).unwrap();
        if let Some(Open { book, is_in }) = self.open.take()
            && is_in.unwrap_or(log.size() == book.size())
        {
            self.settle(book);
        }
        self.published = self.book.size();
        self.erase_again(&mut log);
        self.check(life, &log, 0);
        for (step, dice) in steps {
            match step {
                Step::Append(items) => {
                    if !self.append(*store, &mut log, &items) {
                        return Some(End::Reopen);
                    }
                }
                Step::Broken(items, broken, next) => {
                    world.breaks(&broken);
                    self.append_broken(&mut log, &items, broken.is_done, world.deletes_for_good());
                    self.next = next;
                    return Some(End::Broken(broken));
                }
                Step::Overtaken(items) => {
                    self.append_overtaken(life, &mut log, &items);
                    return Some(End::Reopen);
                }
                Step::Erase { which, all, by_officer, broken } => {
                    let end = self.erase(life, &mut log, (which, all, by_officer, broken));
                    if end.is_some() {
                        return end;
                    }
                }
                Step::Rest(items) => {
                    let resting = log.rest().expect("what can be used can be kept");
                    let before = self.book.size();
                    if !self.append(*store, &mut open(watched, policy).unwrap(), &items) {
                        return Some(End::Reopen);
                    }
                    let resumed = Log::resume(watched, policy, resting).unwrap();
                    assert_eq!(resumed.is_some(), self.book.size() == before);
                    log = resumed.unwrap_or_else(|| open(watched, policy).unwrap());
                }
                Step::Reopen => return Some(End::Reopen),
            }
            self.check(life, &log, dice);
        }
        None
    }

    /// Checks everything.
    fn check(&mut self, life: &Life<'_>, log: &Log<'_>, dice: u64) {
        let Life { world, store, watched, policy } = life;
        assert_eq!(log.size(), self.book.size());
        assert_eq!(keys_of(log), self.book.keys);
        self.roots_are_known(log);
        self.openings_are_there(openings_in(*store), self.book.size());
        let size = match world.deletes_for_good() {
            true => self.witness.log_is_whole(*store),
            // What was deleted may be there again after a power cut, and does no harm.
            false => self.witness.nothing_is_lost(*store).len() as u64,
        };
        assert_eq!(size, self.book.size());
        let registered: HashMap<Hash, u64> = (0..)
            .zip(&self.book.entries)
            .filter_map(|(index, record)| Some((record.entry.original?, index)))
            .collect();
        for original in &self.refused {
            assert_eq!(log.find_original(original).unwrap(), registered.get(original).copied(), "{original}");
        }
        let damaged = damage_is_found(watched, &dice.to_string());
        if dice.is_multiple_of(2) {
            // A writer may overlook what he does not need to read. He makes nothing worse, and remembers nothing of it.
            let before = contents(*store, ".local/");
            let size = open(&damaged, policy).map(|log| log.size());
            assert!(size.is_err() || size.is_ok_and(|size| size == log.size()));
            assert!(contents(*store, ".local/") == before, "opening a damaged log changed it");
        }
        self.witness.log_knows_its_entries(*store, log);
        world.refuses_a_second_writer();
    }

    /// Checks that a log knows who makes statements about keys, and what too few of them have said.
    fn roots_are_known(&self, log: &Log<'_>) {
        let (state, book) = (log.state(), &self.book);
        assert_eq!(state.roots().map(|(id, _)| *id).collect::<BTreeSet<_>>(), book.roots());
        assert_eq!(state.ended_anchor(&root_key().public().key_id()), book.outside_ended);
        assert_eq!(state.approvals_needed() as usize, book.needed());
        let mut expected: Vec<_> = book
            .proposed
            .iter()
            .map(|(what, who)| {
                let key_id = what.key.map(|number| signer(number).public().key_id());
                let Change { action, replaces, roles, approvals, .. } = what.clone();
                (Proposal { action, key_id, roles, replaces, approvals }, who.clone())
            })
            .collect();
        expected.sort();
        // Whom nobody may hear any more is not counted when it is asked next.
        let heard = state.proposals().map(|(what, who)| {
            (
                what.clone(),
                who.iter().copied().filter(|id| book.roots().contains(id)).collect::<BTreeSet<_>>(),
            )
        });
        assert_eq!(heard.filter(|(_, who)| !who.is_empty()).collect::<Vec<_>>(), expected);
    }

    /// Checks what readers see of a log that no writer has opened yet.
    fn look(&mut self, world: &dyn World, is_for_good: bool) {
        // Nobody is to be held to what a power cut may still take.
        let mut passing = self.witness.clone();
        let witness = if is_for_good { &mut self.witness } else { &mut passing };
        let published = self.published;
        let mut beside = BTreeMap::new();
        world.read(&mut |store| {
            beside = openings_in(store);
            let seen = witness.readers_see_a_log(store).len() as u64;
            assert!(seen >= published, "readers see {seen} entries of {published}");
            let report = audited(store);
            assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
        });
        self.openings_are_there(beside, published);
    }
}

/// The openings that lie beside a log, by entry.
fn openings_in(store: &dyn Store) -> BTreeMap<u64, Vec<String>> {
    let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for name in store.list(layout::DISCLOSURES).unwrap().keys {
        let text = String::from_utf8(store.get(&name, u64::MAX).unwrap().unwrap()).unwrap();
        for (index, opening) in text.lines().map(|line| line.split_once(' ').unwrap()) {
            found.entry(index.parse().unwrap()).or_default().push(opening.to_owned());
        }
    }
    found
}

/// The entries that a log begins with, and the keys that they enrol.
fn beginning() -> (Vec<NewRecord>, BTreeMap<Hash, KeyState>) {
    let roots = ROOTS.map(|number| (signer(number), Role::Root));
    let (mut entries, mut keys) = (vec![enrolment()], BTreeMap::new());
    let all = [(editor(), Role::Editor), (officer(), Role::DataOfficer)].into_iter().chain(roots);
    for (enrolled_at, (key, role)) in (0..).zip(all) {
        let (public, roles) = (key.public(), vec![role]);
        if enrolled_at > 0 {
            let entry = key_statement(&root_key(), KeyAction::Enrol, &public, roles.clone(), None);
            entries.push(NewRecord { entry, content: None });
        }
        keys.insert(public.key_id(), KeyState { public, roles, enrolled_at, ended: None });
    }
    (entries, keys)
}

/// Document `number`, registered by a signer.
fn document(number: usize, by: usize) -> NewRecord {
    match by {
        0 if number < AT_HAND => records(number as u64..number as u64 + 1).remove(0),
        _ => registration(&signer(by), number, "", number % 100 == 2),
    }
}

/// A statement about a key, where it is chosen after what was said before.
fn about_a_key(book: &Book, is_root: bool, action: KeyAction, whom: &Whom) -> (NewRecord, Said) {
    let choose = |which: &Index, fits: &dyn Fn(&Hash) -> bool| {
        let fitting: Vec<usize> =
            (0..=OUTSIDE).filter(|number| !whom.fits || fits(&signer(*number).public().key_id())).collect();
        let all: Vec<usize> = (0..=OUTSIDE).collect();
        *which.get(if fitting.is_empty() { &all } else { &fitting })
    };
    let roots = book.roots();
    let is_new = |id: &Hash| !book.keys.contains_key(id) && !roots.contains(id);
    let is_in_force = |id: &Hash| book.is_in_force(id) || roots.contains(id);
    let begins = matches!(action, KeyAction::Enrol | KeyAction::Rotate);
    let replaced = || signer(choose(&whom.replaces, &is_in_force)).public().key_id();
    let what = match action {
        KeyAction::RequireApprovals => {
            let approvals = Some(whom.approvals);
            Change { action, key: None, replaces: None, roles: Vec::new(), approvals }
        }
        _ => Change {
            key: Some(if begins { choose(&whom.key, &is_new) } else { choose(&whom.key, &is_in_force) }),
            roles: if begins { whom.roles.clone() } else { Vec::new() },
            replaces: (action == KeyAction::Rotate).then(replaced),
            approvals: None,
            action,
        },
    };
    // Somebody who has no root key, if there is anybody.
    let others = (0..SIGNERS).map(|number| signer(number).public().key_id());
    let others: Vec<Hash> = others.filter(|id| !roots.contains(id)).collect();
    let those = if is_root || others.is_empty() { roots.into_iter().collect() } else { others };
    said_of_a_key(what, *whom.by.get(&those))
}

/// What was proposed before, by somebody who did not yet say so, if it is to fit.
fn approval(book: &Book, which: &Index, by: &Index, fits: bool) -> Option<(NewRecord, Said)> {
    if book.proposed.is_empty() {
        return None;
    }
    let (what, who) = which.get(&book.proposed);
    let roots: Vec<Hash> = book.roots().into_iter().filter(|id| !fits || !who.contains(id)).collect();
    if roots.is_empty() { None } else { Some(said_of_a_key(what.clone(), *by.get(&roots))) }
}

fn said_of_a_key(what: Change, by: Hash) -> (NewRecord, Said) {
    let key = Book::signer_of(&by);
    let entry = match (what.approvals, what.key) {
        (Some(count), _) => statements::stated(&key, |it| Draft::require_approvals(count, &key.public(), it)),
        (None, number) => {
            let about = signer(number.unwrap()).public();
            key_statement(&key, what.action, &about, what.roles.clone(), what.replaces)
        }
    };
    (NewRecord { entry, content: None }, Said::Key { by, what })
}

/// Lives a history that begins with a log of a few entries, which enrol keys.
fn lived(mut world: impl World, steps: Vec<(Step, u64)>) {
    let mut machine = Machine { used: 1, ..Machine::default() };
    world.write(&mut |store| {
        let policy = policy();
        append(&mut create(store, &policy).unwrap(), beginning().0).unwrap();
    });
    let (entries, keys) = beginning();
    let first = Book { entries, keys, ..Book::default() };
    machine.settle(first);
    let (calls, mut steps) = (Calls::default(), steps.into_iter());
    loop {
        let mut end = None;
        world.write(&mut |store| {
            let watched = Watched { store, calls: &calls };
            end = machine.live(&Life { world: &world, store, watched, policy: policy() }, &mut steps);
        });
        let is_for_good = match end {
            None => return,
            Some(End::Reopen) => world.goes_on(None),
            Some(End::Broken(broken)) => world.goes_on(Some(&broken)),
        };
        machine.look(&world, is_for_good);
    }
}

/// Lives histories in worlds that are made new for each.
fn all_hold<W: World>(world: impl Fn() -> W) {
    let cases = std::env::var("DATELINE_MODEL_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    };
    let held = TestRunner::new(config).run(&steps(), |steps| {
        lived(world(), steps);
        Ok(())
    });
    held.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_log_in_memory_is_a_list() {
    all_hold(MemoryStore::default);
}

#[test]
fn a_log_on_a_disk_that_forgets_is_a_list() {
    // Calls come in one order, so that a history that fails fails again.
    let _held = one_thread();
    all_hold(SimulatedDisk::new);
}

#[test]
fn a_log_in_memory_is_the_same_log_on_disk() {
    let (memory, folder) = (MemoryStore::default(), tempfile::tempdir().unwrap());
    let files = FileStore::writer(folder.path()).unwrap();
    build(&memory, 260);
    build(&files, 260);
    let (copy_of_files, copy_of_memory) = (MemoryStore::default(), MemoryStore::default());
    copy(&files, &copy_of_files, ".local/");
    copy(&memory, &copy_of_memory, ".local/");
    let listed = dateline::storage::Store::list(&copy_of_files, "").unwrap();
    assert_eq!(listed, dateline::storage::Store::list(&copy_of_memory, "").unwrap());
    for key in listed.keys {
        let name = key.as_str();
        assert_eq!(support::get(&copy_of_files, name), support::get(&copy_of_memory, name), "{name}");
    }
}
