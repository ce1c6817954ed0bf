//! Where a bucket is, and what it takes to get there.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::HttpConnector;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use thiserror::Error;
use url::Url;

use crate::base::Hash;
use crate::storage::{FileStore, Key, Object, Store, StoreError};

use super::BucketStore;
use super::probe::{PROBED, probe};
use super::requests::{Counter, Requests};
use super::runtime::wait;
use super::versions::{Swept, Versions, VersionsError};

/// Names further endpoints of the same store, with commas between them: a writer probes across all of them.
const ENDPOINTS: &str = "DATELINE_STORE_ENDPOINTS";
/// Writers of one node that keep what they derive: more of them make it anew each time.
const WRITERS: u32 = 64;
/// How long one request may take, and all tries of one.
const REQUEST: Duration = Duration::from_secs(30);
const RETRIES: usize = 4;
const RETRIES_END: Duration = Duration::from_secs(15);

/// Why an address names no bucket that can be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not of the form.
    #[error("{0:?} does not name a bucket: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")]
    Form(String),
    /// The settings do not lead there.
    #[error("{place} cannot be used with the settings in the environment")]
    Settings {
        /// The bucket.
        place: String,
        /// What the client says.
        #[source]
        source: object_store::Error,
    },
}

/// What is said of how to get to buckets: names as in the environment, `AWS_ENDPOINT_URL`, and values.
#[derive(Clone, Default)]
pub struct Settings(Vec<(String, String)>);

impl fmt::Debug for Settings {
    // Some of them are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Settings {
    /// Takes what the environment of the process says.
    pub fn of_environment() -> Self {
        let words = std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            let ours = ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|start| name.starts_with(start));
            (ours || name == ENDPOINTS).then_some((name, value))
        });
        Settings(words.collect())
    }

    /// Takes these.
    pub fn new(words: impl IntoIterator<Item = (String, String)>) -> Self {
        Settings(words.into_iter().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Those that a client knows, by the names that it has for them.
    fn known<K: std::str::FromStr>(&self) -> impl Iterator<Item = (K, &String)> {
        self.0.iter().filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)))
    }
}

/// A prefix of a bucket, and how to get there.
#[derive(Clone)]
pub struct Bucket {
    /// The address, as it was given.
    place: String,
    prefix: Path,
    client: Arc<dyn ObjectStore>,
    /// As the client, one for each endpoint, that send nothing again by themselves.
    endpoints: Vec<(String, Arc<dyn ObjectStore>)>,
    /// What this node keeps for itself.
    node: PathBuf,
    counter: Counter,
    versions: Option<Versions>,
}

impl fmt::Debug for Bucket {
    // A client shows its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("place", &self.place).field("node", &self.node).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Returns whether an address is of a sort that names buckets.
    pub fn is_address(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme.is_some_and(|scheme| matches!(scheme.as_str(), "s3" | "s3a" | "gs" | "az" | "azure"))
    }

    /// Reads an address. Asks nobody anything. `caches` is the folder below which this node keeps what it derives.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(address: &str, settings: &Settings, caches: &FilePath) -> Result<Self, AddressError> {
        let form = || AddressError::Form(address.to_owned());
        let url = Url::parse(address).map_err(|_| form())?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none();
        if !Bucket::is_address(address) || url.host_str().is_none_or(str::is_empty) || !plain {
            return Err(form());
        }
        let prefix = Path::from_url_path(url.path()).map_err(|_| form())?;
        let place = address.trim_end_matches('/').to_owned();
        let failed = |source| AddressError::Settings { place: place.clone(), source };
        let counter = Counter::default();
        let begin = |endpoint: Option<&str>, retries| {
            client(&url, settings, endpoint, retries, &counter).map_err(failed)
        };
        let first = settings.get("AWS_ENDPOINT_URL_S3").or_else(|| settings.get("AWS_ENDPOINT_URL"));
        let mut endpoints = vec![(first.unwrap_or("the endpoint").to_owned(), begin(None, 0)?.store)];
        if url.scheme().starts_with("s3") {
            let more = settings.get(ENDPOINTS).unwrap_or_default().split(',').map(str::trim);
            for endpoint in more.filter(|endpoint| !endpoint.is_empty() && Some(*endpoint) != first) {
                endpoints.push((endpoint.to_owned(), begin(Some(endpoint), 0)?.store));
            }
        }
        let name = format!("{place} {}", first.unwrap_or_default());
        let node = caches.join("buckets").join(&Hash::of(name.as_bytes()).to_hex()[..32]);
        let Client { store: client, versions } = begin(None, RETRIES)?;
        Ok(Bucket { client, place, prefix, endpoints, node, counter, versions })
    }

    /// Returns the address, as it is shown.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the folder for what this node derives from the log.
    pub fn node(&self) -> &FilePath {
        &self.node
    }

    /// Returns the requests that were sent for this bucket so far, by whatever was opened of it here.
    pub fn requests(&self) -> Requests {
        self.counter.counted()
    }

    /// Opens it for reading. Asks nobody anything.
    pub fn reader(&self) -> BucketStore {
        BucketStore::new(Arc::clone(&self.client), self.prefix.clone(), self.place.clone(), None)
    }

    /// Opens it for writing; [probes](Bucket::probe) it first where this node has not yet.
    ///
    /// # Errors
    /// [`StoreError::Unsafe`]; [`StoreError::Io`].
    pub fn writer(&self) -> Result<BucketStore, StoreError> {
        self.open_probed(true)
    }

    /// As [`Bucket::writer`], but probes it whether this node has before or not: for one who is about to write for long.
    ///
    /// # Errors
    /// As there.
    pub fn writer_probed_now(&self) -> Result<BucketStore, StoreError> {
        self.open_probed(false)
    }

    fn open_probed(&self, once_is_enough: bool) -> Result<BucketStore, StoreError> {
        let own = self.take_folder()?;
        let named: Vec<&str> = self.endpoints.iter().map(|(name, _)| name.as_str()).collect();
        let probed = Object { key: key(PROBED), bytes: named.join("\n").into_bytes() };
        if !(once_is_enough && own.get(&probed.key, 1 << 16)?.as_ref() == Some(&probed.bytes)) {
            self.probe()?;
            own.put(&[probed])?;
        }
        Ok(BucketStore::new(Arc::clone(&self.client), self.prefix.clone(), self.place.clone(), Some(own)))
    }

    /// Tries whether the store keeps writers apart: conditional writes one after the other and at once, over all its
    /// endpoints. Costs some two hundred small requests; what they wrote is removed.
    ///
    /// # Errors
    /// [`StoreError::Unsafe`] with what was seen; [`StoreError::Io`] if it cannot be reached.
    pub fn probe(&self) -> Result<(), StoreError> {
        probe(&self.place, &self.endpoints, &self.prefix)
    }

    /// Removes for good what the bucket still keeps of the objects of `keys`, and of all that lie below `folders`, beside what readers
    /// are given: older versions, and removed objects. Then looks what is still there, and asks why. Costs a request for each
    /// thousand versions, twice, and one for each version.
    ///
    /// # Errors
    /// [`VersionsError`] where that is not known.
    pub fn remove_older_versions(&self, keys: &[Key], folders: &[&str]) -> Result<Swept, VersionsError> {
        let versions = self.versions.clone().ok_or(VersionsError::Unknown)?;
        let full = |name: &str| match self.prefix.as_ref() {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        let names: Vec<String> = keys.iter().map(|key| full(key.as_str())).collect();
        let folders: Vec<String> = folders.iter().map(|folder| full(&format!("{folder}/"))).collect();
        let swept = wait(async move { versions.sweep(&names, &folders).await });
        swept.map_err(|error| VersionsError::NoAnswer(std::io::Error::other(error)))?
    }

    /// Takes a folder that no other writer of this node holds.
    fn take_folder(&self) -> Result<FileStore, StoreError> {
        let mut locked = None;
        for number in 0..WRITERS {
            match FileStore::writer(&self.node.join(number.to_string())) {
                Err(error @ StoreError::Locked { .. }) => locked = Some(error),
                taken => return taken,
            }
        }
        Err(locked.unwrap_or_else(|| StoreError::Locked { path: self.node.clone() }))
    }
}

fn key(name: &str) -> Key {
    Key::new(name).expect("internal error: a name of the layout is not an object name")
}

/// What leads to a bucket.
struct Client {
    store: Arc<dyn ObjectStore>,
    versions: Option<Versions>,
}

fn client(
    url: &Url,
    settings: &Settings,
    endpoint: Option<&str>,
    retries: usize,
    counter: &Counter,
) -> Result<Client, object_store::Error> {
    let alone = |store| Client { store, versions: None };
    // Of two providers that crates could bring, this is the one that is built in.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(50),
        max_backoff: Duration::from_secs(2),
        ..BackoffConfig::default()
    };
    let retry = RetryConfig { backoff, max_retries: retries, retry_timeout: RETRIES_END };
    let options = ClientOptions::new()
        .with_timeout(REQUEST)
        .with_connect_timeout(Duration::from_secs(5))
        .with_pool_idle_timeout(Duration::from_secs(15));
    match url.scheme() {
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::new().with_url(url.as_str());
            for (key, value) in settings.known::<GoogleConfigKey>() {
                builder = builder.with_config(key, value);
            }
            let builder = builder.with_http_connector(counter.clone());
            Ok(alone(Arc::new(builder.with_retry(retry).with_client_options(options).build()?)))
        }
        "az" | "azure" => {
            let mut builder = MicrosoftAzureBuilder::new().with_url(url.as_str());
            for (key, value) in settings.known::<AzureConfigKey>() {
                builder = builder.with_config(key, value);
            }
            let builder = builder.with_http_connector(counter.clone());
            Ok(alone(Arc::new(builder.with_retry(retry).with_client_options(options).build()?)))
        }
        _ => {
            let named = endpoint.or_else(|| settings.get("AWS_ENDPOINT_URL_S3"));
            let named = named.or_else(|| settings.get("AWS_ENDPOINT_URL"));
            // To a store on this machine nobody listens in; for any other, AWS_ALLOW_HTTP says that it may be so.
            let here = named.and_then(|named| Url::parse(named).ok()).is_some_and(|url| is_loopback(&url));
            let allowed =
                settings.get("AWS_ALLOW_HTTP").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let options = options.with_allow_http(here || allowed);
            let http = counter.connect(&options)?;
            let mut builder = AmazonS3Builder::new().with_url(url.as_str()).with_client_options(options);
            for (key, value) in settings.known::<AmazonS3ConfigKey>() {
                if !matches!(key, AmazonS3ConfigKey::Client(_)) {
                    builder = builder.with_config(key, value);
                }
            }
            if let Some(endpoint) = endpoint {
                builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
            }
            let store = Arc::new(builder.with_http_connector(counter.clone()).with_retry(retry).build()?);
            let signer: Arc<dyn Signer> = Arc::<AmazonS3>::clone(&store);
            Ok(Client { store, versions: Some(Versions { signer, http }) })
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Result<Bucket, AddressError> {
        let words = [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("DATELINE_STORE_ENDPOINTS", "http://127.0.0.1:2, http://127.0.0.1:1"),
        ];
        let words = words.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Bucket::new(address, &Settings::new(words), FilePath::new("/nowhere"))
    }

    #[test]
    fn addresses_name_a_bucket_and_a_prefix() {
        for (address, prefix) in [("s3://b", ""), ("s3://b/", ""), ("s3://b/a/b", "a/b"), ("S3://b/a/", "a")]
        {
            let bucket = read(address).unwrap();
            assert_eq!(bucket.prefix.as_ref(), prefix, "{address}");
        }
        for address in
            ["s3:", "s3://", "s3:///a", "ftp://b/a", "s3://u:p@b/a", "s3://b/a?x", "s3://b:1/a", "b"]
        {
            assert!(matches!(read(address), Err(AddressError::Form(_))), "{address}");
        }
    }

    #[test]
    fn further_endpoints_are_probed_too() {
        let bucket = read("s3://b/a").unwrap();
        let names: Vec<&str> = bucket.endpoints.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = Settings::new([("AWS_SECRET_ACCESS_KEY".to_owned(), "secret".to_owned())]);
        assert_eq!(format!("{settings:?}"), r#"["AWS_SECRET_ACCESS_KEY"]"#);
        assert!(!format!("{:?}", read("s3://b/a").unwrap()).contains("secret"));
    }
}
