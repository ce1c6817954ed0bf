//! Appending on a store to which others append at the same time: who is overtaken goes on from what they made of the log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::base::Hash;
use crate::storage::Store;
use crate::tlog::leaf_hash;

use super::commit::Carried;
use super::{AppendError, Appended, Log, NewRecord, OpenError, SignCheckpoint, shared};

/// How often others may be faster before one gives up.
const RACES: u32 = 1_000;
/// How often a store may fail in a row.
const FAILURES: u32 = 12;
/// How long one waits, about, after a race that was lost, and after a store that failed, the first time and at most.
const AFTER_RACE: Duration = Duration::from_millis(5);
const AFTER_FAILURE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Records that are not in the log yet, as far as is known, with their places among those asked for.
type Waiting = Vec<(usize, NewRecord)>;

impl<'a> Log<'a> {
    /// As [`Log::append`], for as long as others are faster.
    pub(super) fn append_among_others(
        &mut self,
        own: &dyn Store,
        records: Vec<NewRecord>,
        sign: SignCheckpoint<'_>,
    ) -> Result<Vec<Appended>, AppendError> {
        let mut outcomes: Vec<Option<Appended>> = vec![None; records.len()];
        let mut waiting: Waiting = records.into_iter().enumerate().collect();
        if let Some(time) = self.contended.take() {
            // Who has the log at hand is always faster than who was overtaken: the others are let have a turn.
            shared::pause(time);
        }
        let (mut races, mut failures) = (0, 0);
        while !waiting.is_empty() {
            let begun = Instant::now();
            let mut contended = false;
            let some = waiting.iter().map(|(_, record)| record.clone()).collect();
            let tried = self.append_here(some, sign, |commit, store, old| {
                let done = shared::carry_out(commit, store, own, old)?;
                contended = done.contended;
                Ok(Carried { head: done.head, bundle: done.bundle, last_openings: None, left: None })
            });
            let error = match tried {
                Ok(appended) => {
                    for ((place, _), outcome) in waiting.drain(..).zip(appended) {
                        outcomes[place] = Some(outcome);
                    }
                    self.contended = contended.then(|| shared::took(begun));
                    break;
                }
                Err(error) => error,
            };
            let raced = matches!(error, AppendError::Raced { .. });
            match &error {
                AppendError::Raced { .. } => races += 1,
                AppendError::NotAppended(_) | AppendError::Unknown(_) | AppendError::Unpublished { .. } => {
                    failures += 1;
                }
                _ => return Err(error),
            }
            if races > RACES || failures > FAILURES {
                return Err(error);
            }
            if !raced {
                tracing::warn!(error = %shown(&error), "the store failed: trying again");
            }
            match raced {
                true => shared::pause(AFTER_RACE),
                false => shared::pause(after(failures)),
            }
            let since = self.size();
            self.look_again(&mut failures)?;
            self.find_again(since, &mut waiting, &mut outcomes, &mut failures)?;
        }
        self.usable = true;
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// Opens the log anew.
    fn look_again(&mut self, failures: &mut u32) -> Result<(), AppendError> {
        loop {
            let opened = match Log::open(self.store, self.policy, &self.roots) {
                // The first commit of all did not come to pass.
                Err(OpenError::NoLog) if self.head.bytes.is_none() => {
                    let origin = self.head.checkpoint.origin().clone();
                    Log::create(self.store, self.policy, origin, &self.roots)
                }
                opened => opened,
            };
            match opened {
                Ok(log) => {
                    *self = log;
                    return Ok(());
                }
                Err(OpenError::Store(error)) if *failures < FAILURES => {
                    *failures += 1;
                    tracing::warn!(error = %shown(&error), "the store failed: trying again");
                    shared::pause(after(*failures));
                }
                Err(error) => return Err(AppendError::NotReadAgain(Box::new(error))),
            }
        }
    }

    /// Takes out of `waiting` what is among the entries from `since` on, byte for byte: this writer's own commit of which no
    /// answer came, or that of another who was given the same.
    fn find_again(
        &mut self,
        since: u64,
        waiting: &mut Waiting,
        outcomes: &mut [Option<Appended>],
        failures: &mut u32,
    ) -> Result<(), AppendError> {
        while self.size() > since {
            let entries = match self.entries_since(since) {
                Ok(entries) => entries,
                Err(error) => {
                    *failures += 1;
                    if *failures > FAILURES {
                        return Err(error);
                    }
                    shared::pause(after(1));
                    self.look_again(failures)?;
                    continue;
                }
            };
            let there: HashMap<Hash, u64> =
                entries.iter().rev().map(|(index, bytes)| (leaf_hash(bytes), *index)).collect();
            waiting.retain(|(place, record)| match there.get(&leaf_hash(&record.entry.bytes)) {
                Some(index) => {
                    outcomes[*place] = Some(Appended::Registered(*index));
                    false
                }
                None => true,
            });
            break;
        }
        Ok(())
    }

    /// Reads the entries from `since` on. The partial bundle is at hand: others remove it as they go on, and where they are many
    /// it would be gone each time.
    fn entries_since(&self, since: u64) -> Result<Vec<(u64, Vec<u8>)>, AppendError> {
        let full = self.edge.entries_in_full_bundles();
        let mut entries = match since < full {
            true => shared::entries(self.store, since, full).map_err(AppendError::Unknown)?,
            false => Vec::new(),
        };
        let partial = self.edge.map_entries(|index, bytes| Ok((index, bytes.to_vec())));
        let partial = partial.map_err(|error| AppendError::NotReadAgain(Box::new(error)))?;
        entries.extend(partial.into_iter().filter(|(index, _)| *index >= since));
        Ok(entries)
    }
}

/// How long to wait after so many failures.
fn after(failures: u32) -> Duration {
    (AFTER_FAILURE.0 * 2_u32.saturating_pow(failures.saturating_sub(1).min(10))).min(AFTER_FAILURE.1)
}

fn shown(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
}
