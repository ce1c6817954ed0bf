//! Reading a policy line by line.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::key::{KeyError, VerifierKey};
use super::key_id::{KeyId, KeyName, SignatureType};
use super::policy::{Group, Item, Log, Member, Witness};
use crate::base::encoding;

/// Why a line of a policy is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyLineError {
    /// Not `log`, `witness`, `group` or `quorum`.
    #[error("unknown keyword {0}")]
    Keyword(Item),
    /// Too few or too many items. A comment after an item is an item.
    #[error("{found} items where the form is {form:?}")]
    ItemCount {
        /// How the line should look.
        form: &'static str,
        /// Items found, keyword included.
        found: usize,
    },
    /// The vkey is malformed.
    #[error("bad vkey {vkey}")]
    VerifierKey {
        /// The beginning of the vkey, at most 80 octets.
        vkey: Item,
        /// What is wrong with it; `None` if it is not UTF-8.
        source: Option<KeyError>,
    },
    /// A key that does not do what this line wants of it.
    #[error("key {name:?} is of type {found}, which is not for a {role}")]
    SignatureType {
        /// The key's name.
        name: KeyName,
        /// The key's type.
        found: SignatureType,
        /// `log` or `witness`.
        role: &'static str,
    },
    /// The public key stands on an earlier line of the same kind, perhaps under another name.
    #[error("the public key of {name:?} is already on line {line}")]
    DuplicateKey {
        /// The key's name.
        name: KeyName,
        /// The earlier line, counted from 1.
        line: usize,
    },
    /// Another key has this name and key id: no signature could be told to be of one or the other.
    #[error("another key named {name:?} with key id {id} is already on line {line}")]
    AmbiguousKey {
        /// The name of both.
        name: KeyName,
        /// The id of both.
        id: KeyId,
        /// The earlier line, counted from 1.
        line: usize,
    },
    /// A URL that begins with `#`: meant as a comment, which must stand on its own line.
    #[error("{0} is not a URL; a comment needs a line of its own")]
    Comment(Item),
    /// The name is taken, or is `none`.
    #[error("the name {0} is already taken")]
    DuplicateName(Item),
    /// No earlier line defines this name.
    #[error("no earlier line defines {0}")]
    UnknownName(Item),
    /// A member of this or of an earlier group already.
    #[error("{0} is a member of a group already")]
    DuplicateMember(Item),
    /// Not `any`, `all` or a decimal number from 1 to the number of members.
    #[error("threshold {found} is not any, all or 1 to {members}")]
    Threshold {
        /// What was written.
        found: Item,
        /// Members listed.
        members: usize,
    },
    /// A second quorum line.
    #[error("the quorum is already on line {line}")]
    DuplicateQuorum {
        /// The earlier line, counted from 1.
        line: usize,
    },
}

/// Keys and their lines, by what a signature line says of its key.
type KeyIds = BTreeMap<(KeyName, KeyId), (usize, VerifierKey)>;

/// What the lines so far have said.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) logs: Vec<Log>,
    pub(super) witnesses: Vec<Witness>,
    pub(super) groups: Vec<Group>,
    /// The quorum and its line.
    pub(super) quorum: Option<(Option<Member>, usize)>,
    names: BTreeMap<Item, Member>,
    members: BTreeSet<Member>,
    /// Lines by public key, of logs and of witnesses.
    log_keys: BTreeMap<Vec<u8>, usize>,
    witness_keys: BTreeMap<Vec<u8>, usize>,
    key_ids: KeyIds,
}

impl Reader {
    /// Reads one line; `line` is its number, counted from 1.
    pub(super) fn read(&mut self, line: usize, octets: &[u8]) -> Result<(), PolicyLineError> {
        let items = octets.split(|octet| matches!(octet, b' ' | b'\t')).filter(|item| !item.is_empty());
        let items: Vec<&[u8]> = items.collect();
        let Some(&keyword) = items.first() else { return Ok(()) };
        let count = |form| PolicyLineError::ItemCount { form, found: items.len() };
        match keyword {
            _ if keyword.starts_with(b"#") => Ok(()),
            b"log" => match items[1..] {
                [vkey] => self.log(line, vkey, None),
                [vkey, url] => self.log(line, vkey, Some(url)),
                _ => Err(count("log <vkey> [<url>]")),
            },
            b"witness" => match items[1..] {
                [name, vkey] => self.witness(line, name, vkey, None),
                [name, vkey, url] => self.witness(line, name, vkey, Some(url)),
                _ => Err(count("witness <name> <vkey> [<url>]")),
            },
            b"group" => match items[1..] {
                [name, threshold, ref members @ ..] if !members.is_empty() => {
                    self.group(name, threshold, members)
                }
                _ => Err(count("group <name> all|any|<k> <name>...")),
            },
            b"quorum" => match items[1..] {
                [name] => self.quorum(line, name),
                _ => Err(count("quorum <name>")),
            },
            _ => Err(PolicyLineError::Keyword(Item::new(keyword))),
        }
    }

    fn log(&mut self, line: usize, vkey: &[u8], url: Option<&[u8]>) -> Result<(), PolicyLineError> {
        let key = verifier_key(vkey)?;
        check_log_type(&key)?;
        take_key(&mut self.log_keys, &mut self.key_ids, line, &key)?;
        self.logs.push(Log { key, url: url.map(read_url).transpose()? });
        Ok(())
    }

    fn witness(
        &mut self,
        line: usize,
        name: &[u8],
        vkey: &[u8],
        url: Option<&[u8]>,
    ) -> Result<(), PolicyLineError> {
        let key = verifier_key(vkey)?;
        check_witness_type(&key)?;
        take_key(&mut self.witness_keys, &mut self.key_ids, line, &key)?;
        let name = self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(Witness { name, key, url: url.map(read_url).transpose()? });
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), PolicyLineError> {
        let number = match threshold {
            b"any" => Some(1),
            b"all" => Some(members.len()),
            _ => std::str::from_utf8(threshold)
                .ok()
                .and_then(|text| encoding::from_decimal(text).ok())
                .and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = number.filter(|number| (1..=members.len()).contains(number)).ok_or_else(|| {
            PolicyLineError::Threshold { found: Item::new(threshold), members: members.len() }
        })?;
        let members = members.iter().map(|&name| {
            let member = self.find(name)?;
            if !self.members.insert(member) {
                return Err(PolicyLineError::DuplicateMember(Item::new(name)));
            }
            Ok(member)
        });
        let members = members.collect::<Result<_, _>>()?;
        // Defined only now: a group is no member of itself.
        let name = self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { name, threshold, members });
        Ok(())
    }

    fn quorum(&mut self, line: usize, name: &[u8]) -> Result<(), PolicyLineError> {
        if let Some((_, line)) = self.quorum {
            return Err(PolicyLineError::DuplicateQuorum { line });
        }
        let member = if name == b"none" { None } else { Some(self.find(name)?) };
        self.quorum = Some((member, line));
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<Member, PolicyLineError> {
        let name = Item::new(name);
        self.names.get(&name).copied().ok_or(PolicyLineError::UnknownName(name))
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<Item, PolicyLineError> {
        let name = Item::new(name);
        if name.as_bytes() == b"none" || self.names.contains_key(&name) {
            return Err(PolicyLineError::DuplicateName(name));
        }
        self.names.insert(name.clone(), member);
        Ok(name)
    }
}

fn verifier_key(vkey: &[u8]) -> Result<VerifierKey, PolicyLineError> {
    let bad = |source| PolicyLineError::VerifierKey { vkey: Item::new(&vkey[..vkey.len().min(80)]), source };
    let text = std::str::from_utf8(vkey).map_err(|_| bad(None))?;
    VerifierKey::parse(text).map_err(|error| bad(Some(error)))
}

fn read_url(url: &[u8]) -> Result<Item, PolicyLineError> {
    let item = Item::new(url);
    if url.starts_with(b"#") { Err(PolicyLineError::Comment(item)) } else { Ok(item) }
}

fn take_key(
    keys: &mut BTreeMap<Vec<u8>, usize>,
    key_ids: &mut KeyIds,
    line: usize,
    key: &VerifierKey,
) -> Result<(), PolicyLineError> {
    let name = key.name().clone();
    if let Some(line) = keys.insert(key.key_bytes().to_vec(), line) {
        return Err(PolicyLineError::DuplicateKey { name, line });
    }
    // The same key of type 0x06 may be a log's and a witness's.
    match key_ids.insert((name.clone(), key.id()), (line, key.clone())) {
        Some((line, other)) if other != *key => {
            Err(PolicyLineError::AmbiguousKey { name, id: key.id(), line })
        }
        _ => Ok(()),
    }
}

/// Refuses a key that cannot be a log's.
pub(super) fn check_log_type(key: &VerifierKey) -> Result<(), PolicyLineError> {
    match key.signature_type() {
        // A cosignature says that a witness saw the tree, which is not what a log says.
        found @ SignatureType::Ed25519Cosignature => {
            Err(PolicyLineError::SignatureType { name: key.name().clone(), found, role: "log" })
        }
        _ => Ok(()),
    }
}

fn check_witness_type(key: &VerifierKey) -> Result<(), PolicyLineError> {
    match key.signature_type() {
        SignatureType::Ed25519Cosignature | SignatureType::MlDsa44Cosignature => Ok(()),
        found => Err(PolicyLineError::SignatureType { name: key.name().clone(), found, role: "witness" }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{log, opaque, witness};
    use super::super::{Policy, PolicyError};
    use super::*;

    fn parse(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn refuses_bad_lines() {
        use PolicyLineError as E;
        let item = |text: &str| Item::new(text.as_bytes());
        let (l1, w1, w2) = (log("l1", 1), witness("w1", 2), witness("w2", 3));
        let same_key = witness("other", 2);
        let duplicate = |name| E::DuplicateKey { name: KeyName::new(name).unwrap(), line: 1 };
        let count = |form, found| E::ItemCount { form, found };
        let threshold = |found, members| E::Threshold { found: item(found), members };
        let wrong_type = |name, byte, role| {
            let found = SignatureType::from_byte(byte);
            E::SignatureType { name: KeyName::new(name).unwrap(), found, role }
        };
        let one = |rest: &str| format!("witness w1 {w1}\n{rest}");
        let two = |rest: &str| format!("witness w1 {w1}\nwitness w2 {w2}\n{rest}");
        for (text, line, expected) in [
            ("quibble w1\n".to_owned(), 1, E::Keyword(item("quibble"))),
            ("Quorum none\n".to_owned(), 1, E::Keyword(item("Quorum"))),
            ("log\n".to_owned(), 1, count("log <vkey> [<url>]", 1)),
            (format!("log {l1} url # x\n"), 1, count("log <vkey> [<url>]", 5)),
            (format!("log {l1} #x\n"), 1, E::Comment(item("#x"))),
            (
                "log \u{e9}+00\n".to_owned(),
                1,
                E::VerifierKey {
                    vkey: item("é+00"),
                    source: Some(KeyError::Form { vkey: "é+00".to_owned() }),
                },
            ),
            (format!("log {w1}\n"), 1, wrong_type("w1", 4, "log")),
            (format!("log {l1}\nlog {l1} url\n"), 2, duplicate("l1")),
            (format!("log {l1}\nlog {}\n", log("l2", 1)), 2, duplicate("l2")),
            ("witness w1\n".to_owned(), 1, count("witness <name> <vkey> [<url>]", 2)),
            (one(&format!("witness w3 {same_key}\n")), 2, duplicate("other")),
            (format!("witness w {l1}\n"), 1, wrong_type("l1", 1, "witness")),
            (format!("witness w {}\n", opaque("e", 2, 1)), 1, wrong_type("e", 2, "witness")),
            (format!("witness none {w1}\n"), 1, E::DuplicateName(item("none"))),
            (one(&format!("witness w1 {w2}\n")), 2, E::DuplicateName(item("w1"))),
            (one("group w1 any w1\n"), 2, E::DuplicateName(item("w1"))),
            (one("group none any w1\n"), 2, E::DuplicateName(item("none"))),
            (one("group g 1\n"), 2, count("group <name> all|any|<k> <name>...", 3)),
            (one("group g 0 w1\n"), 2, threshold("0", 1)),
            (one("group g -1 w1\n"), 2, threshold("-1", 1)),
            (one("group g +1 w1\n"), 2, threshold("+1", 1)),
            (one("group g 01 w1\n"), 2, threshold("01", 1)),
            (one("group g 2 w1\n"), 2, threshold("2", 1)),
            (one("group g ANY w1\n"), 2, threshold("ANY", 1)),
            (one("group g 18446744073709551617 w1\n"), 2, threshold("18446744073709551617", 1)),
            (one("group g any w2\n"), 2, E::UnknownName(item("w2"))),
            (one("group g any g\n"), 2, E::UnknownName(item("g"))),
            (one("group g any none w1\n"), 2, E::UnknownName(item("none"))),
            (format!("group g any w1\nwitness w1 {w1}\n"), 1, E::UnknownName(item("w1"))),
            (one("group g all w1 w1\n"), 2, E::DuplicateMember(item("w1"))),
            (two("group g all w1\ngroup h 1 w2 w1\n"), 4, E::DuplicateMember(item("w1"))),
            (one("quorum w1\nquorum w1\n"), 3, E::DuplicateQuorum { line: 2 }),
            (one("quorum none\nquorum none\n"), 3, E::DuplicateQuorum { line: 2 }),
            (one("quorum w2\n"), 2, E::UnknownName(item("w2"))),
            (format!("quorum w1\nwitness w1 {w1}\n"), 1, E::UnknownName(item("w1"))),
            (one("quorum\n"), 2, count("quorum <name>", 1)),
            (one("quorum w1 # x\n"), 2, count("quorum <name>", 4)),
            (one("quorum \u{a0}w1\n"), 2, E::UnknownName(item("\u{a0}w1"))),
        ] {
            assert_eq!(parse(&text), Err(PolicyError::Line { line, source: expected }), "{text:?}");
        }
    }

    #[test]
    fn two_keys_of_one_name_and_id_are_refused() {
        let twin = |byte| format!("a+00000000+{}", encoding::to_base64(&[0x02, byte]));
        let text = format!("log {}\nlog {}\nquorum none\n", twin(1), twin(2));
        let name = KeyName::new("a").unwrap();
        let source = PolicyLineError::AmbiguousKey { name, id: KeyId([0; 4]), line: 1 };
        assert_eq!(parse(&text), Err(PolicyError::Line { line: 2, source }));
    }
}
