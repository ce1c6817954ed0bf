//! `dateline quotes`

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use crate::article::passage::{Edit, Found, Passage, PassageText};
use crate::article::saying::is_said;
use crate::article::{Format, Quotation, ReadOptions, claims_of, extract::Extract, extract_as};
use crate::base::Hash;
use crate::base::limits::{DOCUMENT_MAX_BYTES, PASSAGE_MAX_PAIRS};
use crate::record::Registration;
use crate::record::layout::content_path;
use crate::record::lineage::{Direction, Lineage};
use crate::storage::{Key, Store};
use crate::verify::read_log_as;
use crate::view::history::active;
use crate::view::lineage::{evidence, name, node_json, relation_word};
use crate::view::{sanitize, sanitize_to};

use super::args::{QuotesArgs, TrustArgs};
use super::asked::Asked;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::workspace::Workspace;

/// Sources whose texts are read.
const SOURCES_MAX: usize = 1_000;
/// Words from which on a passage counts as attributed whatever stands near it.
const ATTRIBUTED_WORDS: usize = 6;
/// Characters of a passage, and of a difference, that a person is shown.
const WORDS_MAX: usize = 300;

const NOT_ESTABLISHED: [&str; 2] = [
    "that anybody said what a source says that he said",
    "that a misquote was never said: it stands in none of the sources that the log names",
];

pub(crate) fn run(workspace: &Workspace, args: &QuotesArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let asked = Asked::of(&args.record)?;
    let (record, original, registrations, sources) = read_log_as(&store, &trust, |reader| {
        let standings = reader.standings(|_| {})?;
        let lineage = Lineage::of(&standings);
        let root = asked.node(&lineage, reader.size())?;
        let record = match asked {
            Asked::Record(record) => record,
            Asked::File(..) => lineage.document(root).map_or(0, |document| document.record()),
        };
        let mut sources: Vec<Source> = Vec::new();
        let mut known = HashSet::new();
        // Who quotes and cites a document has one source.
        for hop in lineage.hops(root, Direction::On).filter(|hop| known.insert(hop.to)) {
            let document = lineage.document(hop.to);
            sources.push(Source {
                document: document.map(|document| (document.record(), document.original)),
                name: name(&lineage, hop.to),
                said: format!("{} {} ({})", active(&hop.relation), name(&lineage, hop.to), evidence(hop)),
                json: {
                    let mut members = node_json(&lineage, hop.to);
                    members.insert("relation".into(), json!(relation_word(hop)));
                    members.insert("by".into(), json!(hop.by));
                    members.insert("signer".into(), json!(hop.signer));
                    members
                },
            });
        }
        let mut registrations: BTreeMap<u64, Registration> = BTreeMap::new();
        let of_sources = sources.iter().take(SOURCES_MAX).filter_map(|source| source.document);
        let wanted: HashSet<u64> = of_sources.map(|(record, _)| record).chain([record]).collect();
        reader.scan(|found| {
            if wanted.contains(&found.index)
                && let Some(opened) = found.registration
            {
                registrations.insert(found.index, opened.registration);
            }
            ControlFlow::Continue(())
        })?;
        let original = lineage.document(root).map(|document| document.original);
        Ok::<_, Failure>((record, original, registrations, sources))
    })?;
    let texts = Texts { store: &store, registrations: &registrations };
    let own = original.map(|original| texts.of(record, &original));
    let own = own.unwrap_or_else(|| Err("it is not registered".into()));
    let quotes = quotes(registrations.get(&record), own.as_ref())?;
    let checked = check(quotes, own.as_ref().ok(), &sources, &texts);
    output.print(|| checked.text(record), || checked.json(record))?;
    Ok(match () {
        () if checked.count(Verdict::Misquote) > 0 => Exit::Invalid,
        () if checked.count(Verdict::CouldNotCheck) > 0 => Exit::Unavailable,
        () => Exit::Success,
    })
}

/// A source that the document is said to rest on.
struct Source {
    /// Its record and original; `None` if nobody has registered it.
    document: Option<(u64, Hash)>,
    name: String,
    /// How the document rests on it, and who says so.
    said: String,
    json: Map<String, Value>,
}

/// Texts of registered documents, from their stored originals.
struct Texts<'t> {
    store: &'t dyn Store,
    registrations: &'t BTreeMap<u64, Registration>,
}

impl Texts<'_> {
    /// Reads a stored original and takes out its text, which must be the registered one; else says why not.
    fn of(&self, record: u64, original: &Hash) -> Result<(Format, Vec<u8>, Extract), String> {
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

/// Returns the passages: those that are registered, if all of them are open; else those of the text. `None` stands for one
/// that is withheld.
fn quotes(
    registration: Option<&Registration>,
    own: Result<&(Format, Vec<u8>, Extract), &String>,
) -> Outcome<Vec<Option<Quotation>>> {
    let registered = registration.and_then(|registration| registration.quotes.as_ref());
    let opened: Option<Vec<Option<Quotation>>> =
        registered.map(|quotes| quotes.iter().map(|quote| quote.opened().cloned()).collect());
    match (opened, own) {
        (Some(quotes), _) if quotes.iter().all(Option::is_some) => Ok(quotes),
        (_, Ok((format, bytes, extract))) => {
            let article = claims_of(bytes, *format, extract.clone());
            Ok(article.quotes.into_iter().map(Some).collect())
        }
        (Some(quotes), Err(_)) => Ok(quotes),
        (None, Err(why)) => {
            let message = "the record's quotations were not recorded, and its text cannot be read";
            let hint = "quotations can be checked where they are recorded, or the original is stored";
            Err(Failure::new(Exit::Unavailable, format!("{message}: {why}")).hint(hint))
        }
    }
}

/// What is found of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
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
    const ALL: [Verdict; 4] = [Verdict::Stands, Verdict::Misquote, Verdict::NotFound, Verdict::CouldNotCheck];

    fn word(self) -> &'static str {
        match self {
            Verdict::Stands => "stands",
            Verdict::Misquote => "misquote",
            Verdict::NotFound => "notFound",
            Verdict::CouldNotCheck => "couldNotCheck",
        }
    }
}

struct Checked<'c> {
    sources: &'c [Source],
    /// By source, why it could not be read.
    unread: BTreeMap<usize, String>,
    quotes: Vec<Quote>,
}

struct Quote {
    quotation: Option<Quotation>,
    /// Why it counts as somebody's words.
    attributed: Option<&'static str>,
    /// What each source that could be read has of it.
    found: Vec<(usize, Found)>,
    verdict: Verdict,
}

fn check<'c>(
    quotations: Vec<Option<Quotation>>,
    own: Option<&(Format, Vec<u8>, Extract)>,
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
    let text: Option<Vec<char>> = own.map(|(_, _, extract)| extract.text.chars().collect());
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
    fn count(&self, verdict: Verdict) -> usize {
        self.quotes.iter().filter(|quote| quote.verdict == verdict).count()
    }

    fn text(&self, record: u64) -> String {
        let mut out = String::new();
        let count = self.quotes.len();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let _ = writeln!(out, "record {record}: {count} passage{} in quotation marks", plural(count));
        for (number, source) in self.sources.iter().enumerate() {
            let why = self.unread.get(&number).map(|why| format!(": COULD NOT CHECK, {}", sanitize(why)));
            let _ = writeln!(out, "  it {}{}", source.said, why.unwrap_or_default());
        }
        if self.sources.is_empty() {
            let _ = writeln!(out, "  it is not said to rest on anything: there is no source to look in");
        }
        for quote in &self.quotes {
            let Some(quotation) = &quote.quotation else {
                let _ = writeln!(out, "{:<16}a passage that is withheld", "could not check");
                continue;
            };
            let word = match quote.verdict {
                Verdict::Stands => "stands",
                Verdict::Misquote => "MISQUOTE",
                Verdict::NotFound => "not found",
                Verdict::CouldNotCheck => "could not check",
            };
            let text = sanitize_to(&quotation.text, WORDS_MAX);
            let _ = writeln!(
                out,
                "{word:<16}\"{text}\"{}",
                match (quote.verdict, quote.attributed) {
                    (Verdict::NotFound, _) => " (not attributed: a title, or irony, may be nobody's words)",
                    (Verdict::Misquote, Some("length")) => " (no words of saying near it; by its length)",
                    _ => "",
                }
            );
            for (number, found) in &quote.found {
                let name = &self.sources[*number].name;
                let _ = match found {
                    Found::Exact { start, end } => {
                        writeln!(out, "{:16}in {name}, characters {start} to {end}", "")
                    }
                    Found::Differs { edits, percent, .. } => {
                        writeln!(out, "{:16}differs from {name} ({percent} % alike): {}", "", diff(edits))
                    }
                    Found::Reordered => writeln!(out, "{:16}its pieces stand in {name} in another order", ""),
                    Found::NotCompared => {
                        writeln!(out, "{:16}not in {name} as it is; what is like it was not looked for", "")
                    }
                    // Said once for all sources, by the word in front.
                    Found::Absent => continue,
                };
            }
        }
        if self
            .quotes
            .iter()
            .any(|quote| quote.found.iter().any(|(_, found)| matches!(found, Found::Differs { .. })))
        {
            out.push_str("[-…-] stands only in the quotation, {+…+} only in the source.\n");
        }
        let counts = Verdict::ALL.map(|verdict| self.count(verdict));
        let _ = writeln!(
            out,
            "{} stand{}, {} misquote{}, {} not found, {} could not be checked",
            counts[0],
            if counts[0] == 1 { "s" } else { "" },
            counts[1],
            plural(counts[1]),
            counts[2],
            counts[3]
        );
        NOT_ESTABLISHED.iter().for_each(|what| out.push_str(&format!("It does not establish {what}.\n")));
        out
    }

    fn json(&self, record: u64) -> Value {
        let sources = self.sources.iter().enumerate().map(|(number, source)| {
            let mut members = source.json.clone();
            members.insert("checked".into(), json!(!self.unread.contains_key(&number)));
            members.insert("why".into(), json!(self.unread.get(&number)));
            Value::Object(members)
        });
        let quotes = self.quotes.iter().map(|quote| {
            let sources = quote.found.iter().map(|(number, found)| found_json(*number, &self.sources[*number], found));
            let of = quote.quotation.as_ref();
            json!({
                "text": of.map(|one| &one.text), "start": of.map(|one| one.start), "end": of.map(|one| one.end),
                "withheld": of.is_none(), "attributed": quote.attributed, "verdict": quote.verdict.word(),
                "sources": sources.collect::<Vec<_>>(),
            })
        });
        let counts: Map<String, Value> = Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict.word().to_owned(), json!(self.count(verdict))))
            .collect();
        json!({
            "record": record, "sources": sources.collect::<Vec<_>>(), "quotes": quotes.collect::<Vec<_>>(),
            "counts": counts, "notEstablished": NOT_ESTABLISHED,
        })
    }
}

fn diff(edits: &[Edit]) -> String {
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

fn found_json(number: usize, source: &Source, found: &Found) -> Value {
    let record = source.document.map(|(record, _)| record);
    let (result, place, percent, edits) = match found {
        Found::Exact { start, end } => ("exact", Some((start, end)), None, None),
        Found::Differs { start, end, percent, edits } => {
            ("differs", Some((start, end)), Some(percent), Some(edits))
        }
        Found::Reordered => ("reordered", None, None, None),
        Found::Absent => ("absent", None, None, None),
        Found::NotCompared => ("notCompared", None, None, None),
    };
    let diff = edits.map(|edits| {
        let one = |edit: &Edit| match edit {
            Edit::Same(words) => json!({ "same": words }),
            Edit::Quotation(words) => json!({ "quotation": words }),
            Edit::Text(words) => json!({ "source": words }),
        };
        edits.iter().map(one).collect::<Vec<_>>()
    });
    json!({
        "source": number, "record": record, "result": result,
        "start": place.map(|(start, _)| start), "end": place.map(|(_, end)| end), "percent": percent, "diff": diff,
    })
}
