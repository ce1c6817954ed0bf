//! What the log has that is like a document: candidates by their keys, then their texts, read again from the originals that
//! are stored.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::article::{Article, Format, OriginRole, ReadOptions, extract_as};
use crate::base::Hash;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::likeness::{Likeness, MemoryIndex, Sketch, Text, compare};
use crate::record::layout::content_path;
use crate::record::registration::{OpenedRegistration, Organisation, Registration};
use crate::storage::{Key, Store};
use crate::verify::{LogReader, ReaderError};

/// How much of a log is read to look for texts that are alike. An index of keys over the log lifts both bounds: see
/// [`Registered::candidates`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Registrations, the newest.
    pub(crate) records: usize,
    /// Bytes of their originals.
    pub(crate) bytes: u64,
}

/// For a person who asks about one document.
pub(crate) const WHEN_ASKED: Bounds = Bounds { records: 10_000, bytes: 512 * 1024 * 1024 };
/// On the way to something else, which must not get slow. Of a log of more entries nothing is read.
pub(crate) const IN_PASSING: Bounds = Bounds { records: 10_000, bytes: 64 * 1024 * 1024 };

/// Why a registered text cannot be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unread {
    /// No original is stored.
    Missing,
    /// The stored original is not the one that was registered, or does not give its text.
    Changed,
    /// The text was extracted by a program that is not known here.
    Extractor,
    /// There are too many.
    TooMany,
}

impl Unread {
    /// The word for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Unread::Missing => "originalMissing",
            Unread::Changed => "originalChanged",
            Unread::Extractor => "extractorUnknown",
            Unread::TooMany => "tooMany",
        }
    }

    /// What a person is told: a clause about the original.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Unread::Missing => "whose original is not stored here",
            Unread::Changed => {
                "whose stored original does not give the registered text (run `dateline verify`)"
            }
            Unread::Extractor => "whose text was extracted by a program that is not known here",
            Unread::TooMany => "that are older or larger than what is looked through without an index",
        }
    }
}

/// A body that a document names as its origin, by the names that tell it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named(Vec<String>);

impl Named {
    fn new(id: Option<&str>, names: [&str; 2]) -> Self {
        let folded = names.map(|name| name.to_lowercase().replace('’', "'"));
        Named(id.map(|id| format!("id:{id}")).into_iter().chain(folded).collect())
    }

    fn is(&self, other: &Named) -> bool {
        self.0.iter().any(|name| other.0.contains(name))
    }
}

/// Where a document says that its text comes from.
#[derive(Debug, Clone, Default)]
struct Credit {
    named: Vec<Named>,
    printed: Vec<String>,
    /// Whether some of it is withheld.
    withheld: bool,
}

/// True where not only pictures, data or a mention are meant.
fn gives_text(role: OriginRole) -> bool {
    !matches!(role, OriginRole::PhotoOnly | OriginRole::DataSource | OriginRole::Mention)
}

impl Credit {
    fn of_article(article: &Article) -> Self {
        let mut credit = Credit::default();
        for origin in article.claimed_origins.iter().filter(|origin| gives_text(origin.role)) {
            let known = origin.organisation.as_ref();
            let label = known.map_or(origin.as_printed.as_str(), |known| known.label.as_str());
            let id = known.map(|known| known.id.as_str());
            credit.named.push(Named::new(id, [&origin.as_printed, label]));
            credit.printed.push(origin.as_printed.clone());
        }
        credit
    }

    fn of_record(registration: &Registration) -> Self {
        let mut credit = Credit::default();
        for claim in &registration.claimed_origins {
            match claim.opened() {
                Some(claim) if gives_text(claim.role) => {
                    let Organisation { label, id, .. } = &claim.org;
                    credit.named.push(Named::new(id.as_deref(), [&claim.as_printed, label]));
                    credit.printed.push(claim.as_printed.clone());
                }
                Some(_) => {}
                None => credit.withheld = true,
            }
        }
        credit
    }
}

/// What of a registered document is needed to read its text again and to say how it is credited.
#[derive(Debug, Clone)]
struct Known {
    original: Hash,
    bytes: u64,
    text: Hash,
    extractor: String,
    charset: String,
    credit: Credit,
}

/// Registered documents by what their texts are like.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    known: BTreeMap<u64, Known>,
    keys: MemoryIndex,
    unread: BTreeMap<u64, Unread>,
    /// Records beyond the bounds.
    beyond: u64,
}

/// A registered text that is like a document.
#[derive(Debug, Clone)]
pub(crate) struct Alike {
    /// The record.
    pub(crate) index: u64,
    /// How: the document is the first text, the registered one the second.
    pub(crate) likeness: Likeness,
    /// The registered text.
    pub(crate) text: String,
}

impl Registered {
    /// Reads the registrations of a log and their originals; nothing of a log of more than [`IN_PASSING`] entries.
    ///
    /// # Errors
    /// Those of [`LogReader::scan`].
    pub(crate) fn read(reader: &LogReader<'_>, store: &dyn Store) -> Result<Self, ReaderError> {
        let mut registered = Registered::default();
        if reader.size() > IN_PASSING.records as u64 {
            return Ok(registered);
        }
        reader.scan(|record| {
            if let (Some(opened), Some(original), Ok(_)) =
                (&record.registration, record.entry.original(), &record.signer)
            {
                registered.note(record.index, original, opened, IN_PASSING);
            }
            std::ops::ControlFlow::Continue(())
        })?;
        registered.read_originals(store, IN_PASSING);
        Ok(registered)
    }

    /// Notes a registration. Of more than are looked through, the oldest is forgotten.
    pub(crate) fn note(&mut self, index: u64, original: Hash, opened: &OpenedRegistration, bounds: Bounds) {
        let registration = &opened.registration;
        let known = Known {
            original,
            bytes: registration.bytes,
            text: registration.text.sha256,
            extractor: registration.text.extractor.clone(),
            charset: registration.text.charset.clone(),
            credit: Credit::of_record(registration),
        };
        self.known.insert(index, known);
        if self.known.len() > bounds.records {
            self.known.pop_first();
            self.beyond += 1;
        }
    }

    /// Adds a document that was registered just now, and its original stored.
    pub(crate) fn learn(&mut self, index: u64, article: &Article) {
        let known = Known {
            original: article.digests.original,
            bytes: article.bytes,
            text: article.digests.text,
            extractor: article.extractor.to_owned(),
            charset: article.charset.name.clone(),
            credit: Credit::of_article(article),
        };
        self.known.insert(index, known);
        self.keys.insert(index, &Sketch::of(&Text::new(&article.text)));
    }

    /// Reads the originals, the newest first until there are too many, and makes the keys of their texts.
    pub(crate) fn read_originals(&mut self, store: &dyn Store, bounds: Bounds) {
        let mut left = bounds.bytes;
        let mut taken = BTreeMap::new();
        for (index, known) in self.known.iter().rev() {
            // What a signer wrote there is not to be trusted.
            match left.checked_sub(known.bytes) {
                Some(rest) => {
                    left = rest;
                    taken.insert(*index, known);
                }
                None => {
                    self.unread.insert(*index, Unread::TooMany);
                }
            }
        }
        let sketches: Vec<(u64, Result<Sketch, Unread>)> = taken
            .into_par_iter()
            .map(|(index, known)| (index, text_of(store, known).map(|text| Sketch::of(&Text::new(&text)))))
            .collect();
        for (index, sketch) in sketches {
            match sketch {
                Ok(sketch) => self.keys.insert(index, &sketch),
                Err(unread) => drop(self.unread.insert(index, unread)),
            }
        }
    }

    /// Returns the records whose texts are to be held against a text. The one place that asks an index: one over the whole
    /// log, when there is one, answers here in place of keys in memory.
    fn candidates(&self, text: &Text<'_>) -> Vec<u64> {
        self.keys.candidates(&Sketch::of(text))
    }

    /// Returns the registered texts that have something in common with one, in the order of their records.
    pub(crate) fn alike(&self, text: &Text<'_>, store: &dyn Store) -> Vec<Alike> {
        let candidates = self.candidates(text).into_par_iter();
        let mut found: Vec<Alike> = candidates
            .filter_map(|index| {
                let registered = text_of(store, self.known.get(&index)?).ok()?;
                let likeness = compare(text, &Text::new(&registered));
                let is = !matches!(likeness, Likeness::Different { .. });
                is.then_some(Alike { index, likeness, text: registered })
            })
            .collect();
        found.sort_unstable_by_key(|one| one.index);
        found
    }

    /// Returns why the text of a record was not read; `None` if it was.
    pub(crate) fn unread(&self, index: u64) -> Option<Unread> {
        match self.known.contains_key(&index) {
            true => self.unread.get(&index).copied(),
            false => Some(Unread::TooMany),
        }
    }

    /// Returns how many registered texts were not read, by why.
    pub(crate) fn all_unread(&self) -> BTreeMap<Unread, u64> {
        let mut all = BTreeMap::new();
        for unread in self.unread.values() {
            *all.entry(*unread).or_default() += 1;
        }
        if self.beyond > 0 {
            *all.entry(Unread::TooMany).or_default() += self.beyond;
        }
        all
    }

    /// Returns how the credit of a document differs from that of a record with the same text: the record's, as printed,
    /// and the document's; `None` if they agree, or the record's is withheld.
    pub(crate) fn credit_differs(&self, index: u64, article: &Article) -> Option<(Vec<String>, Vec<String>)> {
        let theirs = &self.known.get(&index)?.credit;
        let ours = Credit::of_article(article);
        let agree = ours.named.iter().any(|one| theirs.named.iter().any(|other| one.is(other)));
        let differ = !theirs.named.is_empty() && !theirs.withheld && !agree;
        differ.then(|| (theirs.printed.clone(), ours.printed))
    }
}

/// Reads the text of a registered document again, as an auditor does.
fn text_of(store: &dyn Store, known: &Known) -> Result<String, Unread> {
    let format = Format::of_extractor(&known.extractor).ok_or(Unread::Extractor)?;
    let key = Key::new(content_path(&known.original)).map_err(|_| Unread::Missing)?;
    let bytes = store.get(&key, DOCUMENT_MAX_BYTES).ok().flatten().ok_or(Unread::Missing)?;
    if Hash::of(&bytes) != known.original {
        return Err(Unread::Changed);
    }
    let options = ReadOptions { charset: Some(&known.charset), ..ReadOptions::default() };
    let extract = extract_as(format, &bytes, &options).map_err(|_| Unread::Changed)?;
    match Hash::of(extract.text.as_bytes()) == known.text {
        true => Ok(extract.text),
        false => Err(Unread::Changed),
    }
}
