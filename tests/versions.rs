//! What a bucket keeps of objects that were replaced or removed goes with what is erased; and what the store does not let go
//! is told of. On SeaweedFS with versioning and object locks, and on a small server that refuses.

#![allow(clippy::unwrap_used)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/weed.rs"]
mod weed;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dateline::storage::bucket::{Kept, Settings, VersionsError};
use dateline::storage::{Bucket, Key};
use desk::{Desk, told};
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer};
use serde_json::Value;
use weed::Weed;

/// Requests that the test itself makes of the store.
struct Admin(AmazonS3);

impl Admin {
    fn new(weed: &Weed) -> Self {
        let store = AmazonS3Builder::new()
            .with_endpoint(&weed.endpoints()[0])
            .with_region("us-east-1")
            .with_access_key_id("key")
            .with_secret_access_key("secret")
            .with_allow_http(true)
            .with_bucket_name("news");
        let _ = rustls::crypto::ring::default_provider().install_default();
        Admin(store.build().unwrap())
    }

    fn ask(
        &self,
        method: Method,
        name: &str,
        query: &[(&str, &str)],
        field: Option<(&'static str, &'static str)>,
        body: &str,
    ) -> Vec<u8> {
        let mut options = SignedUrlOptions::new().with_query(query.iter().copied());
        if let Some((name, value)) = field {
            options =
                options.with_signed_header(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = Path::from(name);
        let url = self.0.signed_url_opts(method.clone(), &path, Duration::from_secs(60), &options);
        let url = runtime.block_on(url).unwrap();
        let agent = ureq::Agent::new_with_defaults();
        let answer = match method {
            Method::PUT => {
                let mut request = agent.put(url.as_str());
                if let Some((name, value)) = field {
                    request = request.header(name, value);
                }
                request.send(body)
            }
            _ => agent.get(url.as_str()).call(),
        };
        answer
            .unwrap_or_else(|error| panic!("{method} {name} {query:?}: {error}"))
            .body_mut()
            .read_to_vec()
            .unwrap()
    }

    /// The bytes of every version of every object below `prefix`, with their names.
    fn everything(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let listed = self.ask(Method::GET, "", &[("versions", ""), ("prefix", prefix)], None, "");
        let listed = String::from_utf8(listed).unwrap();
        assert!(listed.contains("<IsTruncated>false<"), "the test reads one page alone");
        let between = |text: &str, name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let versions = listed.split("<Version>").skip(1);
        let named = versions.map(|text| (between(text, "Key"), between(text, "VersionId")));
        named
            .map(|(name, id)| {
                let bytes = self.ask(Method::GET, &name, &[("versionId", &id)], None, "");
                (name, bytes)
            })
            .collect()
    }
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

struct Office {
    desk: Desk,
    weed: Weed,
    admin: Admin,
}

impl Office {
    /// A log in a bucket that keeps versions; `None` where there is no store.
    fn new() -> Option<Self> {
        let weed = Weed::start()?;
        let admin = Admin::new(&weed);
        admin.ask(Method::PUT, "", &[], Some(("x-amz-bucket-object-lock-enabled", "true")), "");
        let versioning = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Status>Enabled</Status></VersioningConfiguration>";
        admin.ask(Method::PUT, "", &[("versioning", "")], None, versioning);
        let office = Office { desk: Desk::empty(), weed, admin };
        office.done(&["init", "--no-passphrase", "--log-origin", desk::ORIGIN], &[]);
        office.done(&["add", "--yes"], &office.desk.documents(0..2));
        office.done(&["add", "--yes"], &office.desk.documents(2..4));
        office.done(&["key", "new", "officer", "--no-passphrase"], &[]);
        let officer = office.desk.workspace().join("keys/private/officer.pub");
        office.done(&["key", "enrol", "--role", "data-officer"], &[officer]);
        Some(office)
    }

    fn run(&self, args: &[&str], paths: &[PathBuf]) -> Output {
        let args = [&["--store", "s3://news/log"], args].concat();
        let mut command = self.desk.command_at(&self.desk.workspace(), &args, paths);
        command.envs(self.weed.settings(0)).env("XDG_CACHE_HOME", self.desk.root().join("cache"));
        command.output().unwrap()
    }

    fn done(&self, args: &[&str], paths: &[PathBuf]) -> String {
        let done = self.run(args, paths);
        assert!(done.status.success(), "{args:?}: {}", told(&done));
        String::from_utf8(done.stdout).unwrap()
    }

    fn erase(&self, record: &str) -> Value {
        let args = ["erase", record, "paragraphs", "--original", "--reason", "pii", "--yes"];
        serde_json::from_str(&self.done(&args, &[])).unwrap()
    }

    /// The openings of a record.
    fn openings(&self, record: usize) -> BTreeSet<Vec<u8>> {
        let openings = self.admin.ask(Method::GET, "log/disclosures/000", &[], None, "");
        let openings = String::from_utf8(openings).unwrap();
        let start = format!("{record} ");
        let openings = openings.lines().filter_map(|line| line.strip_prefix(&start));
        openings.map(|opening| opening.as_bytes().to_vec()).collect()
    }

    /// Erases, and returns what was said, and what had been there: openings, and the original, which is `document`.
    fn erased(&self, record: usize, document: usize) -> (Value, Vec<Vec<u8>>) {
        let before = self.openings(record);
        let said = self.erase(&record.to_string());
        let after = self.openings(record);
        let mut words: Vec<Vec<u8>> = before.difference(&after).cloned().collect();
        assert!(!words.is_empty(), "{said}");
        words.push(std::fs::read(self.desk.document(document)).unwrap());
        (said, words)
    }

    /// Names of the objects of which some version has any of these words.
    fn places_of(&self, words: &[Vec<u8>]) -> BTreeSet<String> {
        places_in(&self.admin.everything("log/"), words)
    }
}

fn places_in(versions: &[(String, Vec<u8>)], words: &[Vec<u8>]) -> BTreeSet<String> {
    let has = |bytes: &[u8]| words.iter().any(|words| contains(bytes, words));
    versions.iter().filter(|(_, bytes)| has(bytes)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn erasing_removes_every_version() {
    let Some(office) = Office::new() else { return };
    office.done(&["mirror", "s3://news/copy"], &[]);
    let (before, others) = (office.admin.everything("log/"), office.openings(2));
    let (said, words) = office.erased(1, 0);
    let places = places_in(&before, &words);
    let folders = ["log/.local/staged/", "log/content/", "log/disclosures/"];
    assert!(folders.iter().all(|folder| places.iter().any(|name| name.starts_with(folder))), "{places:?}");

    assert_eq!(said["olderVersions"], "removed", "{said}");
    assert!(said["olderVersionsRemoved"].as_u64() > Some(4), "{said}");
    assert_eq!(said["olderVersionsLeft"], Value::Array(Vec::new()), "{said}");
    assert_eq!(office.places_of(&words), BTreeSet::new());
    // What was not erased is where readers find it, and what is gone did not come back.
    assert_eq!(office.openings(2), others);
    office.done(&["verify", "--stateless"], &[]);
    let again = office.erase("1");
    assert_eq!(
        (&again["outcome"], &again["olderVersions"]),
        (&"erasedBefore".into(), &"none".into()),
        "{again}"
    );

    // And from a copy in a bucket, when that is brought up to date.
    let copied = places_in(&office.admin.everything("copy/"), &words);
    assert_eq!(copied.len(), 2, "{copied:?}");
    let said: Value = serde_json::from_str(&office.done(&["mirror", "s3://news/copy"], &[])).unwrap();
    assert_eq!(said["olderVersions"], "removed", "{said}");
    assert_eq!(places_in(&office.admin.everything("copy/"), &words), BTreeSet::new());
    let said: Value = serde_json::from_str(&office.done(&["mirror", "s3://news/copy"], &[])).unwrap();
    assert_eq!((&said["olderVersions"], &said["filesCopied"]), (&Value::Null, &0.into()), "{said}");

    // What is missing, and was not erased, is found.
    let missing = |office: &Office| {
        let told = office.run(&["doctor"], &[]).stdout;
        assert!(!told.is_empty());
        contains(&told, b"originalMissing")
    };
    assert!(!missing(&office));
    let original = dateline::base::Hash::of(&std::fs::read(office.desk.document(2)).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = Path::from(format!("log/{}", dateline::record::layout::content_path(&original)));
    runtime.block_on(office.admin.0.delete(&path)).unwrap();
    assert!(missing(&office));
}

#[test]
fn what_a_lock_keeps_is_told_of() {
    let Some(office) = Office::new() else { return };
    let hold = |status: &str| {
        let listed = office.admin.ask(
            Method::GET,
            "",
            &[("versions", ""), ("prefix", "log/disclosures/000")],
            None,
            "",
        );
        let listed = String::from_utf8(listed).unwrap();
        let versions = listed.split("<VersionId>").skip(1).map(|text| text.split_once('<').unwrap().0);
        for id in versions {
            let body = format!(
                "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>{status}</Status></LegalHold>"
            );
            office.admin.ask(
                Method::PUT,
                "log/disclosures/000",
                &[("legal-hold", ""), ("versionId", id)],
                None,
                &body,
            );
        }
    };
    hold("ON");
    let (said, words) = office.erased(2, 1);
    assert_eq!(said["olderVersions"], "left", "{said}");
    let left = said["olderVersionsLeft"].as_array().unwrap();
    let held = |one: &Value| one["name"] == "log/disclosures/000" && one["why"] == "under a legal hold";
    assert!(!left.is_empty() && left.iter().all(held), "{said}");
    assert_eq!(said["olderVersionsLeftCount"], left.len(), "{said}");
    assert_eq!(office.places_of(&words), ["log/disclosures/000".to_owned()].into());

    // Once it is lifted, the same command does it.
    hold("OFF");
    let said = office.erase("2");
    assert_eq!(
        (&said["outcome"], &said["olderVersions"]),
        (&"erasedBefore".into(), &"removed".into()),
        "{said}"
    );
    assert_eq!(office.places_of(&words), BTreeSet::new());

    // A time that the bucket sets for all that is written.
    let rule = "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>Enabled\
        </ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>\
        </ObjectLockConfiguration>";
    office.admin.ask(Method::PUT, "", &[("object-lock", "")], None, rule);
    office.done(&["add", "--yes"], &office.desk.documents(8..9));
    let said = office.erase("7");
    assert_eq!(said["olderVersions"], "left", "{said}");
    let left = said["olderVersionsLeft"].as_array().unwrap();
    let of_folder = |folder: &str| left.iter().any(|one| one["name"].as_str().unwrap().starts_with(folder));
    assert!(of_folder("log/content/") && of_folder("log/.local/staged/"), "{said}");
    let kept = |one: &Value| {
        let why = one["why"].as_str().unwrap();
        why.starts_with("retained until 20") && why.ends_with("(COMPLIANCE)")
    };
    assert!(left.iter().all(kept), "{said}");
    office.done(&["verify", "--stateless"], &[]);
}

/// What a small server does that has versions of objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Removes,
    /// It answers that it removed one, and keeps it.
    Lies,
    /// It lets nobody remove versions.
    Keeps,
    /// It lets nobody list them.
    Silent,
    /// It has no such requests.
    Plain,
}

/// Name, version, whether it is what readers are given, whether it is the mark of a removal. Newest first, as it is listed.
type Stored = (&'static str, &'static str, bool, bool);

const STORED: [Stored; 9] = [
    ("log/a", "4", true, true),
    ("log/a", "3", false, false),
    ("log/a", "2", false, true),
    ("log/a", "1", false, false),
    ("log/ab", "1", false, false),
    ("log/b", "2", true, false),
    ("log/b", "1", false, false),
    ("log/s/1", "2", true, true),
    ("log/s/1", "1", false, false),
];

struct Server {
    stored: Mutex<Vec<Stored>>,
    manner: Manner,
    removed: Mutex<Vec<String>>,
}

impl Server {
    fn start(manner: Manner) -> (String, Arc<Server>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server =
            Arc::new(Server { stored: Mutex::new(STORED.to_vec()), manner, removed: Mutex::default() });
        let here = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let here = Arc::clone(&here);
                thread::spawn(move || here.serve(stream.unwrap()));
            }
        });
        (address, server)
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let request = lines.next().unwrap().unwrap();
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let (method, rest) = request.split_once(' ').unwrap();
        let url = url::Url::parse(&format!("http://x{}", rest.split_once(' ').unwrap().0)).unwrap();
        let asked = |name: &str| {
            url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let (status, body) = match (method, asked("versions")) {
            ("GET", Some(_)) => {
                self.list(&asked("prefix").unwrap(), asked("key-marker"), asked("version-id-marker"))
            }
            ("GET", None) => (404, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>".to_owned()),
            _ => self.remove(url.path().trim_start_matches("/news/"), &asked("versionId").unwrap()),
        };
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        let _ = stream.read(&mut [0]);
    }

    /// Two of a page.
    fn list(&self, prefix: &str, name: Option<String>, id: Option<String>) -> (u16, String) {
        match self.manner {
            Manner::Silent => return (403, "<Error><Code>AccessDenied</Code></Error>".to_owned()),
            Manner::Plain => return (200, "<ListBucketResult></ListBucketResult>".to_owned()),
            _ => {}
        }
        // Where one was, among those that were there at first.
        let at = |name: &str, id: &str| STORED.iter().position(|known| (known.0, known.1) == (name, id));
        let from = name.map_or(0, |name| at(&name, &id.unwrap()).unwrap() + 1);
        let stored = self.stored.lock().unwrap();
        let some: Vec<&Stored> = stored
            .iter()
            .filter(|known| known.0.starts_with(prefix) && at(known.0, known.1).unwrap() >= from)
            .collect();
        let mut body = "<ListVersionsResult>".to_owned();
        for (name, id, latest, mark) in some.iter().take(2) {
            let kind = if *mark { "DeleteMarker" } else { "Version" };
            body.push_str(&format!(
                "<{kind}><Key>{name}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest></{kind}>"
            ));
        }
        let last = some.get(1).map_or(String::new(), |(name, id, ..)| {
            format!("<NextKeyMarker>{name}</NextKeyMarker><NextVersionIdMarker>{id}</NextVersionIdMarker>")
        });
        body.push_str(&format!("<IsTruncated>{}</IsTruncated>{last}</ListVersionsResult>", some.len() > 2));
        (200, body)
    }

    fn remove(&self, name: &str, id: &str) -> (u16, String) {
        if self.manner == Manner::Keeps {
            return (403, "<Error><Code>AccessDenied</Code></Error>".to_owned());
        }
        self.removed.lock().unwrap().push(format!("{name} {id}"));
        if self.manner == Manner::Removes {
            self.stored.lock().unwrap().retain(|known| (known.0, known.1) != (name, id));
        }
        (204, String::new())
    }
}

fn bucket(address: &str) -> Bucket {
    let words =
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_ENDPOINT_URL", address)];
    let words = words.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Bucket::new("s3://news/log", &Settings::new(words), std::path::Path::new("/nowhere")).unwrap()
}

#[test]
fn a_store_is_believed_only_when_it_is_looked_at_again() {
    let keys = || ["a", "b"].map(|name| Key::new(name).unwrap());
    for manner in [Manner::Removes, Manner::Lies, Manner::Keeps] {
        let (address, server) = Server::start(manner);
        let swept = bucket(&address).remove_older_versions(&keys(), &["s"]).unwrap();
        let told: Vec<(&str, &str)> =
            swept.told.iter().map(|left| (left.name.as_str(), left.version.as_str())).collect();
        let stored: Vec<Stored> = server.stored.lock().unwrap().clone();
        let removed = server.removed.lock().unwrap().clone();
        match manner {
            Manner::Removes => {
                assert_eq!((swept.removed, swept.left, told), (4, 0, vec![]));
                // What readers are given, and what is another's.
                assert_eq!(stored, [("log/ab", "1", false, false), ("log/b", "2", true, false)]);
                // A mark goes after all that it hides, though they were on two pages.
                let at = |name: &str| removed.iter().position(|known| known == name).unwrap();
                assert!(at("log/a 3") < at("log/a 4") && at("log/a 1") < at("log/a 4"), "{removed:?}");
            }
            _ => {
                assert_eq!((swept.removed, swept.left), (0, 4), "{manner:?}");
                assert_eq!(told, [("log/a", "3"), ("log/a", "1"), ("log/b", "1"), ("log/s/1", "1")]);
                let why = if manner == Manner::Lies {
                    Kept::SaidToBeGone
                } else {
                    Kept::Refused("AccessDenied".into())
                };
                assert!(swept.told.iter().all(|left| left.why == why), "{swept:?}");
                // No mark was taken away from what is still there.
                assert!(stored.contains(&STORED[0]));
            }
        }
    }
}

#[test]
fn where_nothing_can_be_known_that_is_said() {
    let sweep = |bucket: &Bucket| bucket.remove_older_versions(&[Key::new("a").unwrap()], &[]);
    for (manner, said) in
        [(Manner::Silent, "AccessDenied"), (Manner::Plain, "it answers with what is no list")]
    {
        let refused = sweep(&bucket(&Server::start(manner).0));
        assert!(matches!(&refused, Err(VersionsError::Refused(why)) if why == said), "{refused:?}");
    }
    let words = [("AZURE_STORAGE_ACCOUNT_NAME", "news"), ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")];
    let words = words.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let azure =
        Bucket::new("az://news/log", &Settings::new(words), std::path::Path::new("/nowhere")).unwrap();
    assert!(matches!(sweep(&azure), Err(VersionsError::Unknown)));
}
