//! What documents that are to be registered are like, and what an editor should know of that before.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::article::Article;
use crate::index::{SearchIndex, Source};
use crate::likeness::{Sketch, Text};
use crate::look::alike::{IN_PASSING, Registered, misquotes};
use crate::look::basis as reading;
use crate::look::paragraphs::Paragraphs;
use crate::storage::Store;
use crate::verify::{Trust, read_log};

use super::extract::Document;
use super::output::say;
use super::workspace::Workspace;
use crate::view::sanitize;

/// Documents for whose sake alone the newest registrations are looked through.
const FEW: usize = 16;

/// What documents that are to be registered may be like; read when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    registered: Option<Registered>,
    /// Whether these are all of the newest, or those that the first few documents share something with.
    whole: bool,
    /// The index over the log as it was found, which nothing waits for: what it knows may end before the log does.
    index: Option<SearchIndex>,
    /// Entries that it knows.
    known: u64,
}

impl Neighbours {
    /// Notes for each document which registered texts it is like. That these cannot be read is said and stops nothing.
    pub(crate) fn compare(&mut self, workspace: &Workspace, trust: &Trust, documents: Vec<&mut Document>) {
        if documents.is_empty() {
            return;
        }
        let (store, records) = (workspace.reader(), workspace.derived());
        if !self.whole {
            self.whole = self.registered.is_some() || documents.len() > FEW;
            let articles = documents.iter().map(|document| &document.article);
            let paragraphs = (!self.whole).then(|| Paragraphs::of(articles));
            let read = read_log(&store, trust, |reader| {
                let progress = &|_, _| {};
                let source = Source { reader, store: &store, trust, records: &records, progress };
                let (index, known) =
                    SearchIndex::behind(&source).map_or((None, 0), |(index, size)| (Some(index), size));
                (self.index, self.known) = (index, known);
                Registered::read(reader, known, paragraphs.as_ref())
            });
            self.registered = Some(read.unwrap_or_else(|error| {
                let why = sanitize(&error.to_string());
                say(&format!("not compared with what is registered: {why}"));
                Registered::default()
            }));
        }
        let Some(registered) = &self.registered else { return };
        // Which records the index names for each; a fault of it means that there is none.
        let named: Vec<Vec<u64>> = documents
            .iter()
            .map(|document| {
                let sketch = || Sketch::of(&Text::new(&document.article.text));
                let named = self.index.as_ref().and_then(|index| index.likely(&sketch()).ok());
                named.unwrap_or_default().into_iter().take(IN_PASSING.candidates).collect()
            })
            .collect();
        let mut documents = documents;
        documents.par_iter_mut().zip(named).for_each(|(document, named)| {
            let has_text = !document.article.text.is_empty();
            let warnings = has_text.then(|| {
                let mut warnings = registered.warnings(&document.article, &store);
                if !named.is_empty() {
                    let older = read_log(&store, trust, |reader| Registered::those(reader, named.clone()));
                    warnings.extend(
                        older.map(|older| older.warnings(&document.article, &store)).unwrap_or_default(),
                    );
                }
                warnings
            });
            document.alike = Some(warnings.unwrap_or_default());
        });
        for document in documents {
            self.look_for_misquotes(&store, trust, document);
        }
    }

    /// Holds what a document quotes against the sources of the records that it is like: it may be a later version of one of them.
    fn look_for_misquotes(&self, store: &dyn Store, trust: &Trust, document: &mut Document) {
        let Some(warnings) = &mut document.alike else { return };
        let records: BTreeSet<u64> = warnings.iter().map(|warning| warning.record).collect();
        if records.is_empty() || document.article.quotes.is_empty() {
            return;
        }
        let found = read_log(store, trust, |reader| {
            let standings = reading::soon_by(reader, self.index.as_ref(), self.known, &records)?;
            let Some(standings) = standings else { return Ok(Vec::new()) };
            misquotes(reader, store, &standings, &records, &document.article)
        });
        // That these cannot be read stops nothing, and is told by whoever reads them.
        warnings.extend(found.unwrap_or_default());
    }

    /// Notes a document that was registered just now, and its original stored.
    pub(crate) fn learn(&mut self, index: u64, article: &Article) {
        if let Some(registered) = self.registered.as_mut().filter(|_| !article.text.is_empty()) {
            registered.learn(index, article);
        }
    }
}
