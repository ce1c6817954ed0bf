//! `dateline verify --range` and `dateline verify --combine`: an audit that many machines share.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::limits::PART_MAX_BYTES;
use crate::verify::{Audited, KnownKeys, Memory, Part, Range, Trust, audit_range, combine};
use crate::view::sanitize;

use super::args::VerifyArgs;
use super::diagnostics::refused;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::input::read_bounded;
use super::output::Output;
use super::source::Source;
use super::verify::{Progress, counted};

/// Checks a range of entries, and writes what comes of it. That is no verdict.
pub(crate) fn make(
    source: &Source,
    trust: &Trust,
    args: &VerifyArgs,
    range: Range,
    output: Output,
) -> Outcome<Exit> {
    let Some(out) = &args.out else {
        return Err(Failure::new(Exit::Usage, "--range needs --out PART"));
    };
    let keys = if args.keys_from.is_empty() {
        KnownKeys::Sought
    } else {
        let parts = args.keys_from.iter().map(|path| read(path).map(|part| part.keys()));
        KnownKeys::Given(parts.collect::<Outcome<Vec<_>>>()?.concat())
    };
    let progress = Progress::of(source);
    let part = audit_range(source.store(), trust, range, keys, &|done, of| progress.show(done, of));
    progress.end();
    let part = part?;
    let bytes = part.format();
    if bytes.len() > PART_MAX_BYTES {
        let failure = Failure::new(Exit::Unavailable, format!("the part would have {} bytes", bytes.len()));
        return Err(failure.hint("make parts of smaller ranges"));
    }
    replace(out, &bytes)?;
    let ((start, end), (origin, size)) = (part.range(), part.log());
    output.print(
        || {
            let (origin, out) = (sanitize(origin), sanitize(&out.display().to_string()));
            let entries = match end.checked_sub(start + 1) {
                None => "no entries".into(),
                Some(_) => format!("entries {start} to {}", end - 1),
            };
            let findings = counted(part.findings(), "finding", "findings");
            format!(
                "part: {origin}, {entries} of {size}, {findings} so far\nwritten to {out}\n\
                 This is no verdict: dateline verify --combine gives it, from this part and those of all other entries.\n"
            )
        },
        || {
            json!({
                "part": out, "bytes": bytes.len(), "origin": origin, "size": size, "start": start, "end": end,
                "findings": part.findings(), "counts": part.counts(),
            })
        },
    )?;
    Ok(Exit::Success)
}

/// Says what the parts in some files say together.
pub(crate) fn join(
    source: &Source,
    trust: &Trust,
    memory: Option<&Memory>,
    files: &[PathBuf],
) -> Outcome<Audited> {
    let mut order = Vec::new();
    for path in files {
        let is_folder = path.is_dir();
        for path in if is_folder { parts_in(path)? } else { vec![path.clone()] } {
            order.push((read(&path)?.range(), path));
        }
    }
    order.sort();
    let parts = order.into_iter().map(|(_, path)| Ok((path.display().to_string(), read(&path)?)));
    combine::<Failure>(source.store(), trust, memory, parts)
}

/// Returns the parts that lie in a folder.
fn parts_in(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let failed = |error| refused(format!("cannot read {}", folder.display()), &error);
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "part") {
            parts.push(path);
        }
    }
    if parts.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("there is no part in {}", folder.display()))
            .hint("parts end in .part: dateline verify --range 0/4 --out 0.part"));
    }
    Ok(parts)
}

fn read(path: &Path) -> Outcome<Part> {
    let bytes = read_bounded(path, PART_MAX_BYTES)?;
    Part::parse(&bytes).map_err(|error| Failure::from(error).under(format!("cannot use {}", path.display())))
}

/// Writes a file whole or not at all: the same work may be done twice at once, and be stopped at any time.
fn replace(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&aside);
        refused(format!("cannot write {}", path.display()), &error)
    })
}

/// Reads `START..END`, `START..` or `INDEX/COUNT`.
pub(crate) fn range(text: &str) -> Result<Range, String> {
    let number = |text: &str| crate::base::encoding::from_decimal(text).ok();
    let entries = text.split_once("..").and_then(|(start, end)| {
        let end = if end.is_empty() { u64::MAX } else { number(end)? };
        number(start).filter(|start| *start < end).map(|start| Range::Entries(start, end))
    });
    let share = text.split_once('/').and_then(|(index, of)| {
        let (index, of) = (number(index)?, number(of)?);
        (index < of).then_some(Range::Share { index, of })
    });
    entries.or(share).ok_or_else(|| {
        "it is START..END, the entry END not in it, START.. up to the log's end, or INDEX/COUNT, from 0/COUNT on".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_of_three_forms() {
        let entries = |start, end| Some(Range::Entries(start, end));
        let share = |index, of| Some(Range::Share { index, of });
        for (text, parsed) in [
            ("0..256", entries(0, 256)),
            ("256..", entries(256, u64::MAX)),
            ("0/1", share(0, 1)),
            ("99/100", share(99, 100)),
            ("100/100", None),
            ("1/0", None),
            ("01/4", None),
            ("/4", None),
            ("256..256", None),
            ("512..256", None),
            ("..256", None),
            ("0-256", None),
            ("00..256", None),
            ("0..=255", None),
            ("0..18446744073709551616", None),
            ("", None),
        ] {
            assert_eq!(range(text).ok(), parsed, "{text}");
        }
    }
}
