//! The staged bundle: everything that a commit writes, in one object that is written first; or, where a store can move
//! objects, which of those that were put aside goes where.
//!
//! It is applied *through the recovery path*: the writer that staged it and the one that finds it after a crash run
//! the same code. Wire form:
//!
//! ```text
//! dateline-staged/2
//! previous 255 <64 hex digits: the root hash of those 255 entries>
//! checkpoint 214
//! <214 bytes: the new checkpoint>
//! immutable 8192 tile/0/000
//! <8192 bytes>
//! mutable 1200 disclosures/000
//! <1200 bytes>
//! move immutable .local/staged/<32 hex digits: the first of the new root>-0 tile/0/000
//! move mutable .local/staged/<the same>-1 disclosures/000
//! sha256 <64 hex digits over all that stands before this line>
//! ```
//!
//! each run of bytes followed by one line break that its length does not count. Version 1 had no `move`.

use thiserror::Error;

use crate::base::Hash;
use crate::base::encoding::from_decimal;
use crate::storage::{Key, Move, Object};

const HEADER: &[u8] = b"dateline-staged/2\n";
const HEADER_1: &[u8] = b"dateline-staged/1\n";
/// Where objects lie that were put aside.
pub const ASIDE: &str = ".local/staged";

/// Returns where an object lies that was put aside for the commit after which `root` is the root.
pub fn aside_path(root: &Hash, name: &str) -> String {
    format!("{ASIDE}/{}-{name}", &root.to_hex()[..32])
}

/// What a commit writes, and the checkpoint that makes it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedBundle {
    /// Entries before the commit: which partial tiles it makes superfluous follows from it.
    pub previous_size: u64,
    /// Root hash before the commit.
    pub previous_root: Hash,
    /// The new checkpoint, a signed note.
    pub checkpoint: Vec<u8>,
    /// Tiles, entry bundles, originals: written once.
    pub immutable: Vec<Object>,
    /// Files of openings, and what belongs to the index: replaced whole.
    pub mutable: Vec<Object>,
    /// As `immutable`, of what was put aside.
    pub move_immutable: Vec<Move>,
    /// As `mutable`, of what was put aside.
    pub move_mutable: Vec<Move>,
}

/// The bytes are not a whole staged bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the staged bundle is damaged at byte {at}")]
pub struct StagedBundleError {
    at: usize,
}

impl StagedBundle {
    /// Takes out all objects, each under the name under which it is to be put aside: one that no other commit gives, as `root` is
    /// the root after this one.
    pub fn take_aside(&mut self, root: &Hash) -> Vec<Object> {
        let mut aside = Vec::with_capacity(self.immutable.len() + self.mutable.len());
        for (objects, moves) in
            [(&mut self.immutable, &mut self.move_immutable), (&mut self.mutable, &mut self.move_mutable)]
        {
            for Object { key: to, bytes } in objects.drain(..) {
                let from = super::key(&aside_path(root, &aside.len().to_string()));
                aside.push(Object { key: from.clone(), bytes });
                moves.push(Move { from, to });
            }
        }
        aside
    }

    /// Takes objects back in that were put aside.
    pub fn put_back(&mut self, aside: Vec<Object>) {
        let mut aside = aside.into_iter();
        for (objects, moves) in
            [(&mut self.immutable, &mut self.move_immutable), (&mut self.mutable, &mut self.move_mutable)]
        {
            let to = moves.drain(..).map(|Move { to, .. }| to);
            objects.extend(to.zip(aside.by_ref()).map(|(key, Object { bytes, .. })| Object { key, bytes }));
        }
    }

    /// Takes the bytes of the object that goes to `to` out of it, or of what was taken aside of it.
    pub(super) fn take_bytes(&mut self, aside: &mut [Object], to: &Key) -> Option<Vec<u8>> {
        let moves = self.move_immutable.iter().chain(&self.move_mutable).map(|moved| &moved.to);
        let aside = moves.zip(aside).map(|(key, object)| (key, &mut object.bytes));
        let own = self.immutable.iter_mut().chain(&mut self.mutable);
        let mut all = own.map(|Object { key, bytes }| (&*key, bytes)).chain(aside);
        all.find(|(key, _)| *key == to).map(|(_, bytes)| std::mem::take(bytes))
    }

    /// Returns the wire form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = HEADER.to_vec();
        out.extend_from_slice(format!("previous {} {}\n", self.previous_size, self.previous_root).as_bytes());
        let mut section = |head: String, bytes: &[u8]| {
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(bytes);
            out.push(b'\n');
        };
        section(format!("checkpoint {}\n", self.checkpoint.len()), &self.checkpoint);
        for (kind, objects) in [("immutable", &self.immutable), ("mutable", &self.mutable)] {
            for object in objects {
                section(format!("{kind} {} {}\n", object.bytes.len(), object.key), &object.bytes);
            }
        }
        for (kind, moves) in [("immutable", &self.move_immutable), ("mutable", &self.move_mutable)] {
            for Move { from, to } in moves {
                out.extend_from_slice(format!("move {kind} {from} {to}\n").as_bytes());
            }
        }
        let digest = Hash::of(&out);
        out.extend_from_slice(format!("sha256 {digest}\n").as_bytes());
        out
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// [`StagedBundleError`] if a single byte is missing or changed.
    pub fn decode(bytes: &[u8]) -> Result<Self, StagedBundleError> {
        const TRAILER_BYTES: usize = "sha256 ".len() + 64 + 1;
        let damaged = |rest: &[u8]| StagedBundleError { at: bytes.len() - rest.len() };
        let split = bytes.len().checked_sub(TRAILER_BYTES).ok_or(damaged(bytes))?;
        let (body, trailer) = bytes.split_at(split);
        if trailer != format!("sha256 {}\n", Hash::of(body)).as_bytes() {
            return Err(damaged(trailer));
        }
        let rest = body.strip_prefix(HEADER).or_else(|| body.strip_prefix(HEADER_1));
        let mut rest = rest.ok_or(damaged(bytes))?;
        let (previous_size, previous_root) = previous(&mut rest).ok_or(damaged(rest))?;
        let (checkpoint, immutable, mutable) = Default::default();
        let (move_immutable, move_mutable) = Default::default();
        let mut bundle = StagedBundle {
            previous_size,
            previous_root,
            checkpoint,
            immutable,
            mutable,
            move_immutable,
            move_mutable,
        };
        while !rest.is_empty() {
            if rest.starts_with(b"move ") {
                let moves =
                    [("immutable", &mut bundle.move_immutable), ("mutable", &mut bundle.move_mutable)];
                moved(&mut rest, moves).ok_or(damaged(rest))?;
                continue;
            }
            let section = Section::take(&mut rest).ok_or(damaged(rest))?;
            match section {
                Section { kind: "checkpoint", key: None, bytes } => bundle.checkpoint = bytes,
                Section { kind: "immutable", key: Some(key), bytes } => {
                    bundle.immutable.push(Object { key, bytes });
                }
                Section { kind: "mutable", key: Some(key), bytes } => {
                    bundle.mutable.push(Object { key, bytes })
                }
                Section { .. } => return Err(damaged(rest)),
            }
        }
        Ok(bundle)
    }
}

/// Takes the line `previous <size> <root>` off the front of `rest`.
fn previous(rest: &mut &[u8]) -> Option<(u64, Hash)> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 1..];
    let (size, root) = line.strip_prefix("previous ")?.split_once(' ')?;
    Some((from_decimal(size).ok()?, Hash::from_hex(root).ok()?))
}

/// Takes a line `move <kind> <from> <to>` off the front of `rest`.
fn moved(rest: &mut &[u8], by_kind: [(&str, &mut Vec<Move>); 2]) -> Option<()> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 1..];
    let mut words = line.strip_prefix("move ")?.split(' ');
    let (kind, from, to) = (words.next()?, words.next()?, words.next()?);
    let (_, moves) = by_kind.into_iter().find(|(name, _)| *name == kind)?;
    moves.push(Move { from: Key::new(from).ok()?, to: Key::new(to).ok()? });
    words.next().is_none().then_some(())
}

struct Section<'a> {
    kind: &'a str,
    key: Option<Key>,
    bytes: Vec<u8>,
}

impl<'a> Section<'a> {
    /// Takes one section off the front of `rest`.
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        let mut words = head.split(' ');
        let kind = words.next()?;
        let length = usize::try_from(from_decimal(words.next()?).ok()?).ok()?;
        let key = words.next().map(Key::new).transpose().ok()?;
        let body = rest.get(end + 1..)?;
        let (bytes, after) = body.split_at_checked(length)?;
        *rest = after.strip_prefix(b"\n")?;
        Some(Section { kind, key, bytes: bytes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> StagedBundle {
        let object = |key: &str, bytes: &[u8]| Object { key: Key::new(key).unwrap(), bytes: bytes.to_vec() };
        StagedBundle {
            previous_size: 0,
            previous_root: Hash::of(b""),
            checkpoint: b"example.org/log\n1\n".to_vec(),
            immutable: vec![object("tile/0/000.p/1", &[7; 32]), object("tile/entries/000.p/1", b"\n\n")],
            mutable: vec![object("disclosures/000", b"")],
            move_immutable: Vec::new(),
            move_mutable: Vec::new(),
        }
    }

    fn example_aside() -> (StagedBundle, Vec<Object>) {
        let mut bundle = example();
        let aside = bundle.take_aside(&Hash([0xab; 32]));
        (bundle, aside)
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = example().encode();
        let head = format!("dateline-staged/2\nprevious 0 {}\n", Hash::of(b""));
        assert!(bytes.starts_with(head.as_bytes()));
        assert!(bytes[head.len()..].starts_with(b"checkpoint 18\nexample.org/log\n1\n\nimmutable 32 tile/"));
        assert_eq!(StagedBundle::decode(&bytes), Ok(example()));
    }

    #[test]
    fn what_is_put_aside_is_named() {
        let (bundle, aside) = example_aside();
        let names: Vec<&str> = aside.iter().map(|object| object.key.as_str()).collect();
        let root = ".local/staged/abababababababababababababababab";
        assert_eq!(names, [0, 1, 2].map(|number| format!("{root}-{number}")));
        assert_eq!(aside[0].bytes, [7; 32]);
        let bytes = bundle.encode();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(&format!(
            "\nmove immutable {root}-0 tile/0/000.p/1\nmove immutable {root}-1 tile/entries/000.p/1\n\
             move mutable {root}-2 disclosures/000\nsha256 "
        )));
        let mut bundle = StagedBundle::decode(&bytes).unwrap();
        bundle.put_back(aside);
        assert_eq!(bundle, example());
    }

    #[test]
    fn the_first_version_is_read() {
        let bytes = example().encode();
        let body = &bytes[HEADER.len()..bytes.len() - "sha256 \n".len() - 64];
        let mut first = [HEADER_1, body].concat();
        let digest = Hash::of(&first);
        first.extend_from_slice(format!("sha256 {digest}\n").as_bytes());
        assert_eq!(StagedBundle::decode(&first), Ok(example()));
    }

    #[test]
    fn any_damage_is_found() {
        for bytes in [example().encode(), example_aside().0.encode()] {
            for length in 0..bytes.len() {
                assert!(StagedBundle::decode(&bytes[..length]).is_err(), "cut at {length}");
            }
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                assert!(StagedBundle::decode(&flipped).is_err(), "flipped at {at}");
            }
        }
    }
}
