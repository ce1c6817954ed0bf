//! Trust policies: which logs and witnesses are believed, and how many witnesses it takes.
//! <https://c2sp.org/tlog-policy>
//!
//! ```text
//! # a comment stands on its own line
//! log example.com/log+5d0aaa75+AYo… https://example.com/log/
//! witness W1 w1.example+c5f3a1f8+BOk…
//! witness W2 w2.example+2a7d3f05+BJb…
//! group two-of-two all W1 W2
//! quorum two-of-two
//! ```
//!
//! A policy is a file of octets: names and URLs are compared byte by byte and need not be UTF-8. It is what an
//! auditor trusts; it comes from the auditor's own disk, never from the log.

use std::fmt;

use thiserror::Error;

use super::key::VerifierKey;
use super::policy_line::{PolicyLineError, Reader, check_log_type};
use crate::base::limits::POLICY_MAX_BYTES;

/// One item of a policy line, a name or a URL: octets, at least one, without space, tab or other ASCII control
/// characters. Shown with everything escaped that a terminal might obey.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item(Vec<u8>);

/// A log: any checkpoint of an origin that is this key's name must be signed by such a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The log's key, of any type but 0x04. Its name is the log's origin.
    pub key: VerifierKey,
    /// Where the log is, in the sense of whoever asks.
    pub url: Option<Item>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The name within this policy.
    pub name: Item,
    /// The witness's key, of type 0x04 or 0x06.
    pub key: VerifierKey,
    /// Where the witness is, in the sense of whoever asks.
    pub url: Option<Item>,
}

/// A group of witnesses and groups: it has witnessed a checkpoint if at least `threshold` members have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name within this policy.
    pub name: Item,
    /// How many members it takes, 1 to the number of members.
    pub threshold: usize,
    /// The members, at least one. Groups among them stand earlier in the policy.
    pub members: Vec<Member>,
}

/// A witness or a group, by its place in [`Policy::witnesses`] or [`Policy::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A witness.
    Witness(usize),
    /// A group.
    Group(usize),
}

/// A policy. No two logs share a key, nor do two witnesses; no name has two meanings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

/// Why octets are not a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A larger file than is read.
    #[error("policy of {found} bytes, {max} are allowed")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// [`POLICY_MAX_BYTES`].
        max: usize,
    },
    /// A control character other than tab and newline; 0x0d is a Windows line ending.
    #[error("policy line {line} has forbidden octet 0x{octet:02x}")]
    Octet {
        /// The line, counted from 1.
        line: usize,
        /// The octet.
        octet: u8,
    },
    /// The last line does not end: the file may have been cut off.
    #[error("policy line {line} has no newline at its end")]
    Unterminated {
        /// The line, counted from 1.
        line: usize,
    },
    /// A line says nothing that can be understood.
    #[error("policy line {line} is not valid")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: PolicyLineError,
    },
    /// Nothing says how many witnesses it takes.
    #[error("policy of {lines} lines has no quorum line")]
    NoQuorum {
        /// Lines read.
        lines: usize,
    },
}

impl Item {
    pub(super) fn new(octets: &[u8]) -> Self {
        Item(octets.to_vec())
    }

    /// Returns the octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) => write!(f, "{text:?}"),
            Err(_) => write!(f, "\"{}\"", self.0.escape_ascii()),
        }
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Policy {
    /// Makes the policy that believes one log and asks for no witness.
    ///
    /// # Errors
    /// [`PolicyLineError::SignatureType`] if the key is a cosigner's, type 0x04.
    pub fn of_log(key: VerifierKey) -> Result<Self, PolicyLineError> {
        check_log_type(&key)?;
        let log = Log { key, url: None };
        Ok(Policy { logs: vec![log], witnesses: Vec::new(), groups: Vec::new(), quorum: None })
    }

    /// Reads a policy file. Costs one pass and a decoding of each key.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(octets: &[u8]) -> Result<Self, PolicyError> {
        if octets.len() > POLICY_MAX_BYTES {
            return Err(PolicyError::TooLarge { found: octets.len(), max: POLICY_MAX_BYTES });
        }
        let mut lines: Vec<&[u8]> = octets.split(|&octet| octet == b'\n').collect();
        if lines.pop().is_some_and(|rest| !rest.is_empty()) {
            return Err(PolicyError::Unterminated { line: lines.len() + 1 });
        }
        let mut reader = Reader::default();
        for (index, octets) in lines.iter().enumerate() {
            let line = index + 1;
            if let Some(&octet) = octets.iter().find(|&&octet| octet.is_ascii_control() && octet != b'\t') {
                return Err(PolicyError::Octet { line, octet });
            }
            reader.read(line, octets).map_err(|source| PolicyError::Line { line, source })?;
        }
        let Some((quorum, _)) = reader.quorum else {
            return Err(PolicyError::NoQuorum { lines: lines.len() });
        };
        let Reader { logs, witnesses, groups, .. } = reader;
        Ok(Policy { logs, witnesses, groups, quorum })
    }

    /// Returns the canonical form: logs, witnesses, groups and the quorum, in this order, thresholds as
    /// numbers, single spaces. Comments are not kept.
    pub fn format(&self) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for Log { key, url } in &self.logs {
            lines.push(join(&[b"log", key.to_string().as_bytes()], url.as_ref()));
        }
        for Witness { name, key, url } in &self.witnesses {
            lines.push(join(&[b"witness", &name.0, key.to_string().as_bytes()], url.as_ref()));
        }
        for Group { name, threshold, members } in &self.groups {
            let threshold = threshold.to_string();
            let mut items = vec![b"group".as_slice(), &name.0, threshold.as_bytes()];
            items.extend(members.iter().map(|&member| self.name(member).as_bytes()));
            lines.push(join(&items, None));
        }
        let quorum = self.quorum.map_or(b"none".as_slice(), |member| self.name(member).as_bytes());
        lines.push(join(&[b"quorum", quorum], None));
        lines.concat()
    }

    /// Returns the logs; none if the log is known from elsewhere, but then no checkpoint can be opened.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Returns the witnesses.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Returns the groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns whose cosignature it takes; `None` if nobody's.
    pub fn quorum(&self) -> Option<Member> {
        self.quorum
    }

    /// Returns the name of a member of this policy.
    ///
    /// # Panics
    /// If `member` is of another policy and not in this one.
    pub fn name(&self, member: Member) -> &Item {
        match member {
            Member::Witness(index) => &self.witnesses[index].name,
            Member::Group(index) => &self.groups[index].name,
        }
    }
}

fn join(items: &[&[u8]], url: Option<&Item>) -> Vec<u8> {
    let mut line = items.join(&b' ');
    if let Some(url) = url {
        line.push(b' ');
        line.extend_from_slice(&url.0);
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{example, log, opaque, witness};
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_specification() {
        let policy = parse(&example()).unwrap();
        assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
        let thresholds: Vec<usize> = policy.groups().iter().map(|group| group.threshold).collect();
        assert_eq!(thresholds, [2, 1, 2]);
        assert_eq!(policy.groups()[2].members, [Member::Group(0), Member::Group(1)]);
        assert_eq!(policy.quorum(), Some(Member::Group(2)));
        let canonical = policy.format();
        assert_eq!(Policy::parse(&canonical), Ok(policy));
        let text = String::from_utf8(canonical).unwrap();
        assert!(text.ends_with("group X-and-Y 2 X-witnesses Y-witnesses\nquorum X-and-Y\n"), "{text}");
    }

    #[test]
    fn reads_what_the_syntax_allows() {
        let (l1, w1, w2) = (log("l1", 1), witness("w1", 2), witness("w2", 3));
        for good in [
            "quorum none\n".to_owned(),
            "#\n \t# x # y\n\n\t \nquorum none\n".to_owned(),
            format!("log {l1} https://l1.example/ \n\tquorum \t none\t\n"),
            format!("quorum none\nlog {l1}\n"),
            format!("witness all {w1}\nwitness any {w2}\ngroup group 2 all any\nquorum group\n"),
            format!("witness quorum {w1} urn:é\nquorum quorum\nwitness #w {w2}\n"),
            format!("witness None {w1}\ngroup g any None\nquorum None\n"),
            format!("witness w {w1}\ngroup g 1 w\ngroup h all g\nquorum w\n"),
            // One key may be a log's and a witness's, and a log may have two keys under one origin.
            format!("log {}\nwitness w {}\nquorum w\n", log("a", 1), witness("a", 1)),
            format!("log {}\nlog {}\nquorum none\n", log("a", 1), log("a", 2)),
            format!("log {}\nlog {}\nquorum none\n", opaque("a", 6, 1), opaque("b", 2, 2)),
            format!("log {0}\nwitness w {0}\nquorum w\n", opaque("a", 6, 1)),
        ] {
            let policy = parse(&good).unwrap_or_else(|error| panic!("{good:?}: {error:?}"));
            assert_eq!(Policy::parse(&policy.format()), Ok(policy), "{good:?}");
        }
        let octets = [b"witness K\x80 ", w1.as_bytes(), b" u\xff\nquorum K\x80\n"].concat();
        let policy = Policy::parse(&octets).unwrap();
        assert_eq!((policy.witnesses()[0].name.to_string(), policy.format()), (r#""K\x80""#.into(), octets));
    }

    #[test]
    fn refuses_bad_files() {
        let w1 = witness("w1", 2);
        for (text, expected) in [
            (String::new(), PolicyError::NoQuorum { lines: 0 }),
            (format!("witness w1 {w1}\n"), PolicyError::NoQuorum { lines: 1 }),
            ("\nquorum none".to_owned(), PolicyError::Unterminated { line: 2 }),
            ("quorum none\r\n".to_owned(), PolicyError::Octet { line: 1, octet: b'\r' }),
            ("# \u{b}\nquorum none\n".to_owned(), PolicyError::Octet { line: 1, octet: 0x0b }),
            ("quorum none\n\0\n".to_owned(), PolicyError::Octet { line: 2, octet: 0 }),
            ("quorum none\n#\u{7f}\n".to_owned(), PolicyError::Octet { line: 2, octet: 0x7f }),
        ] {
            assert_eq!(parse(&text), Err(expected), "{text:?}");
        }
        let octets = [b"log l\x80", log("l", 1).as_bytes(), b"\n"].concat();
        let error = Policy::parse(&octets).unwrap_err();
        assert!(matches!(
            error,
            PolicyError::Line { line: 1, source: PolicyLineError::VerifierKey { source: None, .. } }
        ));
    }

    #[test]
    fn has_room_for_32_of_each_and_a_bound() {
        let mut text = String::new();
        for n in 0..32 {
            let url = format!("https://example.com/{}", "u".repeat(200));
            let name = "n".repeat(200);
            text += &format!("log {} {url}\n", opaque(&format!("l{n}{name}"), 6, n));
            text += &format!("witness w{n} {} {url}\n", opaque(&format!("w{n}{name}"), 6, n));
            text += &format!("group g{n}{name} any w{n}\n");
        }
        text += "quorum w0\n";
        let policy = parse(&text).unwrap();
        assert_eq!((policy.logs().len(), policy.groups().len()), (32, 32));

        let fill = POLICY_MAX_BYTES - "#\nquorum none\n".len();
        assert!(parse(&format!("#{}\nquorum none\n", " ".repeat(fill))).is_ok());
        let found = POLICY_MAX_BYTES + 1;
        let too_large = parse(&format!("#{}\nquorum none\n", " ".repeat(fill + 1)));
        assert_eq!(too_large, Err(PolicyError::TooLarge { found, max: POLICY_MAX_BYTES }));
    }

    #[test]
    fn of_log_is_what_its_text_says() {
        let key = VerifierKey::parse(&log("example.com/log", 1)).unwrap();
        let policy = Policy::of_log(key.clone()).unwrap();
        assert_eq!(policy.format(), format!("log {key}\nquorum none\n").into_bytes());
        assert_eq!(Policy::parse(&policy.format()), Ok(policy));
        let witness = VerifierKey::parse(&witness("example.com/log", 1)).unwrap();
        assert!(matches!(Policy::of_log(witness), Err(PolicyLineError::SignatureType { role: "log", .. })));
    }

    proptest! {
        #[test]
        fn the_canonical_form_comes_back(octets: Vec<u8>, at in 0usize..900) {
            let mut text = example().into_bytes();
            let at = at.min(text.len());
            text.splice(at..(at + octets.len().min(4)).min(text.len()), octets);
            if let Ok(policy) = Policy::parse(&text) {
                let canonical = policy.format();
                prop_assert_eq!(Policy::parse(&canonical).unwrap().format(), canonical);
                prop_assert_eq!(Policy::parse(&policy.format()), Ok(policy));
            }
        }

        #[test]
        fn never_panics(items in proptest::collection::vec(0usize..14, 0..30)) {
            let words = ["log", "witness", "group", "quorum", "none", "all", "2", "a", "b", "#", "\n", "\n", " ", "\t"];
            let text: Vec<&str> = items.iter().map(|&item| words[item]).collect();
            let _ = parse(&text.join(" "));
        }
    }
}
