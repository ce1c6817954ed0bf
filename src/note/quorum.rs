//! Whether enough witnesses have cosigned, and who is missing.

use super::open::OpenedCheckpoint;
use super::policy::{Item, Member, Policy};

/// A checkpoint that a log has signed, and too few witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumNotReached {
    opened: OpenedCheckpoint,
    missing: Vec<Shortfall>,
}

/// A witness or group that the quorum asks for and that has not witnessed the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The name of the witness or group in the policy.
    pub name: Item,
    /// How many members it takes; 1 for a witness.
    pub needed: usize,
    /// How many members have witnessed the checkpoint; 0 for a witness.
    pub found: usize,
    /// The members that have not; for a witness, itself.
    pub missing: Vec<Item>,
}

impl Policy {
    /// Returns what the quorum lacks, from the top down; nothing if it is reached. `cosigned` says for each
    /// witness of the policy whether it cosigned.
    pub(super) fn shortfalls(&self, cosigned: &[bool]) -> Vec<Shortfall> {
        // A group stands after its members, so one pass in order is enough; recursion could be made too deep.
        let mut met: Vec<bool> = Vec::with_capacity(self.groups().len());
        let has = |met: &[bool], member: Member| match member {
            Member::Witness(index) => cosigned[index],
            Member::Group(index) => met[index],
        };
        for group in self.groups() {
            let found = group.members.iter().filter(|&&member| has(&met, member)).count();
            met.push(found >= group.threshold);
        }
        let mut shortfalls = Vec::new();
        let mut open: Vec<Member> = self.quorum().filter(|&member| !has(&met, member)).into_iter().collect();
        if let Some(Member::Witness(index)) = open.first().copied() {
            let name = self.witnesses()[index].name.clone();
            return vec![Shortfall { name: name.clone(), needed: 1, found: 0, missing: vec![name] }];
        }
        while let Some(member) = open.pop() {
            let Member::Group(index) = member else { continue };
            let group = &self.groups()[index];
            let lacking: Vec<Member> =
                group.members.iter().copied().filter(|&member| !has(&met, member)).collect();
            shortfalls.push(Shortfall {
                name: group.name.clone(),
                needed: group.threshold,
                found: group.members.len() - lacking.len(),
                missing: lacking.iter().map(|&member| self.name(member).clone()).collect(),
            });
            open.extend(lacking.iter().rev());
        }
        shortfalls
    }
}

impl QuorumNotReached {
    pub(super) fn new(opened: OpenedCheckpoint, missing: Vec<Shortfall>) -> Self {
        QuorumNotReached { opened, missing }
    }

    /// Returns the checkpoint, which a log has signed.
    pub fn opened(&self) -> &OpenedCheckpoint {
        &self.opened
    }

    /// Returns the checkpoint, which a log has signed.
    pub fn into_opened(self) -> OpenedCheckpoint {
        self.opened
    }

    /// Returns what is missing, the quorum's own witness or group first. At least one.
    pub fn missing(&self) -> &[Shortfall] {
        &self.missing
    }

    /// Returns all that is missing, on one line.
    pub(super) fn describe(&self) -> String {
        let one = |shortfall: &Shortfall| {
            let missing: Vec<String> = shortfall.missing.iter().map(Item::to_string).collect();
            let Shortfall { name, needed, found, .. } = shortfall;
            format!("{name} has {found} of {needed} (missing {})", missing.join(", "))
        };
        self.missing.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::witness;
    use super::*;
    use proptest::prelude::*;

    fn policy(text: &str) -> Policy {
        Policy::parse(text.as_bytes()).unwrap()
    }

    /// The rule of tlog-policy, word for word and recursive.
    fn witnessed(policy: &Policy, member: Member, cosigned: &[bool]) -> bool {
        match member {
            Member::Witness(index) => cosigned[index],
            Member::Group(index) => {
                let group = &policy.groups()[index];
                let members = group.members.iter().filter(|&&m| witnessed(policy, m, cosigned));
                members.count() >= group.threshold
            }
        }
    }

    proptest! {
        #[test]
        fn the_quorum_is_that_of_the_specification(
            cosigned in proptest::collection::vec(any::<bool>(), 8),
            cuts in proptest::collection::vec((1usize..4, 1usize..4), 1..8),
        ) {
            let mut text = String::new();
            let mut free: Vec<String> = (0..8).map(|n| format!("w{n}")).collect();
            for n in 0..8 { text += &format!("witness w{n} {}\n", witness(&format!("w{n}"), n + 1)); }
            for (n, (take, threshold)) in cuts.into_iter().enumerate() {
                let members: Vec<String> = free.drain(..take.min(free.len())).collect();
                text += &format!("group g{n} {} {}\n", threshold.min(members.len()), members.join(" "));
                free.push(format!("g{n}"));
            }
            let policy = policy(&format!("{text}quorum {}\n", free[free.len() - 1]));
            let shortfalls = policy.shortfalls(&cosigned);
            let reached = witnessed(&policy, policy.quorum().unwrap(), &cosigned);
            prop_assert_eq!(shortfalls.is_empty(), reached);
            for shortfall in shortfalls {
                prop_assert!(shortfall.found < shortfall.needed && !shortfall.missing.is_empty());
            }
        }
    }
}
