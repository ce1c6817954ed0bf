//! What the log has that is like a document: candidates by their keys, then their texts, read again from the originals that
//! are stored.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use crate::article::{Article, Format, OriginRole, ReadOptions, extract_as};
use crate::base::Hash;
use crate::base::limits::DOCUMENT_MAX_BYTES;
use crate::index::StoredText;
use crate::likeness::{
    CANDIDATES_MAX, FigureAt, FigureChange, KeyKind, Likeness, MemoryIndex, Sketch, Text, compare,
    paragraph_key,
};
use crate::record::layout::content_path;
use crate::record::registration::{OpenedRegistration, Organisation, Registration};
use crate::record::{Entry, Lineage, Standings};
use crate::storage::{Key, Store};
use crate::verify::{LogReader, ReaderError, Record};

use crate::view::sanitize_to;

use super::paragraphs::Paragraphs;
use super::quoted;

/// How much of a log is read, where no index tells where to look, to find texts that are alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Registrations, the newest.
    pub(crate) records: usize,
    /// Bytes of their originals.
    pub(crate) bytes: u64,
    /// Records whose texts are held against one document.
    pub(crate) candidates: usize,
}

/// For a person who asks about one document.
pub(crate) const WHEN_ASKED: Bounds =
    Bounds { records: 10_000, bytes: 512 * 1024 * 1024, candidates: CANDIDATES_MAX };
/// On the way to something else, which must not get slow: of what the index does not know yet, so much of the newest, by the
/// digests of their paragraphs alone.
pub(crate) const IN_PASSING: Bounds = Bounds { records: 256, bytes: 8 * 1024 * 1024, candidates: 8 };

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
            Unread::TooMany => "that are older or larger than what is looked through",
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

    /// Returns how a document's credit, `ours`, differs from this one of a record; `None` if they agree, or this is withheld.
    fn differs(&self, ours: Credit) -> Option<(Vec<String>, Vec<String>)> {
        let agree = ours.named.iter().any(|one| self.named.iter().any(|other| one.is(other)));
        let differ = !self.named.is_empty() && !self.withheld && !agree;
        differ.then(|| (self.printed.clone(), ours.printed))
    }
}

/// Returns whom a registration credits with a text and whom a document with the same text does, as printed, where they do not agree.
pub(crate) fn credits_differ(
    registration: &Registration,
    article: &Article,
) -> Option<(Vec<String>, Vec<String>)> {
    Credit::of_record(registration).differs(Credit::of_article(article))
}

/// What of a registered document is needed to read its text again and to say how it is credited.
#[derive(Debug, Clone)]
struct Known {
    stored: StoredText,
    bytes: u64,
    credit: Credit,
}

/// Registered documents by what their texts are like.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    known: BTreeMap<u64, Known>,
    keys: MemoryIndex,
    /// What an index over the log names for the one text that is looked up.
    named: Option<Vec<u64>>,
    unread: BTreeMap<u64, Unread>,
    /// Records beyond the bounds.
    beyond: u64,
    /// Records of whose texts the index knows nothing.
    without: u64,
    /// Bytes of the originals that were read.
    bytes: u64,
    /// The records below were read, as far as they are.
    read_to: u64,
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
    /// Notes registrations that an index named for one text; of `without` in all the index has no text.
    pub(crate) fn of<'r>(records: impl Iterator<Item = &'r Record>, without: u64) -> Self {
        let mut registered = Registered { without, ..Registered::default() };
        records.for_each(|record| registered.note_record(record, WHEN_ASKED));
        registered.named = Some(registered.known.keys().copied().collect());
        registered
    }

    /// Notes a record, if it is a registration whose signer holds.
    pub(crate) fn note_record(&mut self, record: &Record, bounds: Bounds) {
        if let (Some(opened), Some(original), Ok(_)) =
            (&record.registration, record.entry.original(), &record.signer)
        {
            self.note(record.index, original, opened, bounds);
        }
    }

    /// Notes the registrations at these indices, which are told to be like a text.
    ///
    /// # Errors
    /// Those of [`LogReader::entry`].
    pub(crate) fn those(reader: &LogReader<'_>, named: Vec<u64>) -> Result<Self, ReaderError> {
        let mut registered = Registered { named: Some(named.clone()), ..Registered::default() };
        named.iter().try_for_each(|index| registered.look_up(reader, *index))?;
        Ok(registered)
    }

    /// Notes the newest registrations of a log from entry `from` on; only those that open to one of these paragraphs, if any are
    /// given: of the others nothing but the openings is read. Paragraphs in the clear, which dateline never writes, are then not seen.
    ///
    /// # Errors
    /// Those of [`LogReader::entry`].
    pub(crate) fn read(
        reader: &LogReader<'_>,
        from: u64,
        paragraphs: Option<&Paragraphs>,
    ) -> Result<Self, ReaderError> {
        let mut registered = Registered::default();
        let newest = reader.size().saturating_sub(IN_PASSING.records as u64);
        let wanted = |openings: &[String]| paragraphs.is_none_or(|wanted| wanted.are_among(openings));
        reader.entries_in(from.max(newest)..reader.size(), wanted, |index, entry, openings| {
            registered.note_read(index, &entry, openings, IN_PASSING);
        })?;
        Ok(registered)
    }

    /// Returns those of `records` that were noted, to be held against one text; not the documents that are `original` itself.
    pub(super) fn only(&self, records: &[u64], original: &Hash) -> Self {
        let noted = records.iter().filter_map(|index| Some((*index, self.known.get(index)?)));
        let known = noted.filter(|(_, known)| known.stored.original != *original);
        let known: BTreeMap<_, _> = known.map(|(index, known)| (index, known.clone())).collect();
        Registered { named: Some(known.keys().copied().collect()), known, ..Registered::default() }
    }

    /// Notes the registrations that are given, as [`Registered::read`] does.
    pub(super) fn note_read(&mut self, index: u64, entry: &Entry, openings: &[String], bounds: Bounds) {
        let (Some(original), Ok(opened)) = (entry.original(), entry.open_registration(openings)) else {
            return;
        };
        self.note(index, original, &opened, bounds);
        let paragraphs = opened.registration.paragraphs.iter().flatten();
        self.note_paragraphs(index, paragraphs.map(|paragraph| &paragraph.reflow_sha256));
    }

    /// Returns the records that share a key with a text.
    pub(super) fn sharing(&self, sketch: &Sketch) -> Vec<u64> {
        self.keys.candidates(sketch)
    }

    /// Forgets a record.
    pub(super) fn forget(&mut self, index: u64) {
        if self.known.remove(&index).is_some() {
            self.keys.forget(index);
        }
    }

    /// Forgets the records before `index`.
    pub(super) fn forget_before(&mut self, index: u64) {
        self.known = self.known.split_off(&index);
        self.keys.forget_before(index);
    }

    /// Notes what a log has at an index, if it is a registration. Whether its signer holds is left to whoever looks at it: it is
    /// only told that it is there.
    fn look_up(&mut self, reader: &LogReader<'_>, index: u64) -> Result<(), ReaderError> {
        let (entry, openings) = match reader.entry(index) {
            Err(ReaderError::NotARecord { .. }) => return Ok(()),
            found => found?,
        };
        if let (Some(original), Ok(opened)) = (entry.original(), entry.open_registration(&openings)) {
            self.note(index, original, &opened, IN_PASSING);
        }
        Ok(())
    }

    /// Notes a registration, unless an index names others. Of more than are looked through, the oldest is forgotten.
    fn note(&mut self, index: u64, original: Hash, opened: &OpenedRegistration, bounds: Bounds) {
        if self.named.as_ref().is_some_and(|named| !named.contains(&index)) {
            return;
        }
        let registration = &opened.registration;
        let stored = StoredText {
            original,
            text: registration.text.sha256,
            extractor: registration.text.extractor.clone(),
            charset: registration.text.charset.clone(),
        };
        let known = Known { stored, bytes: registration.bytes, credit: Credit::of_record(registration) };
        self.known.insert(index, known);
        if self.known.len() > bounds.records {
            self.known.pop_first();
            self.beyond += 1;
        }
    }

    /// Notes a document that was registered just now, and its original stored.
    pub(crate) fn learn(&mut self, index: u64, article: &Article) {
        // What is not looked through in passing is not remembered for it.
        if self.known.len() < IN_PASSING.records {
            self.remember(index, article);
        }
    }

    /// As [`Registered::learn`], however many there are.
    pub(super) fn remember(&mut self, index: u64, article: &Article) {
        let stored = StoredText {
            original: article.digests.original,
            text: article.digests.text,
            extractor: article.extractor.to_owned(),
            charset: article.charset.name.clone(),
        };
        let known = Known { stored, bytes: article.bytes, credit: Credit::of_article(article) };
        self.known.insert(index, known);
        self.note_paragraphs(index, article.paragraphs.iter().map(|paragraph| &paragraph.reflow_sha256));
    }

    /// Notes by what a text can be found without reading it.
    fn note_paragraphs<'h>(&mut self, index: u64, digests: impl Iterator<Item = &'h Hash>) {
        let keys = digests.map(|digest| (KeyKind::Paragraph, paragraph_key(digest)));
        self.keys.insert(index, &Sketch { keys: keys.collect(), ..Sketch::none() });
    }

    /// Reads the originals that were noted since the last time, the newest first until there are too many, and makes the keys
    /// of their texts.
    pub(crate) fn read_originals(&mut self, store: &dyn Store, bounds: Bounds) {
        let mut taken = BTreeMap::new();
        for (index, known) in self.known.range(self.read_to..).rev() {
            // What a signer wrote there is not to be trusted.
            match self.bytes.checked_add(known.bytes).filter(|sum| *sum <= bounds.bytes) {
                Some(sum) => {
                    self.bytes = sum;
                    taken.insert(*index, known);
                }
                None => {
                    self.unread.insert(*index, Unread::TooMany);
                }
            }
        }
        let sketches: Vec<(u64, Result<Sketch, Unread>)> = taken
            .into_par_iter()
            .map(|(index, known)| {
                let text = text_of(store, &known.stored);
                // What an index names needs no keys here.
                let named = self.named.is_some();
                (index, text.map(|text| if named { Sketch::none() } else { Sketch::of(&Text::new(&text)) }))
            })
            .collect();
        for (index, sketch) in sketches {
            match sketch {
                Ok(sketch) => self.keys.insert(index, &sketch),
                Err(unread) => drop(self.unread.insert(index, unread)),
            }
        }
        self.read_to = self.known.last_key_value().map_or(self.read_to, |(index, _)| index.saturating_add(1));
    }

    /// Returns the records whose texts are to be held against a text.
    fn candidates(&self, text: &Text<'_>) -> Vec<u64> {
        match &self.named {
            Some(named) => named.clone(),
            None => self.keys.candidates(&Sketch::of(text)),
        }
    }

    /// Returns the registered texts that have something in common with one, in the order of their records.
    pub(crate) fn alike(&self, text: &Text<'_>, store: &dyn Store, bounds: Bounds) -> Vec<Alike> {
        let mut candidates = self.candidates(text);
        if self.named.is_none() {
            candidates.truncate(bounds.candidates);
        }
        let candidates = candidates.into_par_iter();
        let mut found: Vec<Alike> = candidates
            .filter_map(|index| {
                let registered = text_of(store, &self.known.get(&index)?.stored).ok()?;
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
        // Those that were looked at and have none are told already.
        let without = self.without.saturating_sub(self.unread.len() as u64);
        for (why, count) in [(Unread::TooMany, self.beyond), (Unread::Missing, without)] {
            if count > 0 {
                *all.entry(why).or_default() += count;
            }
        }
        all
    }

    /// Returns what an editor should know before a document is registered that is like registered ones.
    pub(crate) fn warnings(&self, article: &Article, store: &dyn Store) -> Vec<Warning> {
        // What is registered itself is said to be.
        if self.known.values().any(|known| known.stored.original == article.digests.original) {
            return Vec::new();
        }
        self.warnings_about(article, self.alike(&Text::new(&article.text), store, IN_PASSING))
    }

    /// As [`Registered::warnings`], of a text that is at hand and registered in none of those that were noted.
    pub(super) fn warnings_of_text(
        &self,
        article: &Article,
        text: &Text<'_>,
        store: &dyn Store,
    ) -> Vec<Warning> {
        self.warnings_about(article, self.alike(text, store, IN_PASSING))
    }

    /// As [`Registered::warnings`], of texts that were found alike and are not the document itself.
    pub(crate) fn warnings_about(&self, article: &Article, mut alike: Vec<Alike>) -> Vec<Warning> {
        let shares = |likeness: &Likeness| match likeness {
            Likeness::SameWording | Likeness::SameWordingButNumbers { .. } => Some((100, 100)),
            Likeness::Similar { shares, .. } => Some((shares.first.percent(), shares.second.percent())),
            _ => None,
        };
        alike.retain(|one| shares(&one.likeness).is_some());
        alike.sort_by_key(|one| {
            let (document, record) = shares(&one.likeness).unwrap_or_default();
            (std::cmp::Reverse(document + record), one.index)
        });
        alike.truncate(WARNED_MAX);
        alike.iter().flat_map(|one| self.warnings_of(article, one)).collect()
    }

    fn warnings_of(&self, article: &Article, alike: &Alike) -> Vec<Warning> {
        let index = alike.index;
        let (what, similarity, figures): (String, _, &[FigureChange]) = match &alike.likeness {
            Likeness::SameWordingButNumbers { figures } => {
                ("the same wording with other figures".into(), None, figures)
            }
            Likeness::Similar { shares, .. } => {
                let (ours, theirs) = (shares.first.percent(), shares.second.percent());
                let similarity = Similarity { of_document_percent: ours, of_record_percent: theirs };
                (format!("a similar text ({ours} % of this one)"), Some(similarity), &[])
            }
            _ => ("the same wording".into(), None, &[]),
        };
        let warning = |code, message| Warning { code, record: index, message, similarity };
        let mut found = Vec::new();
        if let Some(first) = figures.first() {
            let token =
                |at: &Option<FigureAt>| at.as_ref().map_or("none".into(), |at| sanitize_to(&at.token, 40));
            let (there, here) = (token(&first.second), token(&first.first));
            let more = match figures.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let message =
                format!("ALARM: {what} is registered as record {index}: {there} there, {here} here{more}");
            found.push(warning("numbersDiffer", message));
        }
        let printed =
            |all: &[String]| all.iter().map(|one| sanitize_to(one, 80)).collect::<Vec<_>>().join("; ");
        match self.credit_differs(index, article) {
            Some((theirs, ours)) if ours.is_empty() => {
                let theirs = printed(&theirs);
                let message = format!(
                    "{what} is registered as record {index} and credits {theirs}; this one credits nobody"
                );
                found.push(warning("creditDropped", message));
            }
            Some((theirs, ours)) => {
                let (theirs, ours) = (printed(&theirs), printed(&ours));
                let message =
                    format!("{what} is registered as record {index} and credits {theirs}, not {ours}");
                found.push(warning("conflictingOrigin", message));
            }
            None if found.is_empty() => {
                found.push(warning("similarRegistered", format!("{what} is registered as record {index}")));
            }
            None => {}
        }
        found
    }

    /// Returns how the credit of a document differs from that of a record with the same text: the record's, as printed,
    /// and the document's; `None` if they agree, or the record's is withheld.
    fn credit_differs(&self, index: u64, article: &Article) -> Option<(Vec<String>, Vec<String>)> {
        self.known.get(&index)?.credit.differs(Credit::of_article(article))
    }
}

/// Records that a document is warned of.
pub(crate) const WARNED_MAX: usize = 5;

/// Something to know before a document is registered. It stops nothing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Warning {
    /// `numbersDiffer`, `conflictingOrigin`, `creditDropped`, `similarRegistered` or `misquote`.
    code: &'static str,
    /// The record that the document is like.
    pub(crate) record: u64,
    /// For a person, harmless to print.
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<Similarity>,
}

impl Warning {
    /// Warns of words that are given as quoted and stand in no source that a record names.
    pub(crate) fn of_misquote(record: u64, what: &str) -> Self {
        let message = format!("misquote, by the sources of record {record}: {what}");
        Warning { code: "misquote", record, message, similarity: None }
    }

    /// Returns whether it is about what is quoted, which nothing else tells.
    pub(crate) fn is_of_quotes(&self) -> bool {
        self.code == "misquote"
    }

    /// Returns whether it is about who is credited, which nothing else tells.
    pub(crate) fn is_of_credit(&self) -> bool {
        matches!(self.code, "conflictingOrigin" | "creditDropped")
    }
}

/// As `check` has it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Similarity {
    of_document_percent: u64,
    of_record_percent: u64,
}

/// Reads the text of a registered document again, as an auditor does.
pub(super) fn text_of(store: &dyn Store, stored: &StoredText) -> Result<String, Unread> {
    let format = Format::of_extractor(&stored.extractor).ok_or(Unread::Extractor)?;
    let key = Key::new(content_path(&stored.original)).map_err(|_| Unread::Missing)?;
    let bytes = store.get(&key, DOCUMENT_MAX_BYTES).ok().flatten().ok_or(Unread::Missing)?;
    if Hash::of(&bytes) != stored.original {
        return Err(Unread::Changed);
    }
    let options = ReadOptions { charset: Some(&stored.charset), ..ReadOptions::default() };
    let extract = extract_as(format, &bytes, &options).map_err(|_| Unread::Changed)?;
    match Hash::of(extract.text.as_bytes()) == stored.text {
        true => Ok(extract.text),
        false => Err(Unread::Changed),
    }
}

/// Warns of what an article misquotes, by the sources of the first of some records that has any.
pub(crate) fn misquotes(
    reader: &LogReader<'_>,
    store: &dyn Store,
    standings: &Standings,
    records: &BTreeSet<u64>,
    article: &Article,
) -> Result<Vec<Warning>, ReaderError> {
    let lineage = Lineage::of(standings);
    for record in records {
        let Some(node) = lineage.node(*record) else { continue };
        let found = quoted::in_passing(reader, store, &lineage, node, article)?;
        if !found.is_empty() {
            return Ok(found
                .iter()
                .take(WARNED_MAX)
                .map(|what| Warning::of_misquote(*record, what))
                .collect());
        }
    }
    Ok(Vec::new())
}
