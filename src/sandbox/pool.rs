//! The parent: hands documents to workers, and puts an end to those that hang.

use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::article::container::Contents;
use crate::article::extract::Extract;
use crate::article::isolation::Isolation;
use crate::article::{Format, ReadError, ReadOptions};
use crate::base::limits;

use super::{ARCHIVE_SECONDS_MAX, ARGUMENT, JSON_MAX_BYTES, Request, SECONDS_MAX};

/// Documents after which a worker is replaced: what a parser leaks goes with it.
const DOCUMENTS_MAX: usize = 2_000;

/// Workers that are started when there is something to read, and kept for the next document.
#[derive(Debug)]
pub struct Pool {
    program: PathBuf,
    seconds: u64,
    idle: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    documents: usize,
}

impl Drop for Worker {
    /// A worker ends with its pool; none is left behind as a zombie.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why there is no answer.
enum Failed {
    TimedOut,
    Broken(String),
    Start(io::Error),
}

/// An answer with the bytes that follow it.
struct Answer {
    json: Vec<u8>,
    blobs: Vec<Vec<u8>>,
}

impl Pool {
    /// Makes a pool of workers that run `program`, which must call [`super::serve`] when its first argument is
    /// [`ARGUMENT`].
    pub fn new(program: PathBuf) -> Self {
        Pool { program, seconds: SECONDS_MAX, idle: Mutex::default() }
    }

    /// Gives each document `seconds` instead of [`SECONDS_MAX`].
    pub fn seconds(self, seconds: u64) -> Self {
        Pool { seconds, ..self }
    }

    fn start(&self) -> io::Result<Worker> {
        let mut child = Command::new(&self.program)
            .arg(ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let piped = || io::Error::other("its streams are not pipes");
        let input = child.stdin.take().ok_or_else(piped)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(piped)?);
        Ok(Worker { child, input, output, documents: 0 })
    }

    fn ask(&self, request: &Request, bytes: &[u8], seconds: u64) -> Result<Answer, Failed> {
        let idle = self.idle.lock().map_or(None, |mut idle| idle.pop());
        let mut worker = idle.map_or_else(|| self.start().map_err(Failed::Start), Ok)?;
        let (sender, receiver) = mpsc::channel::<()>();
        let Worker { child, input, output, .. } = &mut worker;
        // Killing the worker ends the exchange here: its streams are closed.
        let (answer, child, late) = thread::scope(|scope| {
            let watchdog = scope.spawn(move || {
                let late = receiver.recv_timeout(Duration::from_secs(seconds))
                    == Err(mpsc::RecvTimeoutError::Timeout);
                if late {
                    let _ = child.kill();
                }
                (child, late)
            });
            let answer = exchange(input, output, request, bytes);
            drop(sender);
            let (child, late) =
                watchdog.join().expect("internal error: the watchdog does nothing that panics");
            (answer, child, late)
        });
        let answer = match answer {
            _ if late => return Err(Failed::TimedOut),
            Ok(answer) => answer,
            Err(error) => return Err(Failed::Broken(how_it_ended(child, &error))),
        };
        worker.documents += 1;
        if worker.documents < DOCUMENTS_MAX
            && let Ok(mut idle) = self.idle.lock()
        {
            idle.push(worker);
        }
        Ok(answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        format: Option<Format>,
        bytes: &[u8],
        options: &ReadOptions<'_>,
        seconds: u64,
    ) -> Result<(T, Vec<Vec<u8>>), ReadError> {
        let name = || format.map_or("web archive, feed or mail", Format::name).into();
        let broken = |how: String| ReadError::Crashed { format: name(), how: how.into() };
        match self.ask(&Request::new(format, options), bytes, seconds) {
            Ok(answer) => {
                let read: Result<T, ReadError> = serde_json::from_slice(&answer.json)
                    .map_err(|error| broken(format!("its answer is none: {error}")))?;
                Ok((read?, answer.blobs))
            }
            Err(Failed::TimedOut) => Err(ReadError::TimedOut { format: name(), seconds }),
            Err(Failed::Broken(how)) => Err(broken(how)),
            Err(Failed::Start(error)) => {
                Err(ReadError::NoReader { format: name(), reason: error.to_string().into() })
            }
        }
    }
}

impl Isolation for Pool {
    fn extract_as(
        &self,
        format: Format,
        bytes: &[u8],
        options: &ReadOptions<'_>,
    ) -> Result<Extract, ReadError> {
        Ok(self.read(Some(format), bytes, options, self.seconds)?.0)
    }

    fn open(&self, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Option<Contents>, ReadError> {
        let seconds = self.seconds.max(ARCHIVE_SECONDS_MAX);
        let (mut contents, blobs): (Option<Contents>, _) = self.read(None, bytes, options, seconds)?;
        if let Some(contents) = &mut contents {
            for (part, blob) in contents.parts.iter_mut().zip(blobs) {
                part.bytes = blob;
            }
        }
        Ok(contents)
    }
}

fn exchange(
    input: &mut ChildStdin,
    output: &mut impl Read,
    request: &Request,
    bytes: &[u8],
) -> io::Result<Answer> {
    let json = serde_json::to_vec(request)?;
    input.write_all(&(json.len() as u32).to_le_bytes())?;
    input.write_all(&json)?;
    input.write_all(&(bytes.len() as u64).to_le_bytes())?;
    input.write_all(bytes)?;
    input.flush()?;
    let json = block(output, JSON_MAX_BYTES)?;
    let mut blobs = Vec::new();
    if request.format.is_none() {
        // As many as the answer says it has parts.
        let parts = serde_json::from_slice::<serde_json::Value>(&json)?;
        let count = parts.pointer("/Ok/parts").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        for _ in 0..count.min(limits::PARTS_MAX + 1) {
            blobs.push(block(output, limits::ARCHIVE_MAX_BYTES)?);
        }
    }
    Ok(Answer { json, blobs })
}

fn block(output: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    output.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > limit {
        return Err(io::Error::other(format!("it announced {length} bytes")));
    }
    let mut bytes = Vec::new();
    output.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

fn how_it_ended(child: &mut Child, error: &io::Error) -> String {
    let _ = child.kill();
    match child.wait() {
        Ok(status)
            if error.kind() == io::ErrorKind::UnexpectedEof || error.kind() == io::ErrorKind::BrokenPipe =>
        {
            format!("it ended early ({status})")
        }
        _ => error.to_string(),
    }
}
