//! Which of the records that an index names for a text are worth a look into the log: those whose stored texts are most like it.
//!
//! To prove what the log says of a record takes its bundle, its file of openings and some tiles; to read a stored original takes
//! one file. What an index names wrongly is left out here; what is left is still read from the log, and held against the text again.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::index::{IndexError, SearchIndex};
use crate::likeness::{Likeness, Text, compare};
use crate::storage::Store;

use super::alike::text_of;
use super::document::{Answer, SHOWN_MAX, how};

/// Returns those of `named` that an answer on `document` can rest on: the most similar, and those whose text is not at hand.
///
/// # Errors
/// [`IndexError::Database`].
pub(super) fn nearest(
    index: &SearchIndex,
    store: &dyn Store,
    document: &Text<'_>,
    named: Vec<u64>,
) -> Result<BTreeSet<u64>, IndexError> {
    let stored = named.into_iter().map(|record| Ok((record, index.stored(record)?)));
    let stored: Vec<_> = stored.collect::<Result<_, IndexError>>()?;
    let judged: Vec<(u64, Option<Likeness>)> = stored
        .into_par_iter()
        .map(|(record, stored)| {
            let text = stored.and_then(|stored| text_of(store, &stored).ok());
            (record, text.map(|text| compare(document, &Text::new(&text))))
        })
        .collect();
    let mut near = BTreeSet::new();
    let mut ranked = Vec::new();
    for (record, likeness) in judged {
        let Some(likeness) = likeness else {
            near.insert(record);
            continue;
        };
        let (answer, how) = how(likeness, String::new());
        let (ours, theirs) = how.shares.unwrap_or_default();
        ranked.push((answer, std::cmp::Reverse(ours + theirs), record));
    }
    ranked.sort_unstable();
    let strongest = ranked.first().map_or(Answer::Unknown, |(answer, ..)| *answer);
    // Of those that are not the strongest an editor is warned all the same, of the similar ones.
    let told = ranked.into_iter().filter(|(answer, ..)| {
        *answer < Answer::Unknown && (*answer == strongest || *answer <= Answer::Similar)
    });
    near.extend(told.map(|(.., record)| record).take(SHOWN_MAX));
    Ok(near)
}
