//! Files of lines beside the keys, each a JSON object, that are only ever added to: readable by their owner alone, and synced before
//! what they tell of is done or answered.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::kept::{KeptError, io_error, lock};

/// Such a file.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    folder: PathBuf,
    name: &'static str,
    /// Bytes of a line that are read.
    max_bytes: u64,
}

impl Lines {
    /// The one of this name in `folder`; neither need be there.
    pub(super) fn at(folder: &Path, name: &'static str, max_bytes: u64) -> Self {
        Lines { folder: folder.to_owned(), name, max_bytes }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Adds a line, and brings it to the disk.
    pub(super) fn add(&self, line: &impl Serialize) -> Result<(), KeptError> {
        let mut line = serde_json::to_vec(line).expect("internal error: a line is plain data");
        line.push(b'\n');
        let _lock = lock(&self.folder)?;
        let path = self.path();
        let is_new = !path.exists();
        let mut options = File::options();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(io_error("open", &path))?;
        if !ends_with_a_line(&mut file).map_err(io_error("read", &path))? {
            // What a crash broke off stays a line of its own.
            line.insert(0, b'\n');
        }
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(io_error("write", &path))?;
        if is_new {
            let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
            synced.map_err(io_error("sync", &self.folder))?;
        }
        Ok(())
    }

    /// Returns the lines as they are, the oldest first.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = Vec<u8>> + use<>, KeptError> {
        let path = self.path();
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("open", &path)(error)),
        };
        let (mut reader, max_bytes) = (file.map(BufReader::new), self.max_bytes);
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            // What cannot be read any further ends it.
            let read = reader.as_mut()?.by_ref().take(max_bytes).read_until(b'\n', &mut line).ok()?;
            (read > 0).then_some(line)
        }))
    }
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(size - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
