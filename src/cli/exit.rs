//! Exit codes. README lists them; any other code is a failure too.

use crate::verify::Verdict;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or verified.
    Success,
    /// Checked, and it does not hold.
    Invalid,
    /// Wrong usage. Also clap's own.
    Usage,
    /// Could not do it, or could not check it.
    Unavailable,
    /// No such log or record.
    NotFound,
    /// Another process is writing to the log, or was faster.
    Locked,
    /// A key is missing, wrong, or not allowed.
    Key,
    /// Our own fault.
    Internal,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Verified => Exit::Success,
            Verdict::Invalid => Exit::Invalid,
            Verdict::Unverifiable => Exit::Unavailable,
        }
    }
}

impl Exit {
    /// Returns the process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Invalid => 1,
            Exit::Usage => 2,
            Exit::Unavailable => 3,
            Exit::NotFound => 10,
            Exit::Locked => 11,
            Exit::Key => 12,
            Exit::Internal => 70,
        }
    }

    /// Returns the stable name that JSON errors carry.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Exit::Success => "success",
            Exit::Invalid => "invalid",
            Exit::Usage => "usage",
            Exit::Unavailable => "unavailable",
            Exit::NotFound => "notFound",
            Exit::Locked => "locked",
            Exit::Key => "key",
            Exit::Internal => "internal",
        }
    }
}
