//! Opening a checkpoint: is it signed as the policy asks?

use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, Origin};
use super::key::VerifierKey;
use super::key_id::{KeyId, KeyName, SignatureType};
use super::policy::{Item, Policy};
use super::quorum::QuorumNotReached;
use super::{Note, NoteError, NoteOpenError, OpenedNote};

/// A checkpoint that a log of the policy has signed. Only [`Policy::open_checkpoint`] and
/// [`Policy::open_note`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    checkpoint: Checkpoint,
    log: VerifierKey,
    cosignatures: Vec<VerifiedCosignature>,
    unverifiable: Vec<VerifierKey>,
}

/// A cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCosignature {
    /// The witness's name in the policy.
    pub witness: Item,
    /// When the witness says it cosigned, in seconds since 1970, 0 to 2^63 - 1.
    pub time: u64,
}

/// Why a checkpoint is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not a signed note.
    #[error("checkpoint is not a signed note")]
    Note(#[from] NoteError),
    /// A signed note of something else.
    #[error("the note's text is not a checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// No log of the policy has this origin.
    #[error("no log of the policy has the origin {origin:?}")]
    UnknownOrigin {
        /// The origin of the checkpoint.
        origin: Origin,
        /// The origins of the policy's logs.
        known: Vec<Origin>,
    },
    /// No line is of a key that the policy has for this origin.
    #[error("checkpoint is not signed by the log {origin:?}")]
    LogSignatureMissing {
        /// The origin of the checkpoint.
        origin: Origin,
        /// The ids of the log's keys.
        key_ids: Vec<KeyId>,
    },
    /// A line of the key of a log does not hold: the checkpoint was changed.
    #[error("the signature of the log {name:?} (key id {id}) does not hold")]
    LogSignatureInvalid {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
    /// The only lines of the log are of a type that is not verified here: it may or may not have signed.
    #[error("the log {origin:?} signs with type {signature_type}, which cannot be checked here")]
    LogUnverifiable {
        /// The origin of the checkpoint.
        origin: Origin,
        /// The type of the log's signature.
        signature_type: SignatureType,
    },
    /// A line of the key of a witness does not hold: the checkpoint was changed.
    #[error("the cosignature of witness {witness} ({name:?}, key id {id}) does not hold")]
    CosignatureInvalid {
        /// The witness's name in the policy.
        witness: Item,
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
    /// Signed by the log, but not witnessed as the policy asks. What was opened is in here, for a caller to
    /// whom this is not a lie but something it could not check.
    #[error("quorum not reached: {}", .0.describe())]
    QuorumNotReached(Box<QuorumNotReached>),
}

impl Policy {
    /// Opens a checkpoint, given as the bytes of a signed note.
    ///
    /// It must be signed by a log of the policy whose key name is the checkpoint's origin, and witnessed as the
    /// quorum asks. Every line of any log or witness of the policy is checked and must hold; lines of other
    /// keys are ignored. Costs one Ed25519 verification for each line checked. A witness with a key of a type
    /// not verified here does not count. Times of cosignatures are reported, not judged.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_checkpoint(&self, note: &[u8]) -> Result<OpenedCheckpoint, OpenError> {
        self.open_note(&Note::parse(note)?)
    }

    /// As [`Policy::open_checkpoint`], whoever cosigned it: for a writer, who goes on while witnesses are away, and for what is held
    /// against another checkpoint and not relied on.
    ///
    /// # Errors
    /// [`OpenError`], but not [`OpenError::QuorumNotReached`].
    pub fn open_signed(&self, note: &[u8]) -> Result<OpenedCheckpoint, OpenError> {
        match self.open_checkpoint(note) {
            Err(OpenError::QuorumNotReached(missing)) => Ok(missing.into_opened()),
            opened => opened,
        }
    }

    /// As [`Policy::open_checkpoint`], with the note parsed.
    ///
    /// # Errors
    /// [`OpenError`], but not [`OpenError::Note`].
    pub fn open_note(&self, note: &Note) -> Result<OpenedCheckpoint, OpenError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let is_its_log = |key: &VerifierKey| key.name().as_str() == checkpoint.origin().as_str();
        if !self.logs().iter().any(|log| is_its_log(&log.key)) {
            return Err(OpenError::UnknownOrigin {
                origin: checkpoint.origin().clone(),
                known: self.logs().iter().map(|log| log.key.name().into()).collect(),
            });
        }
        let log_keys = self.logs().iter().map(|log| &log.key);
        let witness_keys = self.witnesses().iter().map(|witness| &witness.key);
        let checked = note.check(log_keys.chain(witness_keys)).map_err(|error| self.invalid(error))?;

        let mut signed = checked.verified().iter().map(|signature| signature.key());
        let log = signed.find(|key| is_log(self, key) && is_its_log(key));
        let Some(log) = log.cloned() else {
            return Err(self.no_log_signature(checkpoint.origin(), &checked));
        };
        let mut cosigned = vec![false; self.witnesses().len()];
        let mut cosignatures = Vec::new();
        for signature in checked.verified() {
            let by = self.witnesses().iter().position(|witness| witness.key == *signature.key());
            if let (Some(index), Some(time)) = (by, signature.time()) {
                cosigned[index] = true;
                cosignatures
                    .push(VerifiedCosignature { witness: self.witnesses()[index].name.clone(), time });
            }
        }
        let unverifiable = checked.unverifiable().iter().map(|&key| key.clone()).collect();
        let opened = OpenedCheckpoint { checkpoint, log, cosignatures, unverifiable };
        let missing = self.shortfalls(&cosigned);
        if missing.is_empty() {
            Ok(opened)
        } else {
            Err(OpenError::QuorumNotReached(Box::new(QuorumNotReached::new(opened, missing))))
        }
    }

    fn no_log_signature(&self, origin: &Origin, checked: &OpenedNote) -> OpenError {
        let is_its_log = |key: &VerifierKey| key.name().as_str() == origin.as_str();
        let unverifiable = checked.unverifiable().iter().find(|key| is_log(self, key) && is_its_log(key));
        match unverifiable {
            Some(key) => {
                OpenError::LogUnverifiable { origin: origin.clone(), signature_type: key.signature_type() }
            }
            None => OpenError::LogSignatureMissing {
                origin: origin.clone(),
                key_ids: self
                    .logs()
                    .iter()
                    .map(|log| &log.key)
                    .filter(|key| is_its_log(key))
                    .map(|key| key.id())
                    .collect(),
            },
        }
    }

    fn invalid(&self, error: NoteOpenError) -> OpenError {
        match error {
            NoteOpenError::InvalidSignature { name, id } => {
                let is_its = |key: &VerifierKey| (key.name(), key.id()) == (&name, id);
                match self.witnesses().iter().find(|witness| is_its(&witness.key)) {
                    Some(witness) => {
                        OpenError::CosignatureInvalid { witness: witness.name.clone(), name, id }
                    }
                    None => OpenError::LogSignatureInvalid { name, id },
                }
            }
            // Reading a policy refuses two keys of one name and id, and `check` is content with no line.
            NoteOpenError::AmbiguousKey { .. } | NoteOpenError::NoVerifiedSignature { .. } => {
                unreachable!("internal error: {error}")
            }
        }
    }
}

fn is_log(policy: &Policy, key: &VerifierKey) -> bool {
    policy.logs().iter().any(|log| log.key == *key)
}

impl OpenedCheckpoint {
    /// Returns the checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the key of the log that signed it; the first, if the log signed with several.
    pub fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// Returns the cosignatures that hold, in the order of their lines. A witness that cosigned twice is here
    /// twice, and counts once.
    pub fn cosignatures(&self) -> &[VerifiedCosignature] {
        &self.cosignatures
    }

    /// Returns the keys of the policy with a line here of a type that is not verified: say so to the reader.
    pub fn unverifiable(&self) -> &[VerifierKey] {
        &self.unverifiable
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{example, log, opaque, seed, signing_key, witness};
    use super::super::{Cosignature, NoteSignature, Shortfall};
    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    /// The signature line of a log (seed 1, say) over a text.
    fn log_line(name: &str, seed: u8, text: &str) -> String {
        let key = VerifierKey::parse(&log(name, seed)).unwrap();
        let signature = signing_key(seed).sign(text.as_bytes());
        NoteSignature::new(key.name().clone(), key.id(), signature.0.to_vec()).unwrap().to_string() + "\n"
    }

    fn witness_line(name: &str, seed: u8, time: u64, text: &str) -> String {
        let key = VerifierKey::parse(&witness(name, seed)).unwrap();
        let signature = signing_key(seed).sign(&Cosignature::message(time, text));
        let cosignature = Cosignature::new(time, signature).unwrap();
        NoteSignature::new(key.name().clone(), key.id(), cosignature.to_bytes()).unwrap().to_string() + "\n"
    }

    fn text(origin: &str) -> String {
        format!("{origin}\n42\n{ROOT}\n")
    }

    fn policy(text: &str) -> Policy {
        Policy::parse(text.as_bytes()).unwrap()
    }

    /// One log "l" and two witnesses, either of which is enough.
    fn small_policy() -> Policy {
        let (l, w1, w2) = (log("l", 1), witness("w1.example", 2), witness("w2.example", 3));
        policy(&format!("log {l}\nwitness w1 {w1}\nwitness w2 {w2}\ngroup g any w1 w2\nquorum g\n"))
    }

    fn open(policy: &Policy, text: &str, lines: &[String]) -> Result<OpenedCheckpoint, OpenError> {
        policy.open_checkpoint(format!("{text}\n{}", lines.concat()).as_bytes())
    }

    fn item(policy: &Policy, name: &str) -> Item {
        let names = policy.witnesses().iter().map(|w| &w.name).chain(policy.groups().iter().map(|g| &g.name));
        names.into_iter().find(|item| item.as_bytes() == name.as_bytes()).unwrap().clone()
    }

    #[test]
    fn opens_what_log_and_witness_signed() {
        let (policy, text) = (small_policy(), text("l"));
        let lines = [
            "— unknown AAAAAAE=\n".to_owned(),
            witness_line("w2.example", 3, 1234, &text),
            log_line("l", 1, &text),
            witness_line("w2.example", 3, 99, &text),
        ];
        let opened = open(&policy, &text, &lines).unwrap();
        assert_eq!(opened.checkpoint(), &Checkpoint::parse(&text).unwrap());
        assert_eq!(opened.log(), &policy.logs()[0].key);
        let witness = item(&policy, "w2");
        let by = |time| VerifiedCosignature { witness: witness.clone(), time };
        assert_eq!(opened.cosignatures(), [by(1234), by(99)]);
        assert_eq!(opened.unverifiable(), []);
    }

    #[test]
    fn tells_what_is_wrong() {
        let (policy, text) = (small_policy(), text("l"));
        let (l, w1) = (log_line("l", 1, &text), witness_line("w1.example", 2, 7, &text));
        let malformed = policy.open_checkpoint(b"l\n");
        assert!(matches!(malformed, Err(OpenError::Note(NoteError::NoEmptyLine { found: 2 }))));
        let no_checkpoint = open(&policy, "l\n42\n", &[log_line("l", 1, "l\n42\n")]);
        assert!(matches!(
            no_checkpoint,
            Err(OpenError::Checkpoint(CheckpointError::TooFewLines { found: 2 }))
        ));

        let other = self::text("other");
        let unknown = open(&policy, &other, &[log_line("l", 1, &other), log_line("other", 1, &other)]);
        let known = vec![Origin::new("l").unwrap()];
        assert_eq!(unknown, Err(OpenError::UnknownOrigin { origin: Origin::new("other").unwrap(), known }));

        let log = policy.logs()[0].key.clone();
        let (name, id) = (log.name().clone(), log.id());
        let missing = OpenError::LogSignatureMissing { origin: (&name).into(), key_ids: vec![id] };
        // By nobody, by a witness only, by a stranger of the same name, by the log's key under a wrong name.
        let impostor = log_line("l", 9, &text);
        let renamed = l.replace("— l ", "— m ");
        for line in ["— x AAAAAAE=\n".to_owned(), w1.clone(), impostor, renamed] {
            assert_eq!(open(&policy, &text, std::slice::from_ref(&line)), Err(missing.clone()), "{line:?}");
        }
        let over_another = log_line("l", 1, &text.replace("42", "43"));
        let invalid = OpenError::LogSignatureInvalid { name, id };
        assert_eq!(open(&policy, &text, &[over_another.clone(), w1.clone()]), Err(invalid.clone()));
        assert_eq!(open(&policy, &text, &[l.clone(), over_another, w1.clone()]), Err(invalid));

        // A false cosignature rejects all, although another witness is enough.
        let false_w2 = witness_line("w2.example", 3, 7, &text.replace("42", "43"));
        let w2 = &policy.witnesses()[1];
        assert_eq!(
            open(&policy, &text, &[l.clone(), w1, false_w2]),
            Err(OpenError::CosignatureInvalid {
                witness: w2.name.clone(),
                name: w2.key.name().clone(),
                id: w2.key.id()
            })
        );
        // A signature of a witness's key as if it were a log's is of an unknown key.
        let plain = log_line("w1.example", 2, &text);
        assert!(matches!(open(&policy, &text, &[l, plain]), Err(OpenError::QuorumNotReached(_))));
    }

    #[test]
    fn a_missing_quorum_still_carries_the_checkpoint() {
        let (policy, text) = (policy(&example()), text("example.com/log"));
        let w = |name: &str, n: u8| witness_line(&format!("{name}{n}.example"), seed(name, n), 5, &text);
        let lines = [log_line("example.com/log", 1, &text), w("X", 2), w("X", 2)];
        let Err(OpenError::QuorumNotReached(not_reached)) = open(&policy, &text, &lines) else { panic!() };
        assert_eq!(not_reached.opened().cosignatures().len(), 2);
        let names: Vec<&Item> = not_reached.missing().iter().map(|shortfall| &shortfall.name).collect();
        let expected = ["X-and-Y", "X-witnesses", "Y-witnesses"].map(|name| item(&policy, name));
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
        assert_eq!(
            OpenError::QuorumNotReached(not_reached.clone()).to_string(),
            "quorum not reached: \"X-and-Y\" has 0 of 2 (missing \"X-witnesses\", \"Y-witnesses\"); \
             \"X-witnesses\" has 1 of 2 (missing \"X1\", \"X3\"); \
             \"Y-witnesses\" has 0 of 1 (missing \"Y1\", \"Y2\", \"Y3\")"
        );
        assert_eq!(not_reached.into_opened().checkpoint().size(), 42);

        for (rest, reached) in [
            (vec![w("X", 1)], false),
            (vec![w("Y", 1)], false),
            (vec![w("X", 1), w("Y", 1)], true),
            (vec![w("X", 3), w("Y", 3), w("Y", 2)], true),
        ] {
            let lines = [&lines[..], &rest].concat();
            assert_eq!(open(&policy, &text, &lines).is_ok(), reached, "{rest:?}");
        }
    }

    #[test]
    fn a_single_witness_may_be_the_quorum() {
        let (l, w) = (log("l", 1), witness("w.example", 2));
        let policy = policy(&format!("log {l}\nwitness w {w}\nquorum w\n"));
        let text = text("l");
        let l = log_line("l", 1, &text);
        let Err(OpenError::QuorumNotReached(not)) = open(&policy, &text, std::slice::from_ref(&l)) else {
            panic!()
        };
        let name = item(&policy, "w");
        assert_eq!(
            not.missing(),
            [Shortfall { name: name.clone(), needed: 1, found: 0, missing: vec![name] }]
        );
        assert!(open(&policy, &text, &[l, witness_line("w.example", 2, 0, &text)]).is_ok());
    }

    #[test]
    fn what_cannot_be_verified_never_counts() {
        let (pq_log, pq_witness) = (opaque("l", 6, 1), opaque("w.example", 6, 2));
        let line = |vkey: &str| {
            let key = VerifierKey::parse(vkey).unwrap();
            NoteSignature::new(key.name().clone(), key.id(), vec![0; 2428]).unwrap().to_string() + "\n"
        };
        let text = text("l");
        let both = [log_line("l", 1, &text), line(&pq_log), line(&pq_witness)];
        let witnessed = format!("log {}\nlog {pq_log}\nwitness w {pq_witness}\n", log("l", 1));
        let unwitnessed = policy(&format!("{witnessed}quorum none\n"));
        let names =
            |keys: &[VerifierKey]| -> Vec<String> { keys.iter().map(VerifierKey::to_string).collect() };
        let opened = open(&unwitnessed, &text, &both).unwrap();
        assert_eq!(names(opened.unverifiable()), [pq_log.clone(), pq_witness.clone()]);
        assert_eq!(opened.cosignatures(), []);
        let Err(OpenError::QuorumNotReached(not)) =
            open(&policy(&format!("{witnessed}quorum w\n")), &text, &both)
        else {
            panic!()
        };
        assert_eq!(names(not.opened().unverifiable()), [pq_log.clone(), pq_witness]);

        let origin = Origin::new("l").unwrap();
        let signature_type = SignatureType::MlDsa44Cosignature;
        assert_eq!(
            open(&unwitnessed, &text, &both[1..]),
            Err(OpenError::LogUnverifiable { origin, signature_type })
        );
        let missing = open(&unwitnessed, &text, &both[2..]);
        assert!(matches!(missing, Err(OpenError::LogSignatureMissing { key_ids, .. }) if key_ids.len() == 2));
    }

    #[test]
    fn another_log_of_the_policy_does_not_sign_for_this_one() {
        let policy = policy(&format!("log {}\nlog {}\nquorum none\n", log("l", 1), log("m", 2)));
        let text = text("l");
        let m = log_line("m", 2, &text);
        let missing = open(&policy, &text, std::slice::from_ref(&m));
        assert!(matches!(missing, Err(OpenError::LogSignatureMissing { .. })));
        assert!(open(&policy, &text, &[m, log_line("l", 1, &text)]).is_ok());
        let false_m = log_line("m", 2, "m\n");
        let invalid = open(&policy, &text, &[log_line("l", 1, &text), false_m]);
        assert!(matches!(invalid, Err(OpenError::LogSignatureInvalid { .. })));
    }

    #[test]
    fn a_witness_that_is_named_like_the_log_does_not_sign_for_it() {
        let pq = opaque("l", 6, 3);
        let witnesses = format!("witness w {}\nwitness pq {pq}\n", witness("l", 2));
        let policy = policy(&format!("log {}\n{witnesses}quorum w\n", log("l", 1)));
        let text = text("l");
        let pq = VerifierKey::parse(&pq).unwrap();
        let pq = NoteSignature::new(pq.name().clone(), pq.id(), vec![0; 2428]).unwrap().to_string() + "\n";
        let missing = open(&policy, &text, &[witness_line("l", 2, 7, &text), pq]);
        assert!(matches!(missing, Err(OpenError::LogSignatureMissing { .. })), "{missing:?}");
    }

    #[test]
    fn a_key_name_that_is_not_the_origin() {
        // sum.golang.org/latest of 2024-09-23, and the key that the go command has built in.
        let vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let latest = "go.sum database tree\n30055305\nmXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=\n\n\
                      — sum.golang.org Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucF\
                      cAAlWFJJYle3EJlDCrQ+y3A8=\n";
        let key = VerifierKey::parse(vkey).unwrap();
        let note = Note::parse(latest.as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse(note.open([&key]).unwrap().text()).unwrap();
        assert_eq!((checkpoint.origin().as_str(), checkpoint.size()), ("go.sum database tree", 30_055_305));
        // A policy binds the key's name to the origin, so it cannot speak of this log.
        let opened = Policy::of_log(key).unwrap().open_note(&note);
        assert!(matches!(opened, Err(OpenError::UnknownOrigin { .. })));
    }

    #[test]
    fn a_checkpoint_of_sigsum() {
        // A public test vector of sigsum-go, TestCheckpointSigned: the seed of the log's key is 0x11 and zeros.
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        seed[0] = 0x11;
        let origin = "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69";
        let public = crate::base::SigningKey::from_seed(&seed).public();
        let policy = Policy::of_log(VerifierKey::ed25519(KeyName::new(origin).unwrap(), public)).unwrap();
        let note = format!(
            "{origin}\n10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— {origin} gJ2ho0n8F8olcerUF1FFdv23\
             5A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=\n"
        );
        assert_eq!(policy.open_checkpoint(note.as_bytes()).unwrap().checkpoint().size(), 10);
    }

    #[test]
    fn every_bit_counts_but_those_of_unknown_lines() {
        let (l, w) = (log("l", 1), witness("w.example", 2));
        let policy = policy(&format!("log {l}\nwitness w {w}\nquorum w\n"));
        let text = text("l") + "an extension\n";
        let unknown = "— unknown.example AAAAAAECAwQ=\n";
        let first = format!("{text}\n{}", log_line("l", 1, &text));
        let note = format!("{first}{unknown}{}", witness_line("w.example", 2, 1_700_000_000, &text));
        let good = policy.open_checkpoint(note.as_bytes()).unwrap();
        let unknown = first.len()..first.len() + unknown.len();
        let mut tolerated = 0;
        for at in 0..note.len() * 8 {
            let mut changed = note.clone().into_bytes();
            changed[at / 8] ^= 1 << (at % 8);
            if let Ok(opened) = policy.open_checkpoint(&changed) {
                assert!(unknown.contains(&(at / 8)), "bit {at}");
                assert_eq!(opened, good);
                tolerated += 1;
            }
        }
        assert!(tolerated > 50, "{tolerated}");
    }

    #[test]
    fn deep_groups_do_not_exhaust_the_stack() {
        let mut deep = format!("log {}\nwitness g {}\n", log("l", 1), witness("w.example", 2));
        let mut last = "g".to_owned();
        for n in 0..9_000 {
            deep += &format!("group {n} any {last}\n");
            last = n.to_string();
        }
        let policy = policy(&format!("{deep}quorum {last}\n"));
        let text = text("l");
        let l = log_line("l", 1, &text);
        let Err(OpenError::QuorumNotReached(not)) = open(&policy, &text, std::slice::from_ref(&l)) else {
            panic!()
        };
        assert_eq!(not.missing().len(), 9_000);
        assert!(open(&policy, &text, &[l, witness_line("w.example", 2, 0, &text)]).is_ok());
    }
}
