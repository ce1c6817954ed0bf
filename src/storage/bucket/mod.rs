//! A prefix of a bucket: S3 and what speaks its protocol, Google Cloud Storage, Azure, through the `object_store` crate.
//!
//! Any number of writers may have it open. Nothing keeps them apart but conditional writes: an object is created only
//! if there is none (`If-None-Match: *`), and replaced only if it is the one that was read (`If-Match`). Not every store
//! keeps that promise, so a writer probes before it trusts one. No clock is trusted, nor is there a lock.
//!
//! After a refusal, and after an answer that never came, the object is read back and compared: a write that was sent
//! again can collide with itself.
//!
//! Relied on: a read that begins after a write was answered finds it, or a later one; so does a listing.

mod address;
mod probe;
mod requests;
mod runtime;
mod versions;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult, UpdateVersion,
};

use crate::base::Hash;

use super::{FileStore, Key, Listing, Object, Store, StoreError};

pub use address::{AddressError, Bucket, Settings};
pub use requests::Requests;
use runtime::wait;
pub use versions::{Kept, LeftVersion, Swept, VersionsError};

/// Requests that are on their way at a time.
const AT_A_TIME: usize = 32;
/// How often a conditional write is tried that was refused although its condition holds: another was on its way.
const CONFLICTS: u32 = 20;
/// Objects whose versions are remembered.
const REMEMBERED: usize = 1_024;

/// The objects below a prefix of a bucket, opened for reading, or for writing by any number of processes.
pub struct BucketStore {
    client: Arc<dyn ObjectStore>,
    prefix: Path,
    /// As it is shown.
    place: String,
    /// Held while open for writing: what this node keeps for itself.
    own: Option<FileStore>,
    /// The versions of what was read or written last, by the digests of the bytes.
    seen: Mutex<HashMap<Key, (Hash, UpdateVersion)>>,
}

/// An object as it was read.
struct Found {
    bytes: Vec<u8>,
    version: UpdateVersion,
}

fn io_error(op: &'static str, place: &str, source: Error) -> StoreError {
    StoreError::Io { op, path: PathBuf::from(place), source: std::io::Error::other(source) }
}

/// Returns whether the condition of a write did not hold, as far as the store says.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. })
}

async fn read(
    client: &dyn ObjectStore,
    path: &Path,
    limit: u64,
) -> Result<Option<Result<Found, u64>>, Error> {
    match client.get(path).await {
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.meta.size > limit => Ok(Some(Err(found.meta.size))),
        Ok(found) => {
            let version =
                UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok(Some(Ok(Found { bytes: found.bytes().await?.to_vec(), version })))
        }
    }
}

async fn write(
    client: &dyn ObjectStore,
    path: &Path,
    bytes: Vec<u8>,
    mode: PutMode,
) -> Result<PutResult, Error> {
    client.put_opts(path, PutPayload::from(bytes), mode.into()).await
}

impl fmt::Debug for BucketStore {
    // A client shows its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl BucketStore {
    fn new(client: Arc<dyn ObjectStore>, prefix: Path, place: String, own: Option<FileStore>) -> Self {
        BucketStore { client, prefix, place, own, seen: Mutex::default() }
    }

    fn path(&self, key: &Key) -> Path {
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        Path::from_iter(parts.chain(key.as_str().split('/').map(str::to_owned)))
    }

    fn shown(&self, key: &Key) -> String {
        format!("{}/{key}", self.place)
    }

    fn writable(&self, key: &Key) -> Result<(), StoreError> {
        match self.own {
            Some(_) => Ok(()),
            None => Err(StoreError::ReadOnly { key: key.clone() }),
        }
    }

    /// Tiles and originals are never replaced.
    fn is_replaced(key: &Key) -> bool {
        !(key.as_str().starts_with("tile/") || key.as_str().starts_with("content/"))
    }

    fn remember(&self, key: &Key, bytes: &[u8], version: UpdateVersion) {
        if Self::is_replaced(key) && version.e_tag.is_some() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
            seen.insert(key.clone(), (Hash::of(bytes), version));
        }
    }

    fn forget(&self, key: &Key) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn fetch(&self, key: &Key, limit: u64) -> Result<Option<Found>, StoreError> {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        let found = wait(async move { read(&*client, &path, limit).await })?;
        match found.map_err(|error| io_error("read", &self.shown(key), error))? {
            None => {
                self.forget(key);
                Ok(None)
            }
            Some(Err(size)) => Err(StoreError::TooLarge { key: key.clone(), size, limit }),
            Some(Ok(found)) => {
                self.remember(key, &found.bytes, found.version.clone());
                Ok(Some(found))
            }
        }
    }

    /// Returns the version under which an object has these bytes; `None` if it has others.
    fn version_of(&self, key: &Key, bytes: &[u8]) -> Result<Option<UpdateVersion>, StoreError> {
        {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((hash, version)) = seen.get(key)
                && *hash == Hash::of(bytes)
            {
                return Ok(Some(version.clone()));
            }
        }
        let found = self.fetch(key, u64::MAX)?;
        Ok(found.filter(|found| found.bytes == bytes).map(|found| found.version))
    }

    /// Writes one object under a condition; `None` if the store refused.
    fn try_write(&self, key: &Key, bytes: &[u8], mode: PutMode) -> Result<Option<()>, StoreError> {
        let (client, path, sent) = (Arc::clone(&self.client), self.path(key), bytes.to_vec());
        match wait(async move { write(&*client, &path, sent, mode).await })? {
            Ok(done) => {
                self.remember(key, bytes, done.into());
                Ok(Some(()))
            }
            Err(error) => {
                self.forget(key);
                if is_refusal(&error) { Ok(None) } else { Err(io_error("write", &self.shown(key), error)) }
            }
        }
    }

    /// Creates objects that must not change once they are there.
    fn create_all(&self, objects: &[Object]) -> Result<(), StoreError> {
        let todo: Vec<(Object, Path)> =
            objects.iter().map(|object| (object.clone(), self.path(&object.key))).collect();
        let client = Arc::clone(&self.client);
        let one = move |(object, path): (Object, Path)| {
            let client = Arc::clone(&client);
            async move {
                let failed = |error| (object.key.clone(), error);
                for _ in 0..CONFLICTS {
                    let written = write(&*client, &path, object.bytes.clone(), PutMode::Create).await;
                    let error = match written {
                        Ok(_) => return Ok(true),
                        Err(error) => error,
                    };
                    match read(&*client, &path, object.bytes.len() as u64).await {
                        Ok(Some(Ok(found))) if found.bytes == object.bytes => return Ok(true),
                        Ok(Some(_)) => return Ok(false),
                        // Refused, and yet not there: another was on its way, or it was removed just now.
                        Ok(None) if is_refusal(&error) => {}
                        _ => return Err(failed(error)),
                    }
                }
                let source = "it is refused, and yet not there".into();
                Err(failed(Error::Generic { store: "the store", source }))
            }
        };
        let done = wait(async move {
            let all = stream::iter(todo).map(move |object| {
                let key = object.0.key.clone();
                let one = one(object);
                async move { one.await.map(|same| (key, same)) }
            });
            all.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await
        })?;
        for one in done {
            match one {
                Ok((_, true)) => {}
                Ok((key, false)) => return Err(StoreError::Immutable { key }),
                Err((key, error)) => return Err(io_error("write", &self.shown(&key), error)),
            }
        }
        Ok(())
    }

    /// Returns the names of what lies below `folder`, each with its entity tag.
    fn names(&self, folder: &str) -> Result<Vec<(String, String)>, StoreError> {
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        let more = folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned);
        let prefix = Path::from_iter(parts.chain(more));
        let (client, below) = (Arc::clone(&self.client), self.prefix.clone());
        let found: Result<Vec<(String, String)>, Error> = wait(async move {
            let all = client.list(Some(&prefix)).map_ok(|meta| {
                let parts = meta.location.prefix_match(&below);
                let name = parts.map_or_else(
                    || meta.location.to_string(),
                    |parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
                );
                (name, meta.e_tag.unwrap_or_else(|| format!("{} {}", meta.size, meta.last_modified)))
            });
            all.try_collect().await
        })?;
        found.map_err(|error| io_error("list", &self.place, error))
    }

    fn overwrite_all(&self, objects: &[Object]) -> Result<(), StoreError> {
        let todo: Vec<(Object, Path)> =
            objects.iter().map(|object| (object.clone(), self.path(&object.key))).collect();
        let client = Arc::clone(&self.client);
        let done = wait(async move {
            let all = stream::iter(todo).map(move |(Object { key, bytes }, path)| {
                let client = Arc::clone(&client);
                async move {
                    let hash = Hash::of(&bytes);
                    let written = write(&*client, &path, bytes, PutMode::Overwrite).await;
                    (key, hash, written)
                }
            });
            all.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await
        })?;
        for (key, _, written) in done {
            self.forget(&key);
            written.map_err(|error| io_error("write", &self.shown(&key), error))?;
        }
        Ok(())
    }
}

impl Store for BucketStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.fetch(key, limit)?.map(|found| found.bytes))
    }

    fn get_range(&self, key: &Key, from: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        let read = wait(async move {
            let range = from..from.saturating_add(length);
            let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
            let read = async {
                if length == 0 {
                    return Err(Error::Generic { store: "", source: "nothing was asked for".into() });
                }
                Ok(client.get_opts(&path, options).await?.bytes().await?.to_vec())
            };
            match read.await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(Error::NotFound { .. }) => Ok(None),
                // A part that begins after the end is refused.
                Err(error) => match client.head(&path).await {
                    Ok(meta) if length == 0 || from >= meta.size => Ok(Some(Vec::new())),
                    Err(Error::NotFound { .. }) => Ok(None),
                    _ => Err(error),
                },
            }
        })?;
        read.map_err(|error| io_error("read", &self.shown(key), error))
    }

    fn put_immutable(&self, objects: &[Object]) -> Result<(), StoreError> {
        objects.iter().try_for_each(|object| self.writable(&object.key))?;
        self.create_all(objects)
    }

    fn put(&self, objects: &[Object]) -> Result<(), StoreError> {
        objects.iter().try_for_each(|object| self.writable(&object.key))?;
        self.overwrite_all(objects)
    }

    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.writable(key)?;
        for _ in 0..CONFLICTS {
            let mode = match expected {
                None => PutMode::Create,
                Some(expected) => match self.version_of(key, expected)? {
                    Some(version) => PutMode::Update(version),
                    None => return Ok(false),
                },
            };
            let refused = match self.try_write(key, new, mode) {
                Ok(Some(())) => return Ok(true),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let now = self.fetch(key, u64::MAX);
            match (now, refused) {
                (Ok(Some(now)), _) if now.bytes == new => return Ok(true),
                // What was sent may still be on its way.
                (_, Some(error)) => return Err(error),
                (Err(error), None) => return Err(error),
                (Ok(now), None) if now.as_ref().map(|now| now.bytes.as_slice()) != expected => {
                    return Ok(false);
                }
                // It is what was expected after all: others were on their way.
                (Ok(_), None) => {}
            }
        }
        let source = Error::Generic { store: "the store", source: "it is refused again and again".into() };
        Err(io_error("write", &self.shown(key), source))
    }

    fn delete(&self, keys: &[Key]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| self.writable(key))?;
        if keys.is_empty() {
            return Ok(());
        }
        let paths: Vec<Result<Path, Error>> = keys.iter().map(|key| Ok(self.path(key))).collect();
        keys.iter().for_each(|key| self.forget(key));
        let client = Arc::clone(&self.client);
        let removed =
            wait(async move { client.delete_stream(stream::iter(paths).boxed()).collect::<Vec<_>>().await })?;
        for one in removed {
            match one {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(io_error("remove", &self.place, error)),
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for (name, _) in self.names(folder)? {
            match Key::new(name.clone()) {
                Ok(key) => listing.keys.push(key),
                Err(_) => listing.foreign.push(name),
            }
        }
        listing.keys.sort();
        listing.foreign.sort();
        Ok(listing)
    }

    fn marks(&self, folder: &str) -> Result<Option<Vec<(Key, String)>>, StoreError> {
        let names = self.names(folder)?.into_iter();
        Ok(Some(names.filter_map(|(name, mark)| Some((Key::new(name).ok()?, mark))).collect()))
    }

    fn own(&self) -> Option<&dyn Store> {
        self.own.as_ref().map(|own| own as &dyn Store)
    }
}
