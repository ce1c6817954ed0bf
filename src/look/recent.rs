//! What was registered of late, for whoever registers one document after the other: kept in memory, as the search index follows
//! the log only now and then, and reading the log for each document would cost more than all else.
//!
//! It keeps of a document the digests of what it says, and who is credited; nothing of one of which something was erased.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::article::Article;
use crate::index::{IndexError, SearchIndex, Source};
use crate::likeness::{Sketch, Text};
use crate::record::Body;
use crate::verify::ReaderError;

use super::alike::{Bounds, IN_PASSING, Registered, Warning};

/// Documents that are remembered while the index does not know them.
const REMEMBERED_MAX: usize = 4_096;

/// Documents that wait to be noted.
const NEW_MAX: usize = 512;

/// What was registered of late.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: Mutex<Kept>,
    new: Mutex<New>,
}

/// What was learnt and not yet noted.
#[derive(Debug, Default)]
struct New {
    articles: Vec<(u64, Arc<Article>)>,
    /// Whether something was erased: what was noted before may be what it was.
    erased: bool,
}

#[derive(Debug, Default)]
struct Kept {
    registered: Registered,
    /// Entries that were noted, or are nothing to note.
    looked: BTreeSet<u64>,
    index: Option<Opened>,
}

/// The search index, as it was opened last.
#[derive(Debug)]
struct Opened {
    index: SearchIndex,
    mark: Option<(u64, i64)>,
    /// Entries that it knows, at least.
    size: u64,
}

impl Recent {
    /// Takes note of documents that were registered just now, and their originals stored; and whether something was erased along with
    /// them. Waits for nobody who reads: what is too much is read from the log later.
    pub(crate) fn learn(&self, articles: Vec<(u64, Arc<Article>)>, erases: bool) {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.erased |= erases;
        let room = NEW_MAX.saturating_sub(new.articles.len());
        new.articles.extend(articles.into_iter().take(room));
    }

    /// Returns what an editor should know of a document that is being registered: by the index as it is, and by the newest
    /// entries that it does not know. Nothing is waited for. What is said of the document itself, if it is registered, is left
    /// out.
    ///
    /// # Errors
    /// [`IndexError`], where the log or the index cannot be read now.
    pub(crate) fn warnings(
        &self,
        source: &Source<'_>,
        article: &Article,
    ) -> Result<Vec<Warning>, IndexError> {
        if article.text.is_empty() {
            return Ok(Vec::new());
        }
        let text = Text::new(&article.text);
        let sketch = Sketch::of(&text);
        let original = article.digests.original;
        let (recent, named) = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.note(std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner)));
            kept.follow(source)?;
            let mut near = kept.registered.sharing(&sketch);
            near.truncate(IN_PASSING.candidates);
            let index = kept.index.as_ref().map(|opened| &opened.index);
            let mut named = match index {
                Some(index) => index.likely(&sketch)?,
                None => Vec::new(),
            };
            named.retain(|record| !kept.looked.contains(record));
            named.truncate(IN_PASSING.candidates);
            (kept.registered.only(&near, &original), named)
        };
        let mut warnings = recent.warnings_of_text(article, &text, source.store);
        if !named.is_empty() {
            let others = Registered::those(source.reader, named.clone())?.only(&named, &original);
            warnings.extend(others.warnings_of_text(article, &text, source.store));
        }
        Ok(warnings)
    }
}

impl Kept {
    fn note(&mut self, New { articles, erased }: New) {
        if erased {
            (self.registered, self.looked) = Default::default();
            return;
        }
        for (index, article) in articles {
            if self.looked.insert(index) {
                self.registered.remember(index, &article);
            }
        }
    }

    /// Opens the index again where it changed, forgets what it knows, and notes what of the newest entries was not yet.
    fn follow(&mut self, source: &Source<'_>) -> Result<(), ReaderError> {
        let mark = SearchIndex::mark(source.records);
        if self.index.as_ref().is_none_or(|opened| opened.mark != mark) {
            // While it is being written it cannot be opened: the one that is open gives what it has.
            if let Some((index, size)) = SearchIndex::behind(source) {
                self.index = Some(Opened { index, mark, size });
                self.registered.forget_before(size);
                self.looked = self.looked.split_off(&size);
            }
        }
        let known = self.index.as_ref().map_or(0, |opened| opened.size);
        let size = source.reader.size();
        let first = known.max(size.saturating_sub(IN_PASSING.records as u64));
        while let Some(from) = (first..size).find(|index| !self.looked.contains(index)) {
            let to = self.looked.range(from..size).next().copied().unwrap_or(size);
            let Kept { registered, .. } = self;
            let looked = &mut self.looked;
            source.reader.entries_in(
                from..to,
                |_| true,
                |index, entry, openings| {
                    // Noted once, also if what follows cannot be read.
                    if !looked.insert(index) {
                        return;
                    }
                    if let Body::Erasure(erasure) = &entry.body {
                        registered.forget(erasure.entry);
                    }
                    registered.note_read(
                        index,
                        &entry,
                        openings,
                        Bounds { records: REMEMBERED_MAX, ..IN_PASSING },
                    );
                },
            )?;
            self.looked.extend(from..to);
        }
        self.bound();
        Ok(())
    }

    fn bound(&mut self) {
        if self.looked.len() > REMEMBERED_MAX + REMEMBERED_MAX / 4
            && let Some(first) = self.looked.iter().rev().nth(REMEMBERED_MAX).copied()
        {
            self.registered.forget_before(first);
            self.looked = self.looked.split_off(&first);
        }
    }
}
