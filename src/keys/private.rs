//! OpenSSH private key files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::{Cipher, Kdf, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use crate::base::limits::KEY_FILE_MAX_BYTES;
use crate::base::{PublicKey, SigningKey};

use super::{AskPassphrase, KeyError, public};

/// Rounds of bcrypt, as `ssh-keygen` has them: about a tenth of a second for each guess at a passphrase.
const KDF_ROUNDS: u32 = 24;

fn io_error(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => KeyError::NotFound { path },
        io::ErrorKind::AlreadyExists => KeyError::Exists { path },
        _ => KeyError::Io { op, path, source },
    }
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Looked at before it is opened: opening a pipe would wait for ever.
    if !fs::metadata(path).map_err(io_error("look at", path))?.is_file() {
        return Err(KeyError::Malformed { path: path.to_owned(), source: None });
    }
    let file = File::open(path).map_err(io_error("open", path))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit as usize + 1));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(KeyError::Malformed { path: path.to_owned(), source: None });
    }
    Ok(bytes)
}

/// Refuses a file that others than its owner may read or write. A link is followed to what it leads to.
fn refuse_open_permissions(path: &Path) -> Result<(), KeyError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(io_error("look at", path))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Permissions { path: path.to_owned(), mode });
        }
    }
    Ok(())
}

fn parse(path: &Path) -> Result<PrivateKey, KeyError> {
    refuse_open_permissions(path)?;
    let bytes = read_bounded(path, KEY_FILE_MAX_BYTES)?;
    PrivateKey::from_openssh(bytes.as_slice()).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            KeyError::Algorithm { path: path.to_owned(), algorithm: "another algorithm".into() }
        }
        source => KeyError::Malformed { path: path.to_owned(), source: Some(source) },
    })
}

/// Returns the public key of a private key file, which stands in it in the clear.
///
/// # Errors
/// [`KeyError`].
pub fn read_public(path: &Path) -> Result<PublicKey, KeyError> {
    public::ed25519(path, parse(path)?.public_key())
}

/// Returns whether a private key file is encrypted with a passphrase.
///
/// # Errors
/// [`KeyError`].
pub fn is_encrypted(path: &Path) -> Result<bool, KeyError> {
    Ok(parse(path)?.is_encrypted())
}

/// Reads a private key file, asking for its passphrase if it has one.
///
/// # Errors
/// [`KeyError`].
pub fn read(path: &Path, ask: AskPassphrase<'_>) -> Result<SigningKey, KeyError> {
    let mut key = parse(path)?;
    public::ed25519(path, key.public_key())?;
    let malformed = |source| KeyError::Malformed { path: path.to_owned(), source };
    if key.is_encrypted() {
        let passphrase = ask(path)?;
        key = key.decrypt(passphrase.as_bytes()).map_err(|error| match error {
            ssh_key::Error::Crypto => KeyError::WrongPassphrase { path: path.to_owned() },
            other => malformed(Some(other)),
        })?;
    }
    let pair = key.key_data().ed25519().ok_or_else(|| malformed(None))?;
    let signing = SigningKey::from_seed(&Zeroizing::new(pair.private.to_bytes()));
    // The two halves stand in the file side by side; a signature under one must hold under the other.
    if signing.public().as_bytes() != &pair.public.0 {
        return Err(malformed(None));
    }
    Ok(signing)
}

/// Writes a new private key file, readable by its owner alone, and `<path>.pub` beside it, both synced. Encrypted,
/// unless `passphrase` is `None`.
///
/// # Errors
/// [`KeyError::Exists`] if either file is there already; [`KeyError::Io`]. What was written is removed again.
pub fn write(
    path: &Path,
    key: &SigningKey,
    comment: &str,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<(), KeyError> {
    let malformed = |source| KeyError::Malformed { path: path.to_owned(), source: Some(source) };
    let pair = Ed25519Keypair {
        public: ssh_key::public::Ed25519PublicKey(*key.public().as_bytes()),
        private: Ed25519PrivateKey::from_bytes(&key.seed()),
    };
    let mut private = PrivateKey::new(KeypairData::from(pair), comment).map_err(malformed)?;
    if let Some(passphrase) = passphrase {
        let mut random = Zeroizing::new([0; 20]);
        getrandom::fill(random.as_mut_slice()).map_err(KeyError::Randomness)?;
        let (salt, check) = random.split_at(16);
        let kdf = Kdf::Bcrypt { salt: salt.to_vec(), rounds: KDF_ROUNDS };
        let check = u32::from_be_bytes(check.try_into().expect("internal error: four bytes are four bytes"));
        private =
            private.encrypt_with(Cipher::Aes256Ctr, kdf, check, passphrase.as_bytes()).map_err(malformed)?;
    }
    let text = private.to_openssh(LineEnding::LF).map_err(malformed)?;
    let mut public_path = path.as_os_str().to_owned();
    public_path.push(".pub");
    let public_path = Path::new(&public_path);
    let line = public::format(&key.public(), comment) + "\n";

    create(public_path, line.as_bytes(), 0o644)?;
    let written = create(path, text.as_bytes(), 0o600).and_then(|()| sync_folder(path));
    if written.is_err() {
        // Best effort: a public key without its private half misleads.
        let _ = fs::remove_file(public_path);
    }
    written
}

/// Writes a new file with these permissions from its first moment on.
fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(io_error("create", path))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written.map_err(io_error("write", path))
}

fn sync_folder(path: &Path) -> Result<(), KeyError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn key() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([9; 32]))
    }

    fn pass(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn reads_what_it_writes_and_asks_only_if_it_must() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, encrypted) = (folder.path().join("plain"), folder.path().join("encrypted"));
        write(&plain, &key(), "me", None).unwrap();
        write(&encrypted, &key(), "me", Some(&pass("p"))).unwrap();
        let read_plain = read(&plain, &mut |_| panic!("asked for the passphrase of a plain key")).unwrap();
        assert_eq!(read_plain.public(), key().public());
        let read_encrypted = read(&encrypted, &mut |_| Ok(pass("p"))).unwrap();
        assert_eq!(read_encrypted.seed(), key().seed());
        assert_eq!(read_public(&encrypted).unwrap(), key().public());
        assert_eq!((is_encrypted(&plain).unwrap(), is_encrypted(&encrypted).unwrap()), (false, true));
        let wrong = read(&encrypted, &mut |_| Ok(pass("q")));
        assert!(matches!(wrong, Err(KeyError::WrongPassphrase { .. })), "{wrong:?}");
        let (public, comment) = public::read(&folder.path().join("plain.pub")).unwrap();
        assert_eq!((public, comment.as_str()), (key().public(), "me"));
        assert!(
            !fs::read_to_string(&encrypted).unwrap().contains(&fs::read_to_string(&plain).unwrap()[40..80])
        );
    }

    #[test]
    fn never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &key(), "", None).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(write(&path, &key(), "", None), Err(KeyError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(folder.path().join("key.pub").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_open_to_others_is_refused_also_behind_a_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, &key(), "", None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        symlink(&path, folder.path().join("link")).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            for name in ["key", "link"] {
                let refused = read_public(&folder.path().join(name));
                assert!(
                    matches!(refused, Err(KeyError::Permissions { mode: m, .. }) if m == mode),
                    "{refused:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(read_public(&path), Err(KeyError::NotFound { .. })));
        for content in [&b"not a key"[..], b"", &vec![b'x'; KEY_FILE_MAX_BYTES as usize + 1]] {
            create(&path, content, 0o600).unwrap();
            assert!(matches!(read_public(&path), Err(KeyError::Malformed { .. })));
            assert!(matches!(public::read(&path), Err(KeyError::Malformed { .. })));
            fs::remove_file(&path).unwrap();
        }
        let weak = ssh_key::public::Ed25519PublicKey(std::array::from_fn(|at| u8::from(at == 0)));
        let line = ssh_key::PublicKey::new(weak.into(), "").to_openssh().unwrap();
        create(&path, line.as_bytes(), 0o600).unwrap();
        assert!(matches!(public::read(&path), Err(KeyError::Untrustworthy { .. })));
    }

    /// OpenSSH's own tool reads our files, and we read its.
    #[test]
    fn agrees_with_ssh_keygen() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ssh_keygen = |args: &[&str]| {
            let output = Command::new("ssh-keygen").args(args).current_dir(folder.path()).output();
            output.ok().map(|output| (output.status.success(), String::from_utf8(output.stdout).unwrap()))
        };
        write(&at("ours"), &key(), "me", Some(&pass("secret"))).unwrap();
        // The program may be missing on a reader's machine; continuous integration installs it.
        let Some((read_ok, printed)) = ssh_keygen(&["-y", "-P", "secret", "-f", "ours"]) else { return };
        assert!(read_ok);
        assert_eq!(printed.trim_end(), public::format(&key().public(), "me"));
        for (kind, name) in [("ed25519", "theirs"), ("ecdsa", "other")] {
            assert!(ssh_keygen(&["-q", "-t", kind, "-N", "secret", "-f", name]).unwrap().0);
        }
        let theirs = read(&at("theirs"), &mut |_| Ok(pass("secret"))).unwrap();
        assert_eq!(public::read(&at("theirs.pub")).unwrap().0, theirs.public());
        let other = read(&at("other"), &mut |_| Ok(pass("secret")));
        assert!(matches!(other, Err(KeyError::Algorithm { .. })), "{other:?}");
    }
}
