//! What a page reads of one record, and how a record is listed.

use std::collections::HashMap;

use crate::base::Hash;
use crate::index::{RecordState, Snippet};
use crate::record::registration::OpenedRegistration;
use crate::record::{Entry, KeyStatement};
use crate::verify::ReaderError;

use super::words::Words;
use super::{Read, shown};

/// Characters of a title that are shown in a list.
const TITLE_MAX: usize = 200;
/// Characters of a name that are shown in a list.
const NAME_MAX: usize = 80;
/// Names of one sort that are shown in a list.
const NAMES_MAX: usize = 4;

/// A record as it was read, through the hashes that lead to the checkpoint.
pub(super) struct Opened {
    pub(super) index: u64,
    pub(super) entry: Entry,
    pub(super) openings: Vec<String>,
    /// A registration, with what is disclosed of it.
    pub(super) registration: Option<OpenedRegistration>,
    /// Why its openings do not fit; none is then shown.
    pub(super) misfit: Option<String>,
}

impl Opened {
    pub(super) fn read(read: &Read<'_>, index: u64) -> Result<Self, ReaderError> {
        let (entry, openings) = read.reader.entry(index)?;
        if entry.original().is_none() {
            return Ok(Opened { index, entry, openings, registration: None, misfit: None });
        }
        let (registration, misfit) = match entry.open_registration(&openings) {
            Ok(opened) => (Some(opened), None),
            Err(why) => (entry.open_registration(&[]).ok(), Some(why.to_string())),
        };
        Ok(Opened { index, entry, openings, registration, misfit })
    }

    /// Returns the title, as it is shown.
    pub(super) fn title(&self, width: usize) -> Option<String> {
        let registration = &self.registration.as_ref()?.registration;
        registration.title.first().map(|title| shown(&title.value, width))
    }
}

/// What a state is to a reader: `bad`, `open`, `good` or `plain`.
pub(super) fn tone(state: RecordState) -> &'static str {
    match state {
        RecordState::Killed | RecordState::TakenDown | RecordState::Retracted | RecordState::Refuted => "bad",
        RecordState::Disputed | RecordState::Corrected | RecordState::Superseded | RecordState::Updated => {
            "open"
        }
        RecordState::Verified | RecordState::Corroborated => "good",
        _ => "plain",
    }
}

/// One piece of a text, highlighted or not.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) marked: bool,
}

/// A record, as it is listed.
pub(super) struct Row {
    pub(super) index: u64,
    pub(super) title: Option<String>,
    pub(super) language: Option<String>,
    /// `None` for one that is withheld.
    pub(super) origins: Vec<Option<String>>,
    pub(super) bylines: Vec<Option<String>>,
    pub(super) more_origins: usize,
    pub(super) state: RecordState,
    pub(super) published: Option<String>,
    pub(super) recorded: String,
    /// Whether its signer may have signed, and did.
    pub(super) holds: bool,
    pub(super) snippet: Vec<Piece>,
}

impl Row {
    /// Reads the registration at `index`; `None` for another record.
    pub(super) fn read(read: &Read<'_>, w: &Words, index: u64) -> Result<Option<Self>, ReaderError> {
        Ok(Row::of(read, w, &Opened::read(read, index)?))
    }

    pub(super) fn of(read: &Read<'_>, w: &Words, opened: &Opened) -> Option<Self> {
        let registration = &opened.registration.as_ref()?.registration;
        let origins = registration.claimed_origins.iter().take(NAMES_MAX);
        let bylines = registration.bylines.iter().take(NAMES_MAX);
        Some(Row {
            index: opened.index,
            title: opened.title(TITLE_MAX),
            language: registration.language.as_ref().map(|language| shown(&language.tag, 20)),
            origins: origins.map(|one| one.opened().map(|one| shown(&one.as_printed, NAME_MAX))).collect(),
            bylines: bylines.map(|one| one.opened().map(|one| shown(&one.as_printed, NAME_MAX))).collect(),
            more_origins: registration.claimed_origins.len().saturating_sub(NAMES_MAX),
            state: RecordState::of(read.known.standings.of(opened.index)),
            published: registration.published_at.as_ref().map(|date| shown(&date.value, 30)),
            recorded: w.day(&registration.recorded_at),
            holds: read.known.entry(opened.index).is_some_and(|seen| seen.holds) && opened.misfit.is_none(),
            snippet: Vec::new(),
        })
    }

    /// Shows where the words that were searched for stand.
    pub(super) fn with(mut self, snippet: Option<&Snippet>) -> Self {
        let Some(snippet) = snippet else { return self };
        let chars: Vec<char> = snippet.text.chars().collect();
        let piece = |from: usize, to: usize, marked| {
            let text: String = chars.get(from..to.min(chars.len())).unwrap_or_default().iter().collect();
            Piece { text: shown(&text, 400), marked }
        };
        let mut at = 0;
        for (from, to) in &snippet.marks {
            self.snippet.push(piece(at, *from, false));
            self.snippet.push(piece(*from, *to, true));
            at = *to;
        }
        self.snippet.push(piece(at, chars.len(), false));
        self
    }

    pub(super) fn tone(&self) -> &'static str {
        tone(self.state)
    }

    /// Returns the word for its state, unless nothing was said of it.
    pub(super) fn state_word(&self, w: &Words) -> Option<String> {
        (self.state != RecordState::Claimed).then(|| w.word("state", self.state.word()))
    }
}

/// The names of keys, as far as they are disclosed: each is read once a page.
#[derive(Default)]
pub(super) struct Names(HashMap<Hash, Option<String>>);

/// A key, as it is shown.
pub(super) struct Who {
    /// The first sixteen digits of its id.
    pub(super) key: String,
    pub(super) name: Option<String>,
}

impl Names {
    pub(super) fn of(&mut self, read: &Read<'_>, key_id: &Hash) -> Result<Who, ReaderError> {
        let name = match self.0.get(key_id) {
            Some(name) => name.clone(),
            None => {
                let name =
                    read.known.state.key(key_id).map(|key| name_in(read, key.enrolled_at)).transpose()?;
                let name = name.flatten();
                self.0.insert(*key_id, name.clone());
                name
            }
        };
        Ok(Who { key: format!("{}…", &key_id.to_hex()[..16]), name })
    }
}

/// Reads whom the statement about a key at `index` names.
pub(super) fn name_in(read: &Read<'_>, index: u64) -> Result<Option<String>, ReaderError> {
    let (entry, openings) = read.reader.entry(index)?;
    let statement = entry.open::<KeyStatement>(&openings).ok();
    Ok(statement.and_then(|opened| opened.value.name).map(|name| shown(&name, NAME_MAX)))
}
