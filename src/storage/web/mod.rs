//! What a web server gives out: any that serves a log's folder as static files, as c2sp.org/tlog-tiles has it.
//!
//! Read only. Who may lie here: the server, in everything, and whoever stands between; a reader checks what he gets.
//! What is kept apart is *not there* (404, 410) from *could not be had*: only the first is `None`, and every other
//! failure, an answer that was cut short included, is an error that convicts nobody.
//!
//! - A failure that may pass (429, 5xx, silence, a lost connection) is tried again after a growing pause, or when the
//!   server says. All files share a stock of retries, so that a dead server is given up soon.
//! - A body that was cut is resumed where the server gave a strong entity tag: `Range` and `If-Range`, and the answer
//!   must be the 206 that was asked for. Else it is read from the start.
//! - Never more than the limit is read, after decoding, and a body whose end nothing tells is not taken for whole.
//! - No proxy of the environment is used, and a secure address leads to no other. A redirect leads to the public network
//!   or back to the place that was named, never elsewhere inside.

mod address;
mod client;
mod remote_file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::{Key, Listing, Store, StoreError};
use client::{Client, Got};

pub use client::{Options, WebError};
pub use remote_file::RemoteFile;

/// An address that cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} is not an address that can be read from: {reason}")]
pub struct AddressError {
    /// What was given.
    pub address: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Returns an address as it may be shown: a query may be what lets its bearer in, so that `?…` stands in its place.
pub fn without_query(address: &str) -> String {
    let address = address.split('#').next().unwrap_or_default();
    match address.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => address.to_owned(),
    }
}

/// A web server, and the address that it is asked at.
#[derive(Debug, Clone)]
pub struct Web {
    client: Arc<Client>,
    address: Url,
    shown: String,
}

impl Web {
    /// Reads the address; asks nothing yet.
    ///
    /// # Errors
    /// [`AddressError`] unless it is an `http` or `https` address without user name.
    pub fn at(address: &str, options: &Options) -> Result<Self, AddressError> {
        let refuse = |reason: String| {
            let address = without_query(address).chars().take(200).collect();
            AddressError { address, reason }
        };
        let mut url = Url::parse(address).map_err(|error| refuse(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            let address = url.host_str().unwrap_or_default().to_owned();
            let reason = "it has a user name in it, which would be printed".to_owned();
            return Err(AddressError { address, reason });
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("only http and https are".to_owned()));
        }
        url.set_fragment(None);
        let shown = without_query(url.as_str());
        Ok(Web { client: Arc::new(Client::new(options, &url)), address: url, shown })
    }

    /// Returns the address as it may be shown: [`without_query`].
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// Returns how many files, or parts of one, and how many bytes came so far.
    pub fn fetched(&self) -> (u64, u64) {
        self.client.fetched()
    }
}

/// A log's folder on a web server.
#[derive(Clone)]
pub struct WebStore {
    web: Web,
    /// The address with a final `/`.
    folder: Url,
    never_changes: fn(&Key) -> bool,
}

impl WebStore {
    /// Takes what the server has below the address. Files that may change, those that `never_changes` does not hold
    /// for, are asked for past all caches.
    pub fn new(web: Web, never_changes: fn(&Key) -> bool) -> Self {
        let mut folder = web.address.clone();
        if !folder.path().ends_with('/') {
            folder.set_path(&format!("{}/", folder.path()));
        }
        WebStore { web, folder, never_changes }
    }

    /// Returns the address of an object. A query goes with every one of them.
    fn address_of(&self, key: &Key) -> Url {
        let mut url = self.folder.clone();
        url.set_path(&format!("{}{key}", self.folder.path()));
        url
    }
}

impl fmt::Debug for WebStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebStore").field(&without_query(self.folder.as_str())).finish()
    }
}

impl Store for WebStore {
    fn get(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let url = self.address_of(key);
        match self.web.client.get(url.as_str(), limit, !(self.never_changes)(key)) {
            Ok(Got::Body(bytes)) => Ok(Some(bytes)),
            Ok(Got::Absent) => Ok(None),
            Ok(Got::TooLarge(size)) => Err(StoreError::TooLarge { key: key.clone(), size, limit }),
            Err(error) => {
                let path = PathBuf::from(without_query(url.as_str()));
                Err(StoreError::Io { op: "fetch", path, source: error.into() })
            }
        }
    }

    fn list(&self, _folder: &str) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    fn lists(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let at = |address: &str| Web::at(address, &Options::default());
        for bad in ["ftp://a.example/", "records", "file:///etc", "http://", "javascript:x"] {
            assert!(at(bad).is_err(), "{bad}");
        }
        let error = at("https://user:secret@a.example/").unwrap_err().to_string();
        assert!(error.contains("a.example") && !error.contains("secret"), "{error}");
        for (given, expected) in [
            ("http://a.example", "http://a.example/tile/0/000.p/1"),
            ("http://a.example/log#x", "http://a.example/log/tile/0/000.p/1"),
            ("http://a.example/log/?v=1", "http://a.example/log/tile/0/000.p/1?v=1"),
        ] {
            let store = WebStore::new(at(given).unwrap(), |_| true);
            assert_eq!(store.address_of(&Key::new("tile/0/000.p/1").unwrap()).as_str(), expected);
        }
        for (given, shown) in [
            ("https://a.example/log?token=secret#x", "https://a.example/log?…"),
            ("https://a.example/log#x?token=secret", "https://a.example/log"),
            ("https://a.example/log", "https://a.example/log"),
        ] {
            assert_eq!(at(given).unwrap().address(), shown);
        }
        let error = at("ftp://a.example/log?token=secret").unwrap_err().to_string();
        assert!(error.contains("log?…") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn nothing_is_written() {
        let store = WebStore::new(Web::at("http://a.example", &Options::default()).unwrap(), |_| true);
        let key = Key::new("a").unwrap();
        let object = super::super::Object { key: key.clone(), bytes: Vec::new() };
        assert!(matches!(store.put(std::slice::from_ref(&object)), Err(StoreError::ReadOnly { .. })));
        assert!(matches!(store.put_immutable(&[object]), Err(StoreError::ReadOnly { .. })));
        assert!(matches!(store.compare_and_swap(&key, None, b""), Err(StoreError::ReadOnly { .. })));
        assert!(matches!(store.delete(&[key]), Err(StoreError::ReadOnly { .. })));
    }
}
