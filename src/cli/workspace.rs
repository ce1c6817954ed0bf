//! The folder that holds `keys/` and `records/`.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::base::PublicKey;
use crate::base::limits::POLICY_MAX_BYTES;
use crate::keys::{Agent, KeyError, Signer, private, public};
use crate::note::Policy;
use crate::storage::bucket::Settings;
use crate::storage::{Bucket, Opened, Records};
use crate::verify::Trust;

use super::args::TrustArgs;
use super::diagnostics::refused;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::read_bounded;

/// Names the file that a passphrase is read from where there is no terminal.
pub(crate) const PASSPHRASE_FILE: &str = "DATELINE_PASSPHRASE_FILE";
/// The value of `--key` that means the agent.
const AGENT: &str = "agent";

/// A workspace, which need not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    /// Where the records are, if not in `records/`.
    bucket: Option<Bucket>,
}

impl Workspace {
    /// Takes the folder, and the address of a bucket if the records are in one.
    pub(crate) fn at(root: &Path, store: Option<&str>) -> Outcome<Self> {
        // Without the `./` that every path would begin with.
        let root = root.strip_prefix(".").unwrap_or(root).to_owned();
        let bucket = store.map(bucket_at).transpose()?;
        Ok(Workspace { root, bucket })
    }

    /// Returns where the records are.
    pub(crate) fn place(&self) -> Records {
        match &self.bucket {
            Some(bucket) => Records::Bucket(bucket.clone()),
            None => Records::Folder(self.records()),
        }
    }

    /// Returns the folder in which this machine keeps, below `.local`, what it derives from the log.
    pub(crate) fn derived(&self) -> PathBuf {
        self.place().derived().to_owned()
    }

    /// Returns the bucket that the records are in, if they are in one.
    pub(crate) fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    /// Refuses a command that reads the folder itself.
    pub(crate) fn only_a_folder(&self, what: &str) -> Outcome<()> {
        match &self.bucket {
            None => Ok(()),
            Some(_) => Err(Failure::new(Exit::Usage, format!("{what} works on a folder, not with --store"))),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder as it is shown.
    pub(crate) fn shown(&self) -> &Path {
        if self.root.as_os_str().is_empty() { Path::new(".") } else { &self.root }
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.root.join("keys/policy")
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.root.join("keys/roots")
    }

    pub(crate) fn private(&self) -> PathBuf {
        self.root.join("keys/private")
    }

    /// Opens the records for reading.
    pub(crate) fn reader(&self) -> Opened {
        self.place().reader()
    }

    /// Opens the records for writing. Refuses to make a folder where there is no log.
    pub(crate) fn writer(&self) -> Outcome<Opened> {
        let place = self.place();
        if matches!(&place, Records::Folder(folder) if !folder.is_dir()) {
            return Err(crate::log::OpenError::NoLog.into());
        }
        Ok(place.writer()?)
    }

    /// Reads the policy alone: what `args` name, else what lies in `keys/`.
    pub(crate) fn policy_of(&self, args: &TrustArgs) -> Outcome<Policy> {
        let path = args.policy.clone().unwrap_or_else(|| self.policy());
        if args.policy.is_none() && !path.exists() {
            let message = "there is no policy here to say whose signatures count";
            return Err(Failure::new(Exit::Key, message).hint("name the log's policy with --policy FILE"));
        }
        read_policy(&path)
    }

    /// Reads whom to trust: what `args` name, else what lies in `keys/`.
    pub(crate) fn trust(&self, args: &TrustArgs) -> Outcome<Trust> {
        if args.policy.is_none() && !self.policy().exists() {
            return Err(crate::log::OpenError::NoLog.into());
        }
        let policy = args.policy.clone().unwrap_or_else(|| self.policy());
        let roots = if args.roots.is_empty() { self.root_files()? } else { args.roots.clone() };
        Ok(Trust { policy: read_policy(&policy)?, roots: read_roots(&roots)? })
    }

    /// Reads the root keys that lie in `keys/`.
    pub(crate) fn own_roots(&self) -> Outcome<Vec<PublicKey>> {
        read_roots(&self.root_files()?)
    }

    fn root_files(&self) -> Outcome<Vec<PathBuf>> {
        let folder = self.roots();
        let mut files = files_in(&folder)?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "pub"));
        if files.is_empty() {
            let message = format!("there is no root key in {}", folder.display());
            let hint = "name the log's root keys with --root, or its folder with --workspace";
            return Err(Failure::new(Exit::NotFound, message).hint(hint));
        }
        Ok(files)
    }

    /// Finds a key that can sign and is one of `wanted`: where `asked` says, else in `keys/private`, else with the
    /// agent. `what` says what for.
    pub(crate) fn signer(
        &self,
        wanted: &[PublicKey],
        asked: Option<&Path>,
        what: &str,
        passphrases: &mut Passphrases,
    ) -> Outcome<Signer> {
        match asked {
            Some(path) if path.as_os_str() == AGENT => from_agent(wanted)?.ok_or_else(|| no_key(what)),
            Some(path) => {
                let public = private::read_public(path)?;
                if !wanted.contains(&public) {
                    let message = format!("{} is not {what}", path.display());
                    return Err(Failure::new(Exit::Key, message).hint(
                        "`dateline list` works without a key; ask a holder of a root key to enrol yours",
                    ));
                }
                Ok(Signer::Memory(passphrases.read(path)?))
            }
            None => {
                for path in self.private_files()? {
                    if wanted.contains(&private::read_public(&path)?) {
                        return Ok(Signer::Memory(passphrases.read(&path)?));
                    }
                }
                let agent =
                    if std::env::var_os("SSH_AUTH_SOCK").is_some() { from_agent(wanted)? } else { None };
                agent.ok_or_else(|| no_key(what))
            }
        }
    }

    /// Returns the private key files that lie here, sorted by name.
    pub(crate) fn private_files(&self) -> Outcome<Vec<PathBuf>> {
        let folder = self.private();
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut files = files_in(&folder)?;
        files.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "pub"));
        Ok(files)
    }
}

/// Reads the address of a bucket, and from the environment how to get there.
pub(crate) fn bucket_at(address: &str) -> Outcome<Bucket> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // The XDG specification: a relative path is to be ignored.
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let caches =
        caches.map_or_else(|| std::env::temp_dir().join("dateline"), |caches| caches.join("dateline"));
    Ok(Bucket::new(address, &Settings::of_environment(), &caches)?)
}

fn no_key(what: &str) -> Failure {
    Failure::new(Exit::Key, format!("there is no private key here that is {what}"))
        .hint("put it into keys/private (mode 600), name it with --key, or add it to ssh-agent")
}

/// The files in a folder, sorted by name.
fn files_in(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match entries {
        Ok(entries) => {
            let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
            files.sort();
            Ok(files)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(refused(format!("cannot list {}", folder.display()), &error)),
    }
}

fn from_agent(wanted: &[PublicKey]) -> Outcome<Option<Signer>> {
    let Some(socket) = std::env::var_os("SSH_AUTH_SOCK") else {
        let failure = Failure::new(Exit::Key, "there is no ssh-agent: SSH_AUTH_SOCK is not set");
        return Err(failure.hint("start an agent and add the key: eval $(ssh-agent); ssh-add"));
    };
    let agent = Agent::at(Path::new(&socket));
    let public = agent.keys()?.into_iter().find(|key| wanted.contains(key));
    Ok(public.map(|public| Signer::Agent { agent, public }))
}

/// Reads public keys that may enrol signers.
pub(crate) fn read_roots(paths: &[PathBuf]) -> Outcome<Vec<PublicKey>> {
    let roots: Result<Vec<PublicKey>, KeyError> =
        paths.iter().map(|path| public::read(path).map(|(key, _)| key)).collect();
    Ok(roots?)
}

/// Reads a policy.
pub(crate) fn read_policy(path: &Path) -> Outcome<Policy> {
    let bytes = read_bounded(path, POLICY_MAX_BYTES)?;
    Policy::parse(&bytes).map_err(|error| {
        Failure::new(Exit::Unavailable, format!("{} is not a policy", path.display())).because(&error)
    })
}

/// Passphrases: asked for once where one opens several keys.
#[derive(Debug, Default)]
pub(crate) struct Passphrases {
    known: Option<Zeroizing<String>>,
}

/// How often a person may mistype.
const TRIES: usize = 3;

impl Passphrases {
    /// Reads a private key file.
    pub(crate) fn read(&mut self, path: &Path) -> Outcome<crate::base::SigningKey> {
        if let Some(known) = &self.known {
            match private::read(path, &mut |_| Ok(known.clone())) {
                Err(KeyError::WrongPassphrase { .. }) => {}
                other => return Ok(other?),
            }
        }
        let from_file = std::env::var_os(PASSPHRASE_FILE).is_some();
        for left in (0..TRIES).rev() {
            let mut given = None;
            let read = private::read(path, &mut |path| {
                let passphrase = ask(path)?;
                given = Some(passphrase.clone());
                Ok(passphrase)
            });
            match read {
                Err(KeyError::WrongPassphrase { .. }) if left > 0 && !from_file => {
                    super::output::say("that passphrase does not open it; try again");
                }
                Ok(key) => {
                    self.known = given.or(self.known.take());
                    return Ok(key);
                }
                Err(error) => return Err(error.into()),
            }
        }
        unreachable!("internal error: the last try returns")
    }

    /// Reads a private key file that is not encrypted, or that a passphrase opens which was given before, or which the
    /// environment names; `None` if somebody would have to be asked.
    pub(crate) fn read_without_asking(&mut self, path: &Path) -> Outcome<Option<crate::base::SigningKey>> {
        let from_file = std::env::var_os(PASSPHRASE_FILE).is_some();
        let known = self.known.clone();
        let give = |path: &Path| match (&known, from_file) {
            (Some(known), _) => Ok(known.clone()),
            (None, true) => ask(path),
            (None, false) => Err(KeyError::NoPassphrase { path: path.to_owned(), why: String::new() }),
        };
        match private::read(path, &mut |path| give(path)) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::NoPassphrase { .. } | KeyError::WrongPassphrase { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for the passphrase of keys that are to be made.
    pub(crate) fn choose(&mut self) -> Outcome<Zeroizing<String>> {
        let given = ask(Path::new("the new keys"));
        let first = given.map_err(|error| Failure::from(error).under("the new keys need a passphrase"))?;
        if first.is_empty() {
            let failure = Failure::new(Exit::Key, "an empty passphrase protects nothing");
            return Err(failure.hint("choose one, or say --no-passphrase"));
        }
        if std::env::var_os(PASSPHRASE_FILE).is_none() {
            let again = rpassword::prompt_password("The same again: ").map(Zeroizing::new);
            if again.ok() != Some(first.clone()) {
                return Err(Failure::new(Exit::Key, "the two passphrases differ"));
            }
        }
        self.known = Some(first.clone());
        Ok(first)
    }
}

/// Gets a passphrase from the file that the environment names, else from the terminal.
fn ask(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let none = |why: String| KeyError::NoPassphrase { path: path.to_owned(), why };
    if let Some(file) = std::env::var_os(PASSPHRASE_FILE) {
        let text = fs::read_to_string(&file).map(Zeroizing::new);
        let text = text.map_err(|error| none(format!("{PASSPHRASE_FILE}: {error}")))?;
        return Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    if !io::stdin().is_terminal() {
        return Err(none(format!("there is no terminal to ask on, and {PASSPHRASE_FILE} is not set")));
    }
    let passphrase = rpassword::prompt_password(format!("Passphrase for {}: ", path.display()));
    passphrase.map(Zeroizing::new).map_err(|error| none(error.to_string()))
}
