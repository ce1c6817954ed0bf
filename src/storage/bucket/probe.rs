//! Whether a store keeps writers apart. Some answer 200 to a conditional write and ignore its condition; some heed it
//! for one client, and not when several are at it, or not from one endpoint to the other.

use std::sync::Arc;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectStore, PutMode, UpdateVersion};

use crate::base::encoding::to_hex;
use crate::storage::StoreError;

use super::runtime::wait;
use super::{Found, io_error, is_refusal, read, write};

/// Where a node notes which endpoints it found good.
pub(super) const PROBED: &str = ".local/probed";
/// Writers of one object at once, and objects that are fought for at the same time. Some stores answer writers of one object one a
/// second: more objects show as much, and take less time, than more writers.
const WRITERS: usize = 6;
const ROUNDS: usize = 8;
/// How often a contest is held again in which nobody won, as where a store refuses all while it is busy.
const AGAIN: usize = 5;
/// Bytes of an object that are read back.
const LIMIT: u64 = 1 << 16;

type Endpoints = [(String, Arc<dyn ObjectStore>)];

/// What a probe came to, short of success.
enum Trouble {
    Seen(String),
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Error(error)
    }
}

/// Holds the contests below `prefix`.
pub(super) fn probe(place: &str, endpoints: &Endpoints, prefix: &Path) -> Result<(), StoreError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).expect("internal error: the system gives no randomness");
    let parts: Vec<String> = prefix.parts().map(|part| part.as_ref().to_owned()).collect();
    let folder = [".local".to_owned(), "probe".to_owned(), to_hex(&nonce)];
    let folder = Path::from_iter(parts.into_iter().chain(folder));
    let endpoints = endpoints.to_vec();
    let done = wait(async move {
        let probe = Probe { endpoints: &endpoints, folder };
        let done = probe.all().await;
        // Best effort: what is left there is in nobody's way.
        let names = stream::iter(probe.names().into_iter().map(Ok)).boxed();
        let _ = endpoints[0].1.delete_stream(names).collect::<Vec<_>>().await;
        done
    })?;
    done.map_err(|trouble| match trouble {
        Trouble::Seen(seen) => StoreError::Unsafe { place: place.to_owned(), seen },
        Trouble::Error(error) => io_error("probe", place, error),
    })
}

struct Probe<'a> {
    endpoints: &'a Endpoints,
    folder: Path,
}

impl Probe<'_> {
    fn named(&self, name: &str) -> Path {
        self.folder.clone().join(name)
    }

    fn names(&self) -> Vec<Path> {
        let contests = (0..ROUNDS).flat_map(|round| (0..=AGAIN).map(move |again| (round, again)));
        let contests = contests.map(|(round, again)| self.contested(round, again));
        let single = (0..self.endpoints.len()).map(|number| self.named(&format!("single-{number}")));
        contests.chain(single).collect()
    }

    fn contested(&self, round: usize, again: usize) -> Path {
        self.named(&format!("contest-{round}-{again}"))
    }

    fn at(&self, number: usize) -> (&str, &dyn ObjectStore) {
        let (name, client) = &self.endpoints[number % self.endpoints.len()];
        (name, &**client)
    }

    async fn all(&self) -> Result<(), Trouble> {
        try_join_all((0..self.endpoints.len()).map(|number| self.one_after_the_other(number))).await?;
        try_join_all((0..ROUNDS).map(|round| self.contest(round))).await?;
        Ok(())
    }

    /// What was written by one endpoint is looked at by the next.
    async fn one_after_the_other(&self, number: usize) -> Result<(), Trouble> {
        let path = self.named(&format!("single-{number}"));
        let ((name, here), (other, there)) = (self.at(number), self.at(number + 1));
        let seen = |what: &str| Err(Trouble::Seen(format!("{name}: {what}")));
        let elsewhere = |what: &str| Err(Trouble::Seen(format!("{other}: {what}")));
        let never = UpdateVersion {
            e_tag: Some("\"00000000000000000000000000000000\"".into()),
            version: Some("1".into()),
        };
        if refused(write(here, &path, b"0".to_vec(), PutMode::Update(never)).await)?.is_some() {
            return seen("an object that was not there was written under the condition that it is there");
        }
        if refused(write(here, &path, b"1".to_vec(), PutMode::Create).await)?.is_none() {
            return seen("a new object was refused as if it were there");
        }
        if refused(write(there, &path, b"2".to_vec(), PutMode::Create).await)?.is_some() {
            return elsewhere("an object that was there was written under the condition that there is none");
        }
        let Some(first) = look(there, &path).await? else {
            return elsewhere("an object that was just written is not there");
        };
        if first.bytes != b"1" {
            return elsewhere("a refused write changed an object");
        }
        if refused(write(there, &path, b"3".to_vec(), PutMode::Update(first.version.clone())).await)?
            .is_none()
        {
            return elsewhere("a write was refused whose condition held");
        }
        if refused(write(here, &path, b"4".to_vec(), PutMode::Update(first.version)).await)?.is_some() {
            return seen("an object was replaced under the condition that it is another");
        }
        match look(here, &path).await? {
            Some(found) if found.bytes == b"3" => Ok(()),
            _ => seen("what was written last is not what is there"),
        }
    }

    /// Many at once create one object, then replace it: one of them may win each time.
    async fn contest(&self, round: usize) -> Result<(), Trouble> {
        for again in 0..=AGAIN {
            let path = self.contested(round, again);
            if !self.have_a_winner(&path, "create", || PutMode::Create).await? {
                continue;
            }
            let Some(found) = look(self.at(0).1, &path).await? else {
                return Err(Trouble::Seen("an object that was just created is not there".into()));
            };
            if self.have_a_winner(&path, "replace", || PutMode::Update(found.version.clone())).await? {
                return Ok(());
            }
        }
        let again = AGAIN + 1;
        Err(Trouble::Seen(format!(
            "of {WRITERS} that wrote one object at once none won, {again} times in a row"
        )))
    }

    async fn have_a_winner(
        &self,
        path: &Path,
        what: &str,
        mode: impl Fn() -> PutMode,
    ) -> Result<bool, Trouble> {
        let body = |number: usize| format!("{what} {number}").into_bytes();
        let tries = (0..WRITERS).map(|number| write(self.at(number).1, path, body(number), mode()));
        let mut won = Vec::new();
        for (number, result) in join_all(tries).await.into_iter().enumerate() {
            if refused(result)?.is_some() {
                won.push(number);
            }
        }
        let [winner] = won.as_slice() else {
            if won.is_empty() {
                return Ok(false);
            }
            let names: Vec<&str> = self.endpoints.iter().map(|(name, _)| name.as_str()).collect();
            return Err(Trouble::Seen(format!(
                "{} of {WRITERS} writers were told that they alone had written one object ({what}), at {}",
                won.len(),
                names.join(" and ")
            )));
        };
        for number in 0..self.endpoints.len() {
            let (name, client) = self.at(number);
            if look(client, path).await?.is_none_or(|found| found.bytes != body(*winner)) {
                return Err(Trouble::Seen(format!(
                    "{name}: what is there is not what the winner wrote ({what})"
                )));
            }
        }
        Ok(true)
    }
}

async fn look(client: &dyn ObjectStore, path: &Path) -> Result<Option<Found>, Error> {
    Ok(read(client, path, LIMIT).await?.and_then(Result::ok))
}

/// Returns what a write came to; `None` if its condition did not hold.
fn refused<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
