//! `dateline gate`

use std::path::Path;

use serde_json::json;

use crate::base::Hash;
use crate::verify::{Code, GateArticle, GateReport, GateRule, Lock, LockPath, Require, Verdict, read_log_as};
use crate::view::sanitize;

use super::args::{GateArgs, Level, TrustArgs};
use super::ci::Results;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::lock::{Place, read_lock};
use super::output::{Output, coloured};
use super::workspace::Workspace;
use super::{findings, now};

pub(crate) fn run(workspace: &Workspace, args: &GateArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&args.trust)?;
    let place = Place::of(&args.lock)?;
    let lock = read_lock(&args.lock)?.ok_or_else(|| {
        let message = format!("there is no lock file {}", args.lock.display());
        Failure::new(Exit::NotFound, message)
            .hint("write one with `dateline lock ARTICLE`, or name it with --lock")
    })?;
    let articles = articles(args, &place, &lock)?;
    let require = args.require.map(|level| match level {
        Level::Claimed => Require::Claimed,
        Level::Corroborated => Require::Corroborated,
        Level::Verified => Require::Verified,
    });
    let rule =
        GateRule { require, max_age: args.max_age, now: now(), allow_unresolved: args.allow_unresolved };
    let lock_name = args.lock.display().to_string();
    let store = workspace.reader();
    let report = read_log_as(&store, &trust, |reader| reader.gate(&lock, &lock_name, &articles, &rule));
    let mut report = report.map_err(|error| {
        let of_lock = matches!(error, crate::verify::GateError::Lock(_));
        let failure = Failure::from(error);
        if of_lock { failure.under(format!("{lock_name} cannot be used")) } else { failure }
    })?;
    report.not_checked.extend(keys_not_checked(workspace, &args.trust));
    let exit = Exit::from(report.verdict);
    let results = Results {
        command: "gate",
        subject: Some(&report.origin),
        codes: &Code::GATE,
        verdict: report.verdict,
        findings: &report.findings,
        left_out: report.findings_left_out,
        folder: Path::new(""),
        exit: exit.code(),
    };
    output.print_results(
        &results,
        || text(&report, rule.require.is_some()),
        || {
            let mut object = json!(report);
            object["lock"] = json!(lock_name);
            object["require"] = json!(rule.require);
            object
        },
    )?;
    Ok(exit)
}

/// Says which keys were taken from where the articles lie: whoever changes those may change these.
fn keys_not_checked(workspace: &Workspace, args: &TrustArgs) -> Option<String> {
    let (policy, roots) = (workspace.policy(), workspace.roots());
    let (own, option) = match (&args.policy, args.roots.is_empty()) {
        (None, true) => {
            (format!("{} and {}", policy.display(), roots.display()), "--policy and --root name others")
        }
        (None, false) => (policy.display().to_string(), "--policy names another"),
        (Some(_), true) => (roots.display().to_string(), "--root names others"),
        (Some(_), false) => return None,
    };
    Some(format!(
        "whether the keys of {own} are the right ones: whoever changes the articles may change them too; {option}"
    ))
}

/// Returns the articles that are named, else all of the lock file.
fn articles(args: &GateArgs, place: &Place, lock: &Lock) -> Outcome<Vec<GateArticle>> {
    let read = |path: LockPath, file: &Path| {
        let bytes = place.read(&path, file);
        let sha256 = bytes.map(|bytes| Hash::of(&bytes)).map_err(|failure| failure.one_line());
        GateArticle { path, name: file.display().to_string(), sha256 }
    };
    if args.articles.is_empty() {
        let folder = args.lock.parent().unwrap_or(Path::new(""));
        let all = lock.articles().iter().map(|article| {
            let file = folder.join(article.path.as_str());
            read(article.path.clone(), &file)
        });
        let all: Vec<GateArticle> = all.collect();
        if all.is_empty() {
            let message = format!("{} names no article, and none is named here", args.lock.display());
            return Err(Failure::new(Exit::Usage, message).hint("lock one: dateline lock ARTICLE"));
        }
        return Ok(all);
    }
    args.articles.iter().map(|file| Ok(read(place.path(file)?, file))).collect()
}

/// Reads an age: `7d`, `12h`, `30m`, `90s`; a number alone is days.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['d', 'h', 'm', 's']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "d"),
    };
    let unit = match unit {
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => 86_400,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = number.parse().ok().filter(|_| digits);
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "an age is a number with d, h, m or s, as 7d".into())
}

fn text(report: &GateReport, require: bool) -> String {
    let verdict = match report.verdict {
        Verdict::Verified => coloured("verified", true),
        Verdict::Invalid => coloured("INVALID", false),
        Verdict::Unverifiable => coloured("UNVERIFIABLE", false),
    };
    let entries = if report.size == 1 { "entry" } else { "entries" };
    let mut out = format!("{verdict}: against {}, {} {entries}\n", sanitize(&report.origin), report.size);
    for article in &report.articles {
        let plural = if article.sources == 1 { "" } else { "s" };
        let verdict = match article.verdict {
            Verdict::Verified => "",
            Verdict::Invalid => ", INVALID",
            Verdict::Unverifiable => ", UNVERIFIABLE",
        };
        out.push_str(&format!(
            "  {}: {} source{plural}{verdict}\n",
            sanitize(&article.path),
            article.sources
        ));
    }
    out.push_str(&findings::text(&report.findings, report.findings_left_out));
    for not_checked in &report.not_checked {
        out.push_str(&format!("not checked: {}\n", sanitize(not_checked)));
    }
    if report.verdict == Verdict::Verified {
        let rule = if require { "; and that it meets the rule asked for" } else { "" };
        out.push_str(&format!(
            "This establishes that each record that is locked is the entry that it was, and that nobody who may has taken it\n\
             back or refuted it in this log{rule}.\n\
             It does not establish that a source is true, nor that the articles rest on nothing else.\n"
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (text, expected) in
            [("7d", 604_800), ("7", 604_800), ("12h", 43_200), ("30m", 1_800), ("90s", 90), ("0d", 0)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for bad in ["", "d", "-1d", "+1d", "1.5d", "7 d", "7w", "7dd", "18446744073709551615d", "٧d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
