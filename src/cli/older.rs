//! Older versions of what was erased, which a bucket may keep: removed, and told of.

use serde_json::json;

use crate::storage::bucket::{Swept, VersionsError};
use crate::storage::{Key, Records};
use crate::view::sanitize;

use super::output::say;

/// What came of the older versions that a bucket keeps.
pub(crate) struct Older(Result<Swept, VersionsError>);

impl Older {
    /// Removes those of the objects of `keys`, and of all below `folders`. `None` where the records are in a folder.
    pub(crate) fn removed(place: &Records, keys: &[Key], folders: &[&str]) -> Option<Self> {
        match place {
            Records::Folder(_) => None,
            Records::Bucket(bucket) => Some(Older(bucket.remove_older_versions(keys, folders))),
        }
    }

    /// Whether there were any, as far as the store says.
    pub(crate) fn is_something(&self) -> bool {
        self.0.as_ref().is_ok_and(|swept| swept.removed > 0 || swept.left > 0)
    }

    /// Says it in the object that a program reads.
    pub(crate) fn add_to(&self, members: &mut serde_json::Value) {
        match &self.0 {
            Ok(swept) => {
                let word = match (swept.left, swept.removed) {
                    (0, 0) => "none",
                    (0, _) => "removed",
                    _ => "left",
                };
                members["olderVersions"] = json!(word);
                members["olderVersionsRemoved"] = json!(swept.removed);
                let told = swept
                    .told
                    .iter()
                    .map(|one| json!({"name": one.name, "version": one.version, "why": one.why.to_string()}));
                members["olderVersionsLeft"] = told.collect();
                members["olderVersionsLeftCount"] = json!(swept.left);
            }
            Err(error) => {
                members["olderVersions"] = json!("notReached");
                members["olderVersionsError"] = json!(told_whole(error));
            }
        }
    }

    /// Says it to a person.
    pub(crate) fn say(&self) {
        match &self.0 {
            Ok(Swept { removed: 0, left: 0, .. }) => {
                say("the bucket keeps no older versions of it");
            }
            Ok(Swept { removed, left: 0, .. }) => {
                say(&format!("{removed} older versions that the bucket kept are gone"));
            }
            Ok(Swept { removed, left, told, .. }) => {
                say(&format!(
                    "warning: the bucket still has {left} older versions of it, and keeps them ({removed} are gone):"
                ));
                for one in told.iter().take(10) {
                    let why = one.why.to_string();
                    say(&format!(
                        "  {} version {}: {}",
                        sanitize(&one.name),
                        sanitize(&one.version),
                        sanitize(&why)
                    ));
                }
                say("no setting here undoes that: wait until it ends or have it lifted, then run this again");
            }
            Err(error) => {
                say(&format!(
                    "warning: older versions that the bucket may keep are not reached: {}",
                    sanitize(&told_whole(error))
                ));
                say(
                    "where versioning, retention or an object lock is set, remove them with the store's own tools, or let its \
                     lifecycle rules do it",
                );
            }
        }
    }
}

fn told_whole(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
