//! A search: numbers of records from the index, and what they say from the log.

use std::ops::Range;

use rayon::prelude::*;

use crate::verify::{ReaderError, Record};

use super::{
    Bearing, How, IndexError, Query, RecordState, SearchIndex, Snippet, Source, snippet, stored_text,
};

/// A record that was found in the index, and read from the log.
#[derive(Debug)]
pub struct Hit {
    /// The record.
    pub record: Record,
    /// What became of it.
    pub state: RecordState,
    /// Where the words that were searched for stand.
    pub snippet: Option<Snippet>,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Those on the page that was asked for.
    pub hits: Vec<Hit>,
    /// Records found in all.
    pub total: usize,
    /// The place of the first hit among them.
    pub first: usize,
    /// How the index came to be what it is.
    pub how: How,
}

/// Finds records, and reads those on a page of them from the log: with the entries that the index says bear on them, or, with
/// `whole`, from all of it. `page` gives their places, of how many were found. Whatever is wrong with the index, what is found is
/// what the log says.
///
/// # Errors
/// [`IndexError`].
pub fn search(
    source: &Source<'_>,
    query: &Query,
    whole: bool,
    page: impl Fn(usize) -> Range<usize>,
) -> Result<Found, IndexError> {
    let mut index = SearchIndex::open(source)?;
    let how = index.how();
    let mut last = false;
    loop {
        let numbers = index.find(query).and_then(|all| {
            let page = page(all.len());
            let bearing = match whole {
                true => Err(index.related(&all[page.clone()])?),
                false => Ok(index.bearing_on_state(&all[page.clone()])?),
            };
            Ok((all, page, bearing))
        });
        if let Ok((all, page, bearing)) = numbers {
            let wanted = &all[page.clone()];
            // Nobody needs to wait for what is read from the log.
            drop(index);
            let hits = read(source, query, wanted, bearing)?;
            if hits.len() == wanted.len() || last {
                return Ok(Found { hits, total: all.len(), first: page.start, how });
            }
        } else {
            drop(index);
        }
        // It cannot answer, or what it says is not so.
        let again = if last { None } else { SearchIndex::rebuild(source).ok() };
        index = again.map_or_else(|| SearchIndex::in_memory(source), Ok)?;
        last = true;
    }
}

/// Reads records from the log, with the entries that bear on them, or from all of it; leaves out those that were not asked for.
fn read(
    source: &Source<'_>,
    query: &Query,
    wanted: &[u64],
    bearing: Result<Bearing, Vec<u64>>,
) -> Result<Vec<Hit>, ReaderError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let asked = wanted.iter().copied().collect();
    let mut picked = match bearing {
        Ok(Bearing { keys, entries }) => source.reader.pick_named(&asked, &keys, &entries)?,
        Err(related) => source.reader.pick(&asked, &related.into_iter().collect())?,
    };
    let records: Vec<Record> = wanted.iter().filter_map(|index| picked.records.remove(index)).collect();
    let standings = &picked.standings;
    let hits = records.into_par_iter().filter_map(|record| {
        let registration = record.registration.as_ref().filter(|_| record.is_registered())?;
        let registration = &registration.registration;
        let state = RecordState::of(standings.of(record.index));
        let original = record.entry.original()?;
        let searched = !query.terms.is_empty();
        let text = searched.then(|| stored_text(source.store, &original, registration)).flatten();
        if !query.fits(registration, state, text.as_deref()) {
            return None;
        }
        let snippet = text.and_then(|text| snippet(&text, &query.terms));
        Some(Hit { record, state, snippet })
    });
    Ok(hits.collect())
}
