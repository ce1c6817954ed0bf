//! What the pages say, in the languages that they speak: one file of messages each, in `messages/`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;

use crate::base::Timestamp;

use super::super::people::Person;
use super::super::session::Session;
use super::{App, shown};

/// Characters of whoever is signed in, beside the way to his account.
const WHO_MAX: usize = 24;

/// The cookie that remembers which language was chosen.
pub(super) const COOKIE_NAME: &str = "dateline-language";

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    /// English.
    En,
    /// French.
    Fr,
}

impl Lang {
    pub(super) const ALL: [Lang; 2] = [Lang::En, Lang::Fr];

    /// Returns its tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
        }
    }

    /// Returns its name, in itself.
    pub(super) fn name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::Fr => "Français",
        }
    }

    /// Finds a language by its tag, or one that it begins with.
    pub(super) fn of(tag: &str) -> Option<Self> {
        let first = tag.split('-').next().unwrap_or_default().trim();
        Lang::ALL.into_iter().find(|one| one.tag().eq_ignore_ascii_case(first))
    }

    fn messages(self) -> &'static HashMap<String, String> {
        match self {
            Lang::En => &EN,
            Lang::Fr => &FR,
        }
    }

    /// Returns the language that a reader chose, or else asks for first of those that there are.
    fn asked(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        let chosen = text(COOKIE).and_then(|cookies| {
            let named = cookies.split(';').filter_map(|one| one.trim().split_once('='));
            named.filter(|(name, _)| *name == COOKIE_NAME).find_map(|(_, tag)| Lang::of(tag))
        });
        chosen.unwrap_or_else(|| accepted(text(ACCEPT_LANGUAGE).unwrap_or_default()))
    }
}

/// Reads `Accept-Language` (RFC 9110, 12.5.4).
fn accepted(header: &str) -> Lang {
    let mut best = (0.0, Lang::En);
    for part in header.split(',').take(50) {
        let mut parts = part.split(';').map(str::trim);
        let Some(lang) = parts.next().and_then(Lang::of) else { continue };
        let weight = parts.find_map(|one| one.strip_prefix("q="));
        let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if weight > best.0 {
            best = (weight, lang);
        }
    }
    best.1
}

static EN: LazyLock<HashMap<String, String>> = LazyLock::new(|| read(include_str!("../messages/en.toml")));
static FR: LazyLock<HashMap<String, String>> = LazyLock::new(|| read(include_str!("../messages/fr.toml")));

/// Reads a file of messages: tables one deep, `[log]` with `title = "…"` is `log.title`.
fn read(source: &str) -> HashMap<String, String> {
    let table: toml::Table = source.parse().expect("internal error: the messages are TOML");
    let mut all = HashMap::new();
    for (topic, messages) in table {
        for (name, text) in messages.as_table().into_iter().flatten() {
            all.insert(format!("{topic}.{name}"), text.as_str().unwrap_or_default().to_owned());
        }
    }
    all
}

/// A number of things, as templates have them.
pub(super) trait Whole {
    fn whole(self) -> u64;
}

impl Whole for u64 {
    fn whole(self) -> u64 {
        self
    }
}

impl Whole for u32 {
    fn whole(self) -> u64 {
        self.into()
    }
}

impl Whole for usize {
    fn whole(self) -> u64 {
        self as u64
    }
}

impl<T: Whole + Copy> Whole for &T {
    fn whole(self) -> u64 {
        (*self).whole()
    }
}

/// The words of a page, where its reader is, and who.
#[derive(Debug, Clone)]
pub(in crate::server) struct Words {
    pub(super) lang: Lang,
    /// Path and query of the page.
    pub(super) here: String,
    /// Who is signed in, as it is shown.
    pub(super) who: Option<String>,
}

impl FromRequestParts<App> for Words {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
        // Where that cannot be told, the page is the one for everybody.
        let session = <Session as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await;
        let mut words = Words::of(&parts.headers, &here);
        words.who = session.ok().flatten().map(|session| words.named(&session.person, WHO_MAX));
        Ok(words)
    }
}

impl Words {
    /// Returns the words for whoever sent a request for the page at `here`.
    pub(super) fn of(headers: &HeaderMap, here: &str) -> Self {
        Words { lang: Lang::asked(headers), here: here.to_owned(), who: None }
    }

    /// Returns a person as pages name him, in `width` characters.
    pub(super) fn named(&self, person: &Person, width: usize) -> String {
        match person {
            Person::Signer(key_id) => {
                shown(&self.t1("signIn.key", format!("{}…", &key_id.to_hex()[..16])), width)
            }
            Person::Reader(name) => shown(name, width),
        }
    }

    /// Returns a message.
    pub(super) fn t(&self, key: &str) -> &'static str {
        let found = self.lang.messages().get(key).or_else(|| EN.get(key));
        // A test knows each key that is asked for.
        found.map_or("", String::as_str)
    }

    /// Returns a message with one thing put in.
    pub(super) fn t1(&self, key: &str, one: impl ToString) -> String {
        self.t(key).replace("{0}", &one.to_string())
    }

    /// Returns a message with two things put in.
    pub(super) fn t2(&self, key: &str, one: impl ToString, two: impl ToString) -> String {
        let (one, two) = (one.to_string(), two.to_string());
        let parts = self.t(key).split("{0}").map(|part| part.replace("{1}", &two));
        parts.collect::<Vec<_>>().join(&one)
    }

    /// Returns the message for a number of things: `topicOne` or `topicMany`.
    pub(super) fn count(&self, topic: &str, number: impl Whole) -> String {
        let number = number.whole();
        let is_one = match self.lang {
            Lang::En => number == 1,
            Lang::Fr => number < 2,
        };
        let key = format!("{topic}{}", if is_one { "One" } else { "Many" });
        self.t1(&key, self.number(number))
    }

    /// Returns the word for a value of an enumeration, as JSON has it; what is not known stays as it is.
    pub(super) fn word(&self, topic: &str, value: &str) -> String {
        let known = self.lang.messages().get(&format!("{topic}.{value}"));
        known.map_or_else(|| super::shown(value, 60), String::clone)
    }

    /// Writes a number with its thousands apart.
    pub(super) fn number(&self, number: impl Whole) -> String {
        let digits = number.whole().to_string();
        let apart = match self.lang {
            Lang::En => ',',
            Lang::Fr => '\u{202f}',
        };
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(apart);
            }
            out.push(digit);
        }
        out
    }

    /// Writes a time, in UTC, to the minute.
    pub(super) fn time(&self, time: &Timestamp) -> String {
        let text = time.to_string();
        format!("{}\u{a0}{}\u{a0}UTC", &text[..10], &text[11..16])
    }

    /// Writes a day.
    pub(super) fn day(&self, time: &Timestamp) -> String {
        time.to_string()[..10].to_owned()
    }

    /// Writes a number of bytes.
    pub(super) fn bytes(&self, bytes: u64) -> String {
        match bytes {
            0..10_000 => self.t1("unit.bytes", self.number(bytes)),
            10_000..10_000_000 => self.t1("unit.kilobytes", self.number(bytes.div_ceil(1_000))),
            _ => self.t1("unit.megabytes", self.number(bytes.div_ceil(1_000_000))),
        }
    }
}

#[cfg(test)]
mod tests;
