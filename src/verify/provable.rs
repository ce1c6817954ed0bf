//! What a proof says of an entry, made ready before it is known where in the log the entry is: that takes a core longer than to
//! prove that it is there.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::record::{Body, Entry, EntryError, NewEntry, SealedEntry};

use super::proof::fault;
use super::reader::{Record, open_registration};
use super::withhold::{Withheld, WithholdError, withhold};

/// An entry that can be proven once it is in a log.
#[derive(Debug)]
pub struct Provable {
    pub(super) bytes: Vec<u8>,
    pub(super) entry: Entry,
    /// Why it cannot be relied on, whoever signed it.
    pub(super) holds: Result<(), String>,
    pub(super) predicate: Value,
    /// The openings that the proof has, and what is withheld.
    pub(super) opened: Result<(Vec<String>, Vec<Withheld>), WithholdError>,
    /// Commitments, by JSON Pointer, whose openings are not at hand.
    pub(super) closed: Vec<String>,
}

impl Provable {
    /// Takes a sealed entry apart, with all its openings.
    ///
    /// # Errors
    /// [`EntryError`] if it has not the form of an entry. What else is wrong with it is told when it is to be proven.
    pub fn new(sealed: SealedEntry) -> Result<Self, EntryError> {
        let NewEntry { bytes, openings, .. } = sealed.into_entry();
        Self::of_bytes(bytes, &openings, &[])
    }

    /// Takes an entry apart, but for the openings of the fields to withhold.
    pub(super) fn of_bytes(
        bytes: Vec<u8>,
        openings: &[String],
        withheld: &[String],
    ) -> Result<Self, EntryError> {
        let entry = Entry::parse(&bytes)?;
        let fit = open_registration(&entry, openings).1;
        Ok(Self::of(entry, bytes, openings, fit, withheld))
    }

    /// The same, of a record that was read.
    pub(super) fn of_record(record: Record, withheld: &[String]) -> Self {
        let Record { entry, bytes, openings, openings_fit, .. } = record;
        Self::of(entry, bytes, &openings, openings_fit, withheld)
    }

    fn of(
        entry: Entry,
        bytes: Vec<u8>,
        openings: &[String],
        openings_fit: Result<(), String>,
        withheld: &[String],
    ) -> Self {
        let holds = openings_fit.and_then(|()| fault(&entry).map_or(Ok(()), Err));
        let predicate = entry.predicate();
        let opened = withhold(&predicate, openings, withheld);
        let closed = match &entry.body {
            Body::Sealed(_) => Vec::new(),
            _ => entry.open::<IgnoredAny>(openings).map(|opened| opened.withheld).unwrap_or_default(),
        };
        Provable { bytes, entry, holds, predicate, opened, closed }
    }
}
