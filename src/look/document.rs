//! What the log has of one document, or like it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use crate::article::Article;
use crate::base::{Hash, Timestamp};
use crate::index::{IndexError, SearchIndex, Source};
use crate::likeness::{
    FigureChange, Likeness, Passage, PassageKind, SIMILAR_PERCENT, Shares, Span, Text, TextCode, diff,
    paragraph_key,
};
use crate::record::registration::OpenedRegistration;
use crate::record::{Lineage, Standings};
use crate::verify::{ReaderError, Record};

use crate::view::lineage::Warnings;
use crate::view::{View, history};

use super::alike::{Registered, Unread, WHEN_ASKED, Warning, misquotes};
use super::basis::{self, Basis};
use super::nearest::nearest;

/// What is known of a document, the stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    SameBytes,
    SameWording,
    SameWordingNumbersDiffer,
    Similar,
    Passage,
    Unknown,
}

impl Answer {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Answer::SameBytes => "sameBytes",
            Answer::SameWording => "sameWording",
            Answer::SameWordingNumbersDiffer => "sameWordingNumbersDiffer",
            Answer::Similar => "similar",
            Answer::Passage => "passage",
            Answer::Unknown => "unknown",
        }
    }
}

/// Records that are shown of those that are not the same.
pub(super) const SHOWN_MAX: usize = 5;
/// Characters that a paragraph or quotation has at least for its digest to say that it was taken over.
const PASSAGE_CHARS: usize = 30;

/// How a record's text is like a document's.
#[derive(Default)]
pub(crate) struct How {
    /// In percent: of the document that stands in the record, of the record that stands in the document.
    pub(crate) shares: Option<(u64, u64)>,
    /// The document's first, the record's second.
    pub(crate) figures: Vec<FigureChange>,
    pub(crate) passages: Vec<Passage>,
    /// The registered text; `None` where digests alone were compared.
    pub(crate) text: Option<String>,
}

/// A record that has to do with a document.
pub(crate) struct Found {
    pub(crate) index: u64,
    /// `None` until it is read.
    pub(crate) view: Option<View>,
    pub(crate) how: How,
    /// Where digests alone were compared, why.
    pub(crate) unread: Option<Unread>,
}

/// What is known of a document.
pub(crate) struct Known {
    pub(crate) answer: Answer,
    pub(crate) records: Vec<Found>,
    pub(crate) standings: Standings,
    pub(crate) basis: Basis,
    /// Registered texts that the document's could not be held against.
    pub(crate) unread: BTreeMap<Unread, u64>,
    /// What an editor should know: another credit, other figures.
    pub(crate) warnings: Vec<Warning>,
}

/// Looks a document up: by its digests, then by its text. `whole` asks the log itself, and no index.
///
/// # Errors
/// [`ReaderError`].
pub(crate) fn know(
    source: &Source<'_>,
    original: &Hash,
    article: Option<&Article>,
    whole: bool,
) -> Result<Known, ReaderError> {
    let digests = article.map(Digests::of).unwrap_or_default();
    let document = article.map(|article| Text::new(&article.text));
    let index = basis::index(source, whole)?;
    let mut look = Look {
        source,
        original,
        article,
        document: document.as_ref(),
        digests: &digests,
        answer: Answer::Unknown,
        records: Vec::new(),
    };
    match index {
        Some(index) => match look.by_index(&index) {
            Ok(known) => Ok(known),
            Err(IndexError::Log(error)) => Err(error),
            Err(_) => look.by_log(),
        },
        None => look.by_log(),
    }
}

/// Records whose digests name a part of a document and that are looked at, of those whose texts are not at hand.
const DIGESTS_MAX: usize = 256;

/// Looks for one document.
struct Look<'a> {
    source: &'a Source<'a>,
    original: &'a Hash,
    article: Option<&'a Article>,
    document: Option<&'a Text<'a>>,
    digests: &'a Digests,
    answer: Answer,
    records: Vec<Found>,
}

impl Look<'_> {
    /// Looks where the index says.
    fn by_index(&mut self, index: &SearchIndex) -> Result<Known, IndexError> {
        let (source, keys) = (self.source, index.key_statements()?);
        let mut named = index.of_original(self.original)?;
        if let (true, Some(article)) = (named.is_empty(), self.article) {
            named = index.of_wording(&article.digests.reflow)?;
        }
        source.reader.read_named(&keys, &named.into_iter().collect(), |record| self.take(&record))?;
        let mut registered = Registered::default();
        let mut read = BTreeMap::new();
        if let (Some(document), true) = (self.document, self.answer > Answer::SameWording) {
            let mut named = nearest(index, source.store, document, index.alike(document)?)?;
            named.extend(index.with_digests(&self.digests.keys())?.into_iter().take(DIGESTS_MAX));
            source.reader.read_named(&keys, &named, |record| {
                let broken_off = self.take(&record);
                read.insert(record.index, record);
                broken_off
            })?;
            registered = Registered::of(read.values(), index.without_text()?);
        }
        let mut warnings = self.compare(&mut registered);
        let found = self.found();
        let bearing = basis::bearing(source, index, &found.iter().copied().collect::<Vec<_>>());
        let (standings, basis) = basis::standings(source, &found, bearing)?;
        warnings.extend(self.misquotes(&standings)?);
        Ok(self.known(standings, basis, warnings, registered, &read))
    }

    /// Reads the whole log.
    fn by_log(&mut self) -> Result<Known, ReaderError> {
        (self.answer, self.records) = (Answer::Unknown, Vec::new());
        let reader = self.source.reader;
        let mut registered = Registered::default();
        let standings = reader.standings(|record| {
            let _ = self.take(&record);
            registered.note_record(&record, WHEN_ASKED);
        })?;
        let mut warnings = self.compare(&mut registered);
        let (wanted, mut read) = (self.found(), BTreeMap::new());
        if self.records.iter().any(|found| found.view.is_none()) {
            reader.scan(|record| {
                if wanted.contains(&record.index) {
                    read.insert(record.index, record);
                }
                if read.len() == wanted.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        warnings.extend(self.misquotes(&standings)?);
        Ok(self.known(standings, Basis::Log, warnings, registered, &read))
    }

    /// Holds the digests of a record against the document's.
    fn take(&mut self, record: &Record) -> ControlFlow<()> {
        let (Some(opened), Some(registers)) = (&record.registration, record.entry.original()) else {
            return ControlFlow::Continue(());
        };
        // What nobody may have signed says nothing.
        if record.signer.is_err() {
            return ControlFlow::Continue(());
        }
        let reflow = opened.registration.fingerprints.reflow.sha256;
        let wording = self.article.map(|article| article.digests.reflow);
        let (found, how) = match () {
            () if registers == *self.original => (Answer::SameBytes, How::default()),
            () if wording == Some(reflow) => (Answer::SameWording, How::default()),
            () if self.answer <= Answer::SameWording => return ControlFlow::Continue(()),
            () => match self.digests.shared_with(opened) {
                Some(found) => found,
                None => return ControlFlow::Continue(()),
            },
        };
        if found < self.answer {
            (self.answer, self.records) = (found, Vec::new());
        }
        if found == self.answer {
            let view = Some(View::of_record(&registers, opened));
            self.records.push(Found { index: record.index, view, how, unread: None });
            keep_the_most_similar(&mut self.records, self.answer);
        }
        ControlFlow::Continue(())
    }

    /// Holds the texts of records against the document's, unless its digests were found; returns what an editor should know.
    fn compare(&mut self, registered: &mut Registered) -> Vec<Warning> {
        let (reader, store) = (self.source.reader, self.source.store);
        let Some((document, article)) = self.document.zip(self.article) else { return Vec::new() };
        if self.answer <= Answer::SameWording {
            let found = self.records.iter().map(|found| found.index).collect();
            let same = Registered::those(reader, found).unwrap_or_default();
            return same.warnings(article, store);
        }
        registered.read_originals(store, WHEN_ASKED);
        // What the texts say takes the place of what the digests said.
        self.records.retain_mut(|found| {
            found.unread = registered.unread(found.index);
            found.unread.is_some()
        });
        self.answer = if self.records.is_empty() { Answer::Unknown } else { self.answer };
        let alike = registered.alike(document, store, WHEN_ASKED);
        let warnings = registered.warnings_about(article, alike.clone());
        let alike = alike.into_iter().map(|one| {
            let (answer, how) = how(one.likeness, one.text);
            (answer, one.index, how)
        });
        let mut alike: Vec<(Answer, u64, How)> = alike.collect();
        let strongest = alike.iter().map(|(found, ..)| *found).min().unwrap_or(Answer::Unknown);
        if strongest < self.answer {
            (self.answer, self.records) = (strongest, Vec::new());
        }
        alike.retain(|(found, ..)| *found == self.answer);
        let alike = alike.into_iter().map(|(_, index, how)| Found { index, view: None, how, unread: None });
        self.records.extend(alike);
        keep_the_most_similar(&mut self.records, self.answer);
        warnings
    }

    /// Holds what the document quotes against the sources of the records that it is, or is another version of.
    fn misquotes(&self, standings: &Standings) -> Result<Vec<Warning>, ReaderError> {
        match self.article.filter(|_| self.answer <= Answer::Similar) {
            Some(article) => {
                misquotes(self.source.reader, self.source.store, standings, &self.found(), article)
            }
            None => Ok(Vec::new()),
        }
    }

    fn found(&self) -> BTreeSet<u64> {
        self.records.iter().map(|found| found.index).collect()
    }

    /// Puts together what is known; a record whose signer does not hold is not.
    fn known(
        &mut self,
        standings: Standings,
        basis: Basis,
        warnings: Vec<Warning>,
        registered: Registered,
        read: &BTreeMap<u64, Record>,
    ) -> Known {
        let mut records = std::mem::take(&mut self.records);
        let view = |index: u64| {
            let record = read.get(&index).filter(|record| record.signer.is_ok())?;
            Some(View::of_record(&record.entry.original()?, record.registration.as_ref()?))
        };
        records.retain_mut(|found| {
            found.view = found.view.take().or_else(|| view(found.index));
            found.view.is_some()
        });
        let unread = match self.answer {
            Answer::SameBytes | Answer::SameWording => BTreeMap::new(),
            _ => registered.all_unread(),
        };
        Known { answer: self.answer, records, standings, basis, unread, warnings }
    }
}

/// Returns what is known of a document, for programs. `name` is what it is called, `with_diff` asks for what differs.
pub(crate) fn json(
    name: &str,
    original: &Hash,
    article: Option<&Article>,
    known: &Known,
    with_diff: bool,
    now: Timestamp,
) -> Value {
    let graph = Lineage::of(&known.standings);
    let warnings = Warnings::of(&graph, now);
    let document = article.map(|article| Text::new(&article.text));
    let record = |found| json_of(found, known, &warnings, document.as_ref(), with_diff);
    let iscc = article.and_then(|article| TextCode::of(&article.text));
    let digest = |hash: &Hash| format!("sha256:{hash}");
    let mut object = json!({
        "path": name, "answer": known.answer.word(),
        "records": known.records.iter().map(record).collect::<Vec<_>>(),
        "digests": {
            "original": digest(original),
            "reflow": article.map(|article| digest(&article.digests.reflow)),
            "iscc": iscc.map(|code| code.to_string()),
        },
    });
    object["warnings"] = json!(known.warnings);
    object["basis"] = json!(known.basis.word());
    if known.answer > Answer::SameWording {
        let unread = known.unread.iter();
        object["notCompared"] =
            unread.map(|(why, count)| json!({"why": why.word(), "records": count})).collect();
    }
    object
}

fn json_of(
    found: &Found,
    known: &Known,
    warnings: &Warnings<'_>,
    document: Option<&Text<'_>>,
    with_diff: bool,
) -> Value {
    let mut members: Map<String, Value> = found.view.as_ref().map(View::json).unwrap_or_default();
    members.insert("record".into(), json!(found.index));
    members.insert("standing".into(), history::json(known.standings.of(found.index)));
    let (resting, count) = warnings.json(found.index);
    members.insert("restsOn".into(), resting);
    members.insert("restsOnCount".into(), count);
    if known.answer <= Answer::SameWording {
        return Value::Object(members);
    }
    let How { shares, figures, passages, text } = &found.how;
    members.insert("compared".into(), json!(if text.is_some() { "text" } else { "digests" }));
    members.insert("notComparedBecause".into(), json!(found.unread.map(Unread::word)));
    if let Some((document, record)) = shares {
        let shares = json!({"ofDocumentPercent": document, "ofRecordPercent": record});
        members.insert("similarity".into(), shares);
    }
    let figures = figures.iter().map(|one| json!({"document": one.first, "record": one.second}));
    members.insert("figures".into(), figures.collect());
    let passages =
        passages.iter().map(|one| json!({"kind": one.kind, "document": one.first, "record": one.second}));
    members.insert("passages".into(), passages.collect());
    if let (true, Some(registered), Some(document)) = (with_diff, text, document) {
        members.insert("diff".into(), json!(diff(&Text::new(registered), document)));
    }
    Value::Object(members)
}
/// What a comparison of two texts answers.
pub(super) fn how(likeness: Likeness, text: String) -> (Answer, How) {
    let percent = |shares: Shares| Some((shares.first.percent(), shares.second.percent()));
    let text = Some(text);
    match likeness {
        Likeness::SameWording => (Answer::SameWording, How { text, ..How::default() }),
        Likeness::SameWordingButNumbers { figures } => {
            (Answer::SameWordingNumbersDiffer, How { figures, text, ..How::default() })
        }
        Likeness::Similar { shares, figures } => {
            (Answer::Similar, How { shares: percent(shares), figures, text, ..How::default() })
        }
        Likeness::PassageOf { shares, passages } => {
            (Answer::Passage, How { shares: percent(shares), passages, text, ..How::default() })
        }
        Likeness::Different { shares } => {
            (Answer::Unknown, How { shares: percent(shares), text, ..How::default() })
        }
    }
}

/// Of records that are not the same, the most similar are kept; the earlier of two that are as much so.
fn keep_the_most_similar(records: &mut Vec<Found>, answer: Answer) {
    if answer > Answer::SameWording {
        records.sort_by_key(|found| {
            let (document, record) = found.how.shares.unwrap_or_default();
            (std::cmp::Reverse(document + record), found.index)
        });
        records.truncate(SHOWN_MAX);
    }
}

/// The paragraphs and quotations of a document by the digests of their wording.
#[derive(Default)]
struct Digests {
    /// How often each paragraph stands in it, and its characters.
    paragraphs: HashMap<Hash, (u64, u64)>,
    characters: u64,
    /// Long paragraphs and quotations, and where the first of each stands.
    passages: HashMap<Hash, Span>,
}

impl Digests {
    fn of(article: &Article) -> Self {
        let mut digests = Digests::default();
        let mut pass = |digest: Hash, start: usize, end: usize| {
            if end.saturating_sub(start) >= PASSAGE_CHARS {
                digests.passages.entry(digest).or_insert(Span { start, end });
            }
        };
        article.quotes.iter().for_each(|quote| pass(quote.reflow_sha256, quote.start, quote.end));
        article.paragraphs.iter().for_each(|one| pass(one.reflow_sha256, one.start, one.end));
        for paragraph in &article.paragraphs {
            let characters = (paragraph.end - paragraph.start) as u64;
            digests.paragraphs.entry(paragraph.reflow_sha256).or_insert((0, characters)).0 += 1;
            digests.characters += characters;
        }
        digests
    }

    /// Returns the keys by which an index finds records that have some of these digests.
    fn keys(&self) -> BTreeSet<u64> {
        self.paragraphs.keys().chain(self.passages.keys()).map(paragraph_key).collect()
    }

    /// Returns what this document shares with a registered one, in whole paragraphs and quotations; `None` for nothing, or if
    /// those of the registered one are not disclosed.
    fn shared_with(&self, opened: &OpenedRegistration) -> Option<(Answer, How)> {
        let registration = &opened.registration;
        let mut left: HashMap<Hash, u64> = HashMap::new();
        let (mut ours, mut theirs, mut all) = (0, 0u64, 0u64);
        for paragraph in registration.paragraphs.iter().flatten() {
            // What a signer wrote there is not to be trusted in arithmetic.
            let characters = (paragraph.end as u64).saturating_sub(paragraph.start as u64);
            all = all.saturating_add(characters);
            let Some((count, own)) = self.paragraphs.get(&paragraph.reflow_sha256) else { continue };
            let left = left.entry(paragraph.reflow_sha256).or_insert(*count);
            if *left > 0 {
                *left -= 1;
                ours += own;
                theirs = characters.saturating_add(theirs);
            }
        }
        let percent = |part: u64, of: u64| part.saturating_mul(100).checked_div(of).unwrap_or(0).min(100);
        let shares = (percent(ours, self.characters), percent(theirs, all));
        let how = How { shares: Some(shares), ..How::default() };
        if shares.0.max(shares.1) >= SIMILAR_PERCENT {
            return Some((Answer::Similar, how));
        }
        let quotes = registration.quotes.iter().flatten().filter_map(|quote| quote.opened());
        let quotes = quotes.map(|one| (PassageKind::Quotation, one.reflow_sha256, one.start, one.end));
        let paragraphs = registration.paragraphs.iter().flatten();
        let paragraphs =
            paragraphs.map(|one| (PassageKind::Paragraph, one.reflow_sha256, one.start, one.end));
        let passages = paragraphs.chain(quotes).filter_map(|(kind, digest, start, end)| {
            let first = *self.passages.get(&digest)?;
            Some(Passage { kind, first, second: Span { start, end } })
        });
        let passages: Vec<Passage> = passages.collect();
        (!passages.is_empty()).then_some((Answer::Passage, How { passages, ..how }))
    }
}
