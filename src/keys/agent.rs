//! The ssh-agent protocol (draft-ietf-sshm-ssh-agent), as much of it as signing takes.
//!
//! Each message is a 32-bit big-endian length, one byte of type, and fields; a string is a 32-bit length and bytes.
//! Request 11 lists keys (answer 12), request 13 signs (answer 14), answer 5 is a refusal. The agent is believed in
//! nothing: its signature is verified before it is returned.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{PublicKey, Signature};

use super::KeyError;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const FAILURE: u8 = 5;

/// Bytes of an answer, as OpenSSH's own client bounds it.
const ANSWER_MAX_BYTES: u32 = 256 * 1024;
/// A person may have to touch a token or answer a dialogue.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An agent, known by its socket. Each request opens a connection of its own.
#[derive(Debug, Clone)]
pub struct Agent {
    socket: PathBuf,
}

impl Agent {
    /// An agent at a socket, usually what `SSH_AUTH_SOCK` names.
    pub fn at(socket: &Path) -> Self {
        Agent { socket: socket.to_owned() }
    }

    /// Returns the Ed25519 keys that the agent holds; others are left out.
    ///
    /// # Errors
    /// [`KeyError::Agent`].
    pub fn keys(&self) -> Result<Vec<PublicKey>, KeyError> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        let malformed = || self.fault("its list of keys is malformed", None);
        let mut rest = answer.strip_prefix(&[IDENTITIES_ANSWER]).ok_or_else(malformed)?;
        let count = take_u32(&mut rest).ok_or_else(malformed)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let blob = take_string(&mut rest).ok_or_else(malformed)?;
            take_string(&mut rest).ok_or_else(malformed)?;
            keys.extend(key_of_blob(blob));
        }
        Ok(keys)
    }

    /// Has the agent sign `message`, and checks the signature.
    ///
    /// # Errors
    /// [`KeyError::Agent`], [`KeyError::AgentRefused`], [`KeyError::AgentLied`].
    pub fn sign(&self, public: &PublicKey, message: &[u8]) -> Result<Signature, KeyError> {
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &blob_of_key(public));
        put_string(&mut request, message);
        request.extend_from_slice(&0u32.to_be_bytes());
        let answer = self.ask(&request)?;
        if answer == [FAILURE] {
            return Err(KeyError::AgentRefused { public: public.to_hex() });
        }
        let malformed = || self.fault("its signature is malformed", None);
        let mut rest = answer.strip_prefix(&[SIGN_RESPONSE]).ok_or_else(malformed)?;
        let mut blob = take_string(&mut rest).ok_or_else(malformed)?;
        let algorithm = take_string(&mut blob);
        let bytes = take_string(&mut blob).and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
        if algorithm != Some(b"ssh-ed25519") || !rest.is_empty() || !blob.is_empty() {
            return Err(malformed());
        }
        let signature = Signature(bytes);
        match public.verify(message, &signature) {
            Ok(()) => Ok(signature),
            Err(_) => Err(KeyError::AgentLied { public: public.to_hex() }),
        }
    }

    fn fault(&self, what: &'static str, source: Option<io::Error>) -> KeyError {
        KeyError::Agent { path: self.socket.clone(), what, source }
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, KeyError> {
        let fault = |what| move |error| self.fault(what, Some(error));
        let mut stream = UnixStream::connect(&self.socket).map_err(fault("it cannot be reached"))?;
        let limited = stream.set_read_timeout(Some(TIMEOUT)).and(stream.set_write_timeout(Some(TIMEOUT)));
        limited.map_err(fault("its socket takes no time limit"))?;
        let mut framed = Vec::new();
        put_string(&mut framed, request);
        stream.write_all(&framed).map_err(fault("it does not listen"))?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(fault("it does not answer"))?;
        let length = u32::from_be_bytes(length);
        if length == 0 || length > ANSWER_MAX_BYTES {
            return Err(self.fault("its answer is empty or too long", None));
        }
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).map_err(fault("its answer ends early"))?;
        Ok(answer)
    }
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("internal error: a request of four gigabytes");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*number))
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(rest)?;
    let (string, after) = rest.split_at_checked(length as usize)?;
    *rest = after;
    Some(string)
}

fn blob_of_key(key: &PublicKey) -> Vec<u8> {
    let mut blob = Vec::new();
    put_string(&mut blob, b"ssh-ed25519");
    put_string(&mut blob, key.as_bytes());
    blob
}

fn key_of_blob(mut blob: &[u8]) -> Option<PublicKey> {
    let algorithm = take_string(&mut blob)?;
    let bytes = take_string(&mut blob)?.try_into().ok()?;
    (algorithm == b"ssh-ed25519" && blob.is_empty()).then(|| PublicKey::from_bytes(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::super::private;
    use super::*;
    use crate::base::SigningKey;
    use std::os::unix::net::UnixListener;
    use std::process::{Child, Command, Stdio};
    use zeroize::Zeroizing;

    fn key() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([9; 32]))
    }

    /// An agent that gives one answer and hangs up.
    fn answering(answer: Vec<u8>) -> (tempfile::TempDir, Agent) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&answer).unwrap();
        });
        (folder, Agent::at(&socket))
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, message);
        out
    }

    fn sign_response(signature: &[u8]) -> Vec<u8> {
        let mut blob = Vec::new();
        put_string(&mut blob, b"ssh-ed25519");
        put_string(&mut blob, signature);
        let mut message = vec![SIGN_RESPONSE];
        put_string(&mut message, &blob);
        framed(&message)
    }

    #[test]
    fn agents_that_misbehave() {
        let sign = |answer: Vec<u8>| {
            let (_folder, agent) = answering(answer);
            agent.sign(&key().public(), b"message")
        };
        assert!(sign(sign_response(&key().sign(b"message").0)).is_ok());
        assert!(matches!(sign(sign_response(&key().sign(b"other").0)), Err(KeyError::AgentLied { .. })));
        assert!(matches!(sign(framed(&[FAILURE])), Err(KeyError::AgentRefused { .. })));
        let too_long = u32::MAX.to_be_bytes().to_vec();
        for answer in
            [Vec::new(), vec![0; 4], too_long, framed(&[99]), sign_response(&[0; 63]), vec![0, 0, 0, 9, 14]]
        {
            assert!(matches!(sign(answer), Err(KeyError::Agent { .. })));
        }
        let mut many = vec![IDENTITIES_ANSWER];
        many.extend_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(answering(framed(&many)).1.keys(), Err(KeyError::Agent { .. })));
        assert!(matches!(Agent::at(Path::new("/nowhere")).keys(), Err(KeyError::Agent { .. })));
    }

    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// OpenSSH's own agent, where it is installed.
    #[test]
    fn agrees_with_ssh_agent() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let started =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let Ok(_agent) = started.map(Killed) else { return };
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !socket.exists() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let path = folder.path().join("key");
        private::write(&path, &key(), "", None).unwrap();
        let agent = Agent::at(&socket);
        assert_eq!(agent.keys().unwrap(), []);
        assert!(matches!(agent.sign(&key().public(), b"m"), Err(KeyError::AgentRefused { .. })));
        let added = Command::new("ssh-add").arg(&path).env("SSH_AUTH_SOCK", &socket).output().unwrap();
        assert!(added.status.success(), "{added:?}");
        assert_eq!(agent.keys().unwrap(), [key().public()]);
        assert_eq!(agent.sign(&key().public(), b"m").unwrap(), key().sign(b"m"));
    }
}
