//! `dateline quotes`

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::article::passage::{Edit, Found};
use crate::article::{Format, Quotation, claims_of, extract::Extract};
use crate::index;
use crate::look::basis;
use crate::record::Registration;
use crate::record::lineage::Lineage;
use crate::verify::read_log_as;
use crate::view::{sanitize, sanitize_to};

use super::args::{QuotesArgs, TrustArgs};
use super::asked::Asked;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::Output;
use super::workspace::Workspace;
use crate::look::quoted::{Checked, Source, Texts, Verdict, WORDS_MAX, check, diff, registrations, sources};

const NOT_ESTABLISHED: [&str; 2] = [
    "that anybody said what a source says that he said",
    "that a misquote was never said: it stands in none of the sources that the log names",
];

pub(crate) fn run(workspace: &Workspace, args: &QuotesArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let asked = Asked::of(&args.record)?;
    let records = workspace.derived();
    let (record, original, registrations, sources, basis) = read_log_as(&store, &trust, |reader| {
        let source =
            index::Source { reader, store: &store, trust: &trust, records: &records, progress: &|_, _| {} };
        let told = basis::relations(&source, |index| asked.records(index), index::Ways::ON, args.whole_log)?;
        let lineage = Lineage::of(&told.standings);
        let root = asked.node(&lineage, reader.size())?;
        let record = match asked {
            Asked::Record(record) => record,
            Asked::File(..) => lineage.document(root).map_or(0, |document| document.record()),
        };
        let sources = sources(&lineage, root);
        let registrations = registrations(reader, &sources, Some(record))?;
        let original = lineage.document(root).map(|document| document.original);
        Ok::<_, Failure>((record, original, registrations, sources, told.basis))
    })?;
    let texts = Texts { store: &store, registrations: &registrations };
    let own = original.map(|original| texts.of(record, &original));
    let own = own.unwrap_or_else(|| Err("it is not registered".into()));
    let quotes = quotes(registrations.get(&record), own.as_ref())?;
    let text = own.as_ref().ok().map(|(_, _, extract)| extract.text.as_str());
    let checked = check(quotes, text, &sources, &texts);
    let json = || {
        let mut json = checked.json(record);
        basis.put(&mut json);
        json
    };
    output.print(|| checked.text(record), json)?;
    Ok(match () {
        () if checked.count(Verdict::Misquote) > 0 => Exit::Invalid,
        () if checked.count(Verdict::CouldNotCheck) > 0 => Exit::Unavailable,
        () => Exit::Success,
    })
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

impl Checked<'_> {
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
