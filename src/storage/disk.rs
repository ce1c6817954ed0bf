//! What a folder of objects asks of the operating system: few calls, so that a test can stand in for a disk that loses
//! what was not synced.
//!
//! Relied on, and no more: a rename is one step; what is written is on the disk once it was synced, and a name once
//! its folder was; until then a crash may keep any part of it, in any order. A failed sync is final: Linux may drop the
//! written pages and report success the next time.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, wherever it leads.
    Link,
    /// A pipe, a socket, a device.
    Other,
}

impl From<fs::FileType> for Kind {
    fn from(kind: fs::FileType) -> Self {
        if kind.is_file() {
            Kind::File
        } else if kind.is_dir() {
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Link
        } else {
            Kind::Other
        }
    }
}

/// Files and folders. Every call is one step or a few, and errors are the system's.
pub trait Disk: Debug + Send + Sync {
    /// Returns what stands under a name, and follows no link there.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if nothing does.
    fn kind(&self, path: &Path) -> io::Result<Kind>;

    /// Returns the size of a file in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn size(&self, path: &Path) -> io::Result<u64>;

    /// Returns the bytes of a file from `from` on, at most `limit`.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path, from: u64, limit: u64) -> io::Result<Vec<u8>>;

    /// Returns what stands in a folder, in any order; names that are not UTF-8 with marks in their place.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>>;

    /// Makes a folder in one that is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] and others.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file that is not there yet. Its bytes are synced if `synced`; its name is not.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path, bytes: &[u8], synced: bool) -> io::Result<()>;

    /// Gives a file one name more, where none is.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] and others, also where the file system knows no second names.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name, in place of what stood there.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Brings the names in a folder to the disk.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder that is empty.
    ///
    /// # Errors
    /// As the system says.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Locks a file, making it if need be, for as long as the lock is held; `None` if somebody else holds it.
    ///
    /// # Errors
    /// As the system says.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A lock that is held until it is dropped.
pub trait Lock: Debug + Send + Sync {
    /// Returns whether the system can sync a whole file system.
    fn can_sync_everything(&self) -> bool;

    /// Brings all that was written to the lock's file system since the lock was taken to the disk, bytes and names.
    ///
    /// # Errors
    /// As the system says, also for what could not be written since the last call.
    fn sync_everything(&self) -> io::Result<()>;
}

/// Bytes for which room is made before a file is read.
const READ_AT_ONCE_MAX: u64 = 1 << 24;

/// The disk of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn kind(&self, path: &Path) -> io::Result<Kind> {
        Ok(fs::symlink_metadata(path)?.file_type().into())
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::symlink_metadata(path)?.len())
    }

    fn read(&self, path: &Path, from: u64, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = File::open(path)?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        // Room for all of it at once; its length is believed as far as memory is no matter.
        let length = file.metadata()?.len().saturating_sub(from).min(limit).min(READ_AT_ONCE_MAX);
        bytes.reserve(length as usize + 1);
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        let one = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?.into()))
        };
        fs::read_dir(folder)?.map(one).collect()
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn create(&self, path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        if synced { file.sync_all() } else { Ok(()) }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(SystemLock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A locked file. Opened before anything is written, so that no failure to write goes unreported to it.
#[derive(Debug)]
struct SystemLock(File);

impl Lock for SystemLock {
    fn can_sync_everything(&self) -> bool {
        cfg!(target_os = "linux")
    }

    #[cfg(target_os = "linux")]
    fn sync_everything(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.0)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_everything(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
