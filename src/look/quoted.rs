//! Whether what a document quotes stands in its sources: what `quotes`, `check`, `add` and `doctor` have in common.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use crate::article::passage::{Edit, Found, Passage, PassageText};
use crate::article::saying::is_said;
use crate::article::{Article, Format, Quotation, ReadOptions, extract::Extract, extract_as};
use crate::base::Hash;
use crate::base::limits::{DOCUMENT_MAX_BYTES, PASSAGE_MAX_PAIRS};
use crate::record::layout::content_path;
use crate::record::lineage::{Direction, Lineage, Node};
use crate::record::{RecordRef, Registration};
use crate::storage::{Key, Store};
use crate::verify::{LogReader, ReaderError};

use crate::view::history::active;
use crate::view::lineage::{evidence, name, node_json, relation_word};
use crate::view::sanitize_to;

/// Sources whose texts are read.
const SOURCES_MAX: usize = 1_000;
/// Words from which on a passage counts as attributed whatever stands near it.
const ATTRIBUTED_WORDS: usize = 6;
/// Characters of a passage, and of a difference, that a person is shown.
pub(crate) const WORDS_MAX: usize = 300;
/// Characters of a passage in a warning.
const SHOWN_MAX: usize = 120;

/// Returns the sources that a document is said to rest on, each once, in the order in which that was said.
pub(crate) fn sources(lineage: &Lineage<'_>, node: Node) -> Vec<Source> {
    let mut known = HashSet::new();
    // Who quotes and cites a document has one source.
    let hops = lineage.hops(node, Direction::On).filter(|hop| known.insert(hop.to));
    hops.map(|hop| {
        let document = lineage.document(hop.to);
        Source {
            document: document.map(|document| (document.record(), document.original)),
            name: name(lineage, hop.to),
            said: format!("{} {} ({})", active(&hop.relation), name(lineage, hop.to), evidence(hop)),
            json: {
                let mut members = node_json(lineage, hop.to);
                members.insert("relation".into(), json!(relation_word(hop)));
                members.insert("by".into(), json!(hop.by));
                members.insert("signer".into(), json!(hop.signer));
                members
            },
        }
    })
    .collect()
}

/// Reads the registrations of sources, and of the record itself, each through the hashes that lead to the checkpoint.
pub(crate) fn registrations(
    reader: &LogReader<'_>,
    sources: &[Source],
    record: Option<u64>,
) -> Result<BTreeMap<u64, Registration>, ReaderError> {
    let of_sources = sources.iter().take(SOURCES_MAX).filter_map(|source| source.document);
    let wanted: BTreeSet<u64> = of_sources.map(|(record, _)| record).chain(record).collect();
    let mut found = BTreeMap::new();
    for index in wanted {
        let (entry, openings) = reader.entry(index)?;
        let opened = entry.open_registration(&openings).or_else(|_| entry.open_registration(&[]));
        found.extend(opened.ok().map(|opened| (index, opened.registration)));
    }
    Ok(found)
}

/// Sources that are read on the way to something else.
const IN_PASSING_MAX: usize = 16;

/// Returns the misquotes of an article by the sources of `node`, a document that it is or is like: nothing where these are many,
/// or cannot all be read.
pub(crate) fn in_passing(
    reader: &LogReader<'_>,
    store: &dyn Store,
    lineage: &Lineage<'_>,
    node: Node,
    article: &Article,
) -> Result<Vec<String>, ReaderError> {
    let sources = sources(lineage, node);
    if sources.is_empty() || sources.len() > IN_PASSING_MAX || article.quotes.is_empty() {
        return Ok(Vec::new());
    }
    let registrations = registrations(reader, &sources, None)?;
    let texts = Texts { store, registrations: &registrations };
    let quotations = article.quotes.iter().cloned().map(Some).collect();
    Ok(check(quotations, Some(&article.text), &sources, &texts).misquotes())
}

/// A source that the document is said to rest on.
pub(crate) struct Source {
    /// Its record and original; `None` if nobody has registered it.
    pub(crate) document: Option<(u64, Hash)>,
    pub(crate) name: String,
    /// How the document rests on it, and who says so.
    pub(crate) said: String,
    pub(crate) json: Map<String, Value>,
}

impl Source {
    /// A document of which nothing is known but where it is registered.
    pub(crate) fn of(record: RecordRef) -> Self {
        Source {
            document: Some((record.record, record.original)),
            name: format!("record {}", record.record),
            said: String::new(),
            json: Map::new(),
        }
    }
}

/// Texts of registered documents, from their stored originals.
pub(crate) struct Texts<'t> {
    pub(crate) store: &'t dyn Store,
    pub(crate) registrations: &'t BTreeMap<u64, Registration>,
}

impl Texts<'_> {
    /// Reads a stored original and takes out its text, which must be the registered one; else says why not.
    pub(crate) fn of(&self, record: u64, original: &Hash) -> Result<(Format, Vec<u8>, Extract), String> {
        let registration = self.registrations.get(&record).ok_or("its registration could not be read")?;
        let key = Key::new(content_path(original)).map_err(|error| error.to_string())?;
        let bytes = self.store.get(&key, DOCUMENT_MAX_BYTES).map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or("its original is not stored")?;
        if Hash::of(&bytes) != *original {
            return Err("its stored original was changed".into());
        }
        let extractor = registration.text.extractor.as_str();
        let format = Format::of_extractor(extractor)
            .ok_or_else(|| format!("its text was extracted by {extractor:?}, which is not known here"))?;
        let options = ReadOptions { charset: Some(&registration.text.charset), ..ReadOptions::default() };
        let extract = extract_as(format, &bytes, &options).map_err(|error| error.to_string())?;
        if Hash::of(extract.text.as_bytes()) != registration.text.sha256 {
            return Err("its stored original does not give the registered text".into());
        }
        Ok((format, bytes, extract))
    }
}

/// What is found of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stands in a source.
    Stands,
    /// It is attributed and stands in none.
    Misquote,
    /// It stands in none, and may be nobody's words.
    NotFound,
    /// Not all sources could be read, or the passage is withheld.
    CouldNotCheck,
}

impl Verdict {
    pub(crate) const ALL: [Verdict; 4] =
        [Verdict::Stands, Verdict::Misquote, Verdict::NotFound, Verdict::CouldNotCheck];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Stands => "stands",
            Verdict::Misquote => "misquote",
            Verdict::NotFound => "notFound",
            Verdict::CouldNotCheck => "couldNotCheck",
        }
    }
}

/// What was found of all passages.
pub(crate) struct Checked<'c> {
    pub(crate) sources: &'c [Source],
    /// By source, why it could not be read.
    pub(crate) unread: BTreeMap<usize, String>,
    pub(crate) quotes: Vec<Quote>,
}

/// What was found of one passage; without the passage where it is withheld.
pub(crate) struct Quote {
    pub(crate) quotation: Option<Quotation>,
    /// Why it counts as somebody's words.
    pub(crate) attributed: Option<&'static str>,
    /// What each source that could be read has of it.
    pub(crate) found: Vec<(usize, Found)>,
    pub(crate) verdict: Verdict,
}

/// Holds passages against the texts of sources. `own` is the text that the passages are from, where it is at hand.
pub(crate) fn check<'c>(
    quotations: Vec<Option<Quotation>>,
    own: Option<&str>,
    sources: &'c [Source],
    texts: &Texts<'_>,
) -> Checked<'c> {
    let passages: Vec<Option<Passage>> =
        quotations.iter().map(|quotation| quotation.as_ref().map(|one| Passage::of(&one.text))).collect();
    let mut found: Vec<Vec<(usize, Found)>> = vec![Vec::new(); quotations.len()];
    let mut unread = BTreeMap::new();
    let mut pairs = PASSAGE_MAX_PAIRS;
    for (number, source) in sources.iter().enumerate() {
        let text = match source.document {
            _ if number >= SOURCES_MAX => Err(format!("only the first {SOURCES_MAX} sources are read")),
            None => Err("nobody has registered it".into()),
            Some((record, original)) => texts.of(record, &original),
        };
        // One at a time: there may be many.
        let text = text.map(|(_, _, extract)| extract.text);
        let ready = text.and_then(|text| match PassageText::new(&text) {
            Some(ready) => {
                for (passage, found) in passages.iter().zip(&mut found) {
                    found.extend(passage.as_ref().map(|passage| (number, ready.find(passage, &mut pairs))));
                }
                Ok(())
            }
            None => Err("its text is too long".into()),
        });
        if let Err(why) = ready {
            unread.insert(number, why);
        }
    }
    let all_read = unread.is_empty() && !sources.is_empty();
    let text: Option<Vec<char>> = own.map(|text| text.chars().collect());
    let quotes = quotations.into_iter().zip(passages).zip(found).map(|((quotation, passage), found)| {
        let words = passage.map_or(0, |passage| passage.words());
        let attributed = match &quotation {
            Some(quotation) if is_said_near(text.as_deref(), quotation) => Some("saying"),
            Some(_) if words >= ATTRIBUTED_WORDS => Some("length"),
            _ => None,
        };
        let stands = found.iter().any(|(_, found)| matches!(found, Found::Exact { .. }));
        let verdict = match attributed {
            _ if stands => Verdict::Stands,
            // Nothing but what is left out or put in: there is nothing to look for.
            _ if quotation.is_some() && words == 0 => Verdict::NotFound,
            _ if quotation.is_none() || !all_read => Verdict::CouldNotCheck,
            Some(_) => Verdict::Misquote,
            None => Verdict::NotFound,
        };
        Quote { quotation, attributed, found, verdict }
    });
    Checked { sources, quotes: quotes.collect(), unread }
}

/// Returns whether words of saying stand near a quotation, where the text is at hand.
fn is_said_near(text: Option<&[char]>, quotation: &Quotation) -> bool {
    const AROUND: usize = 200;
    let around = text.and_then(|text| {
        let before = text.get(quotation.start.saturating_sub(AROUND)..quotation.start)?;
        let after = text.get(quotation.end..quotation.end.saturating_add(AROUND).min(text.len()))?;
        Some((before.iter().collect::<String>(), after.iter().collect::<String>()))
    });
    around.is_some_and(|(before, after)| is_said(&before, &after))
}

impl Checked<'_> {
    /// Returns how many passages have a verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.quotes.iter().filter(|quote| quote.verdict == verdict).count()
    }

    /// Returns what an editor should know of the passages that are attributed and stand in no source: the words, and what stands
    /// in a source in their place. Harmless to print.
    pub(crate) fn misquotes(&self) -> Vec<String> {
        let misquotes = self.quotes.iter().filter(|quote| quote.verdict == Verdict::Misquote);
        misquotes
            .filter_map(|quote| {
                let words = sanitize_to(&quote.quotation.as_ref()?.text, SHOWN_MAX);
                let nearest = quote.found.iter().filter_map(|(number, found)| match found {
                    Found::Differs { edits, percent, .. } => Some((*percent, *number, edits)),
                    _ => None,
                });
                let nearest =
                    nearest.max_by_key(|(percent, number, _)| (*percent, std::cmp::Reverse(*number)));
                let other = quote.found.iter().find(|(_, found)| *found == Found::Reordered);
                Some(match (nearest, other) {
                    (Some((_, number, edits)), _) => {
                        let name = &self.sources[number].name;
                        format!("\"{words}\" differs from {name}: {}", diff(edits))
                    }
                    (None, Some((number, _))) => {
                        let name = &self.sources[*number].name;
                        format!("\"{words}\": its pieces stand in {name} in another order")
                    }
                    (None, None) => format!("\"{words}\" stands in no source that the log names"),
                })
            })
            .collect()
    }
}

/// Returns a difference for a person.
pub(crate) fn diff(edits: &[Edit]) -> String {
    let words: Vec<String> = edits
        .iter()
        .map(|edit| match edit {
            Edit::Same(words) => sanitize_to(words, WORDS_MAX),
            Edit::Quotation(words) => format!("[-{}-]", sanitize_to(words, WORDS_MAX)),
            Edit::Text(words) => format!("{{+{}+}}", sanitize_to(words, WORDS_MAX)),
        })
        .collect();
    words.join(" ")
}
