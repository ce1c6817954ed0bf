//! Keys that may soon be lost, or are not guarded.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::base::PublicKey;
use crate::keys::{Agent, private};
use crate::record::{Kind, State};

use super::{Finding, Severity};
use crate::cli::workspace::Workspace;

/// Looks at the keys that are enrolled, and at those that lie here.
pub(super) fn look(workspace: &Workspace, state: &State) -> Vec<Finding> {
    let mut found = Vec::new();
    let in_force =
        state.keys().filter(|(_, key)| key.ended.is_none() && Kind::Registration.may_be_made_by(&key.roles));
    match in_force.count() {
        0 => found.push(Finding::new(
            "noSigner",
            Severity::Problem,
            "no key may register documents: none is enrolled, or all were ended",
            "enrol a signer with a root key",
        )),
        1 => found.push(Finding::new(
            "oneSigner",
            Severity::Warning,
            "only one key may register documents: if it is lost, nothing can be registered until another is enrolled",
            "enrol a second signer while the root key is at hand",
        )),
        _ => {}
    }
    let roots: Vec<PublicKey> = state.roots().map(|(_, root)| root).collect();
    if roots.len() == 1 {
        let what = "there is only one root key: if it is lost, no signer can be enrolled or revoked any more";
        let todo = "keep a copy of its private half in another place, or have a second root key";
        found.push(Finding::new("oneRootKey", Severity::Warning, what, todo));
    }
    let Ok(files) = workspace.private_files() else {
        let what = "keys/private cannot be listed";
        found.push(Finding::new("keysUnreadable", Severity::Problem, what, "look at its permissions"));
        return found;
    };
    let case = |path: &Path| {
        let name = path.display().to_string();
        (name.clone(), json!({ "path": name }))
    };
    let named = |wanted: &dyn Fn(&Path) -> bool| -> Vec<(String, Value)> {
        files.iter().filter(|path| wanted(path)).map(|path| case(path)).collect()
    };
    let mut exposed = named(&|path| is_open_to_others(path));
    exposed.extend(
        Some(workspace.private()).filter(|folder| is_open_to_others(folder)).map(|folder| case(&folder)),
    );
    if !exposed.is_empty() {
        let what = "private keys can be read by others on this machine";
        let todo = "chmod 700 keys/private and chmod 600 each file in it; a key that somebody else may have read: revoke it";
        found.push(Finding::new("keyExposed", Severity::Problem, what, todo).with(exposed.into_iter()));
    }
    let plain = named(&|path| private::is_encrypted(path).is_ok_and(|encrypted| !encrypted));
    if !plain.is_empty() {
        let what = "private keys lie here without a passphrase: whoever copies the file can sign";
        let todo = "ssh-keygen -p -f FILE sets a passphrase";
        found.push(Finding::new("keyUnencrypted", Severity::Warning, what, todo).with(plain.into_iter()));
    }
    let unreadable = named(&|path| private::read_public(path).is_err());
    if !unreadable.is_empty() {
        let what = "files in keys/private are not keys that can be read";
        let todo = "look at them: a damaged key signs nothing; bring it back from a copy";
        found.push(Finding::new("keyUnreadable", Severity::Warning, what, todo).with(unreadable.into_iter()));
    }
    let mut at_hand: Vec<PublicKey> =
        files.iter().filter_map(|path| private::read_public(path).ok()).collect();
    if let Some(socket) = std::env::var_os("SSH_AUTH_SOCK") {
        at_hand.extend(Agent::at(Path::new(&socket)).keys().unwrap_or_default());
    }
    if !roots.iter().any(|root| at_hand.contains(root)) {
        let what = "the private half of no root key is at hand: nobody can be enrolled or revoked from here";
        let todo = "nothing, if it is kept elsewhere on purpose; make sure that somebody knows where";
        found.push(Finding::new("noRootKeyAtHand", Severity::Note, what, todo));
    }
    found
}

/// Returns whether somebody else than the owner may do anything with a file or folder.
#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
