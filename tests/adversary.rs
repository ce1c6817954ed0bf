//! What is defended: every attack on a log, on what is remembered of it, on a proof and on a policy that this suite knows,
//! with the code that it gets, the record or file that is named, and what is still said of the rest.
//!
//! Each module is a table. An *outsider* changes files and holds no key; an *operator* holds the log's key and signs what
//! he likes; a *signer* was enrolled. An attack that changes nothing that anyone relies on is in the tables too, and is
//! said to be harmless.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "adversary/attack.rs"]
mod attack;
#[path = "adversary/entries.rs"]
mod entries;
#[path = "adversary/files.rs"]
mod files;
#[path = "adversary/history.rs"]
mod history;
#[path = "adversary/pending.rs"]
mod pending;
#[path = "adversary/proofs.rs"]
mod proofs;
#[path = "adversary/signers.rs"]
mod signers;
#[path = "adversary/statements.rs"]
mod statements;

/// The tables lose nothing unnoticed, and in each an attack has a name of its own.
#[test]
fn every_attack_is_named() {
    let attacks = [
        files::attacks(),
        files::checkpoints(),
        files::openings(),
        entries::sequences(),
        signers::keys(),
        signers::signatures(),
        entries::forms(),
        statements::statements(),
        pending::statements(),
    ];
    let mut tables: Vec<Vec<&str>> =
        attacks.iter().map(|table| table.iter().map(|attack| attack.name).collect()).collect();
    tables.push(history::histories().iter().map(|history| history.name).collect());
    tables.push(proofs::proofs().iter().map(|proof| proof.name).collect());
    tables.push(proofs::policies().iter().map(|(name, ..)| *name).collect());
    let mut count = 0;
    for mut names in tables {
        count += names.len();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None);
    }
    assert!(count >= 320, "only {count} attacks are left");
}
