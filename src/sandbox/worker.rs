//! The child: bounds itself, then reads what it is given.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::article::{self, ReadError};
use crate::base::limits;

use super::{JSON_MAX_BYTES, MEMORY_MAX_BYTES, Request, STACK_BYTES};

/// Answers requests on the standard streams until the first is closed.
pub fn serve() -> ExitCode {
    bound();
    // A panic is an answer, not a message on the user's terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let run = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
        while answer(&mut input, &mut output).is_ok() {}
    });
    match run.map(std::thread::JoinHandle::join) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Sets limits on this process, as far as the system knows them.
fn bound() {
    #[cfg(unix)]
    {
        use rlimit::Resource;
        for (resource, limit) in [
            (Resource::AS, MEMORY_MAX_BYTES),
            (Resource::CORE, 0),
            (Resource::FSIZE, 0),
            (Resource::NOFILE, 32),
        ] {
            // A limit that cannot be set is one that is lower already.
            let _ = resource.set(limit, limit);
        }
    }
}

/// Reads one request and writes its answer.
fn answer(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut json = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut json)?;
    let request: Request = serde_json::from_slice(&json)?;
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > limits::DOCUMENT_MAX_BYTES.max(limits::ARCHIVE_MAX_BYTES) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;

    let format = request.format.map_or("container", |format| format.name());
    let crashed = |_| Err(ReadError::Crashed { format: format.into(), how: "it panicked".into() });
    let options = request.options();
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let json = match request.format {
        Some(format) => {
            let read = catch_unwind(AssertUnwindSafe(|| article::extract_here(format, &bytes, &options)));
            serde_json::to_vec(&read.unwrap_or_else(crashed))?
        }
        None => {
            let read = catch_unwind(AssertUnwindSafe(|| article::open_here(&bytes, &options)));
            let mut read = read.unwrap_or_else(|_| {
                Err(ReadError::Crashed { format: format.into(), how: "it panicked".into() })
            });
            if let Ok(Some(contents)) = &mut read {
                blobs.extend(contents.parts.iter_mut().map(|part| std::mem::take(&mut part.bytes)));
            }
            serde_json::to_vec(&read)?
        }
    };
    if json.len() as u64 > JSON_MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    output.write_all(&(json.len() as u64).to_le_bytes())?;
    output.write_all(&json)?;
    for blob in blobs {
        output.write_all(&(blob.len() as u64).to_le_bytes())?;
        output.write_all(&blob)?;
    }
    output.flush()
}
