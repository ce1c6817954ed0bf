//! `dateline recheck`: fetches registered addresses again, and records what changed.

use std::io::{self, IsTerminal};

use indicatif::ProgressBar;
use serde_json::json;

use crate::article::ReadOptions;
use crate::capture::CaptureError;
use crate::record::standing::ObservedAt;
use crate::record::{Decisions, Kind, Observed, RecordRef, Registration};
use crate::verify::read_log;
use crate::view::json_word;
use crate::view::sanitize;

use super::args::{RecheckArgs, TrustArgs};
use super::exit::Exit;
use super::extract::Reading;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::statements::{Found, Seen, compare, observation};
use super::workspace::Workspace;
use super::writing::Desk;

/// A registered address.
struct Address {
    about: RecordRef,
    url: String,
    /// What was found there the last time.
    last: Option<ObservedAt>,
}

/// Returns the address that a copy was seen at, or else that which the document gives as its own.
fn address_of(registration: &Registration) -> Option<String> {
    let named = |rel: &str| registration.urls.iter().find(|link| link.rel == rel);
    let link = named("seen").or_else(|| named("canonical"))?;
    let web = link.href.starts_with("http://") || link.href.starts_with("https://");
    web.then(|| link.href.clone())
}

pub(crate) fn run(workspace: &Workspace, args: &RecheckArgs, output: Output) -> Outcome<Exit> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let asked: Option<Vec<u64>> = match args.records.is_empty() {
        true => None,
        false => {
            let store = workspace.writer()?;
            let desk = Desk::open(workspace, &store, &trust)?;
            Some(args.records.iter().map(|named| desk.index_of(named)).collect::<Outcome<_>>()?)
        }
    };
    let addresses = addresses(workspace, &trust, asked.as_deref())?;
    if let Some(index) =
        asked.iter().flatten().find(|index| addresses.iter().all(|one| one.about.record != **index))
    {
        let failure = Failure::new(Exit::NotFound, format!("record {index} has no address"));
        return Err(failure.hint("one is recorded by adding from its address, or with --url"));
    }
    let reading = Reading::new(workspace, Decisions::default(), &args.fetch)?;
    let bar = if addresses.len() > 1 && io::stderr().is_terminal() {
        ProgressBar::new(addresses.len() as u64)
    } else {
        ProgressBar::hidden()
    };
    // Fetched first: a server takes its time, and others may write meanwhile.
    let mut pages = Vec::new();
    for address in &addresses {
        pages.push(reading.fetcher().fetch(&address.url));
        bar.inc(1);
    }
    bar.finish_and_clear();

    let store = workspace.writer()?;
    let mut desk = Desk::open(workspace, &store, &trust)?;
    let (mut news, mut failures) = (Vec::new(), Vec::new());
    let mut worst = false;
    for (address, page) in addresses.into_iter().zip(pages) {
        let (found, seen) = match looked(&desk, &address, page) {
            Ok(found) => found,
            Err(failure) => {
                super::extract::report_failure(&address.url, &failure, output)?;
                failures.push(failure.exit);
                continue;
            }
        };
        let Some(observed) = found.observed.clone() else { continue };
        let same = address
            .last
            .as_ref()
            .is_some_and(|last| last.observed == observed && last.original == found.original);
        let is_news = args.always || !same;
        worst |= !matches!(observed, Observed::Unchanged | Observed::Reflowed);
        output.print(
            || {
                let was = if is_news { "" } else { ", as before" };
                let to = seen.location.as_ref().map(|url| format!(" ({})", sanitize(url))).unwrap_or_default();
                format!("record {}: {}{was}: {}{to}\n", address.about.record, json_word(&observed), sanitize(&address.url))
            },
            || {
                json!({
                    "record": address.about.record, "url": address.url, "observed": observed, "status": seen.status,
                    "location": seen.location, "original": found.original, "reflow": found.reflow, "recorded": is_news,
                })
            },
        )?;
        if is_news {
            news.push((address.about, found, seen));
        }
    }
    if !news.is_empty() {
        let made = desk.say(Kind::Observation, &args.sign, |_, circumstances| {
            news.into_iter()
                .map(|(about, found, seen)| observation(about, found, seen, circumstances))
                .collect()
        })?;
        if !output.is_json() {
            let places: Vec<String> =
                made.iter().filter_map(|one| one.index()).map(|index| index.to_string()).collect();
            match places.is_empty() {
                true => say(&format!("{} observations wait to be published", made.len())),
                false => say(&format!("recorded as {}", places.join(", "))),
            }
        }
    }
    Ok(match super::extract::exit_of(&failures) {
        Exit::Success if worst => Exit::Invalid,
        exit => exit,
    })
}

/// Finds the registered addresses, and what was found there before.
fn addresses(
    workspace: &Workspace,
    trust: &crate::verify::Trust,
    asked: Option<&[u64]>,
) -> Outcome<Vec<Address>> {
    let store = workspace.reader();
    Ok(read_log(&store, trust, |reader| {
        let mut all = Vec::new();
        let standings = reader.standings(|record| {
            let index = record.index;
            let (Some(opened), Some(original)) = (&record.registration, record.entry.original()) else {
                return;
            };
            if record.signer.is_err() || asked.is_some_and(|asked| !asked.contains(&index)) {
                return;
            }
            if let Some(url) = address_of(&opened.registration) {
                all.push(Address { about: RecordRef { record: index, original }, url, last: None });
            }
        })?;
        for address in &mut all {
            let seen = standings.of(address.about.record).map(|standing| standing.observations.as_slice());
            let last = seen.unwrap_or_default().iter().rev().find(|one| one.url == address.url);
            address.last = last.cloned();
        }
        Ok(all)
    })?)
}

/// Tells what came from an address; fails where nothing can be told.
fn looked(
    desk: &Desk<'_>,
    address: &Address,
    page: Result<crate::capture::Capture, CaptureError>,
) -> Outcome<(Found, Seen)> {
    let seen = |location: Option<String>, status| Seen { url: address.url.clone(), location, status };
    let plain = |observed| Found { observed: Some(observed), ..Found::default() };
    match page {
        Ok(page) => {
            let options = ReadOptions {
                media_type: page.media_type.as_deref(),
                charset: page.charset.as_deref(),
                url: Some(&page.url),
                ..ReadOptions::default()
            };
            let mut found = compare(desk, address.about, &page.body, &options)?;
            let location = (page.url != address.url).then(|| page.url.clone());
            // Another text under another address is another page, not a changed one.
            if found.observed == Some(Observed::Changed) && location.is_some() {
                found.observed = Some(Observed::Moved);
            }
            Ok((found, seen(location, Some(page.status))))
        }
        Err(CaptureError::Status { status: status @ (404 | 410), .. }) => {
            Ok((plain(Observed::Gone), seen(None, Some(status))))
        }
        Err(CaptureError::Status { status: status @ (401 | 403 | 429 | 451), .. }) => {
            Ok((plain(Observed::Blocked), seen(None, Some(status))))
        }
        Err(CaptureError::Robots { .. }) => Ok((plain(Observed::Blocked), seen(None, None))),
        Err(error) => Err(Failure::from(error).under(format!("cannot look at {}", address.url))),
    }
}
