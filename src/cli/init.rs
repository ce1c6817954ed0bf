//! `dateline init`

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::SigningKey;
use crate::base::limits::NOTE_MAX_BYTES;
use crate::keys::{generate, private, public};
use crate::log::{COMMITTED, Log, NewRecord};
use crate::note::{KeyName, Origin, Policy, VerifierKey};
use crate::record::entry::Circumstances;
use crate::record::{Draft, KeyAction, Role, layout};
use crate::storage::{Key, Store};

use super::args::InitArgs;
use super::diagnostics;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::{now, random};

/// Lines that keep secrets and scratch out of git.
const IGNORED: [&str; 2] = ["/keys/private/", "/records/.local/"];
/// Lines that keep git from rewriting what is hashed and signed: neither line ends nor the marks of a merge.
const UNTOUCHED: [&str; 3] = ["/records/** binary", "/keys/policy -text", "/keys/roots/** -text"];

/// What was made, to be removed again if the rest fails.
#[derive(Default)]
struct Made {
    paths: Vec<PathBuf>,
    kept: bool,
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.paths.iter().rev().filter(|_| !self.kept) {
            // Best effort: the failure that led here is what is told.
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &InitArgs, output: Output) -> Outcome<()> {
    let name = KeyName::new(&args.log_origin).map_err(|error| {
        Failure::new(Exit::Usage, format!("{:?} cannot name a log", args.log_origin))
            .because(&error)
            .hint("give a URL without scheme, like news.example.org/provenance")
    })?;
    if args.log_origin.contains("://") {
        let failure = Failure::new(Exit::Usage, format!("{:?} has a scheme in it", args.log_origin));
        return Err(failure.hint("leave it out: news.example.org/provenance"));
    }
    let mut roles: Vec<Role> = args.signer_role.iter().map(|name| (*name).into()).collect();
    if roles.contains(&Role::Root) {
        let failure = Failure::new(Exit::Usage, "the first signer is not a root key: one is made beside it");
        return Err(failure.hint("leave that role out"));
    }
    if roles.is_empty() {
        roles.push(Role::Editor);
    }
    refuse_what_is_here(workspace)?;
    let mut passphrases = Passphrases::default();
    let passphrase = if args.no_passphrase { None } else { Some(passphrases.choose()?) };

    let mut made = Made::default();
    let folder = workspace.private();
    make_private_folder(&folder, &mut made)?;
    let new_key = |file: &str| -> Outcome<SigningKey> {
        let key = generate()?;
        let path = folder.join(file);
        private::write(&path, &key, &format!("dateline {file} {}", args.log_origin), passphrase.as_ref())?;
        Ok(key)
    };
    let root = new_key("root")?;
    let log_key = new_key("log")?;
    let signer = match &args.signer_key {
        Some(path) => public::read(path)?.0,
        None => new_key("editor")?.public(),
    };
    let vkey = VerifierKey::ed25519(name.clone(), log_key.public());
    let policy = Policy::of_log(vkey.clone())
        .map_err(|error| Failure::new(Exit::Internal, "the new policy is not one").because(&error))?;
    write_new(&workspace.policy(), &policy.format(), &mut made)?;
    make_folder(&workspace.roots(), &mut made)?;
    let line = public::format(&root.public(), &format!("dateline root {}", args.log_origin)) + "\n";
    write_new(&workspace.roots().join("root.pub"), line.as_bytes(), &mut made)?;
    add_lines(&workspace.root().join(".gitignore"), &IGNORED)?;
    add_lines(&workspace.root().join(".gitattributes"), &UNTOUCHED)?;

    if workspace.bucket().is_none() && !workspace.records().exists() {
        made.paths.push(workspace.records());
    }
    let store = workspace.place().writer()?;
    let mut log = Log::create(&store, &policy, Origin::from(&name), &[root.public()])?;
    let mut random = random;
    let mut circumstances =
        Circumstances { recorded_by: root.public().key_id(), recorded_at: now(), random: &mut random };
    let name = args.signer_name.as_deref();
    let draft = Draft::key(KeyAction::Enrol, &signer, roles, None, name, &mut circumstances)?;
    let entry = draft.sign(&root)?;
    log.append(vec![NewRecord { entry, content: None }], &mut |text| Ok(log_key.sign(text)))?;
    made.kept = true;

    let checkpoint = log.checkpoint();
    let printed = output.print(
        || {
            format!(
                "log         {}\nsigner      {} (enrolled by entry 0)\nlog key     {vkey}\n",
                args.log_origin,
                signer.key_id()
            )
        },
        || {
            json!({
                "workspace": workspace.shown(), "logOrigin": args.log_origin, "logKey": vkey.to_string(),
                "rootKey": root.public().key_id(), "signer": signer.key_id(),
                "checkpoint": {"size": checkpoint.size(), "rootHash": checkpoint.root_hash()},
            })
        },
    );
    printed.map_err(|failure| failure.hint("the log was made all the same, and is to be kept"))?;
    if !output.is_json() {
        say(
            "keys/policy and keys/roots are what others need to verify; publish them by another way than the log",
        );
        say("keys/private/root enrols and revokes signers: move it somewhere safe, off this machine");
    }
    Ok(())
}

/// Refuses to begin a log over another, and says what to do where an earlier `init` was cut off.
fn refuse_what_is_here(workspace: &Workspace) -> Outcome<()> {
    const ELSEWHERE: &str = "name another folder with --workspace";
    let refused = |what: &str, path: &Path| Failure::new(Exit::Usage, format!("{what}: {}", path.display()));
    if let Some(bucket) = workspace.bucket() {
        // Before any key is made: a store that cannot hold a log is told of first.
        let store = bucket.writer_probed_now()?;
        for name in [layout::CHECKPOINT, COMMITTED] {
            let key = Key::new(name).expect("internal error: a name of the layout");
            if store.get(&key, NOTE_MAX_BYTES as u64)?.is_some() {
                let failure = refused("there is a log here already", Path::new(bucket.place()));
                return Err(failure.hint("name another prefix with --store"));
            }
        }
    }
    let published = workspace.records().join(layout::CHECKPOINT);
    let committed = workspace.records().join(COMMITTED);
    let private = workspace.private();
    let mut keys = [workspace.policy(), private.join("root.pub"), private.join("root")].into_iter();
    if workspace.bucket().is_none() && published.exists() {
        return Err(refused("there is a log here already", &published).hint(ELSEWHERE));
    }
    if workspace.bucket().is_none() && committed.exists() {
        let failure = refused("a log was begun here, but is not published yet", &committed);
        return Err(failure.hint("`dateline add FILE` publishes it first"));
    }
    match keys.find(|path| path.exists()) {
        Some(path) => Err(refused("there are keys here already, but no log", &path).hint(format!(
            "if `dateline init` was cut off here, remove keys/ and run it again; else {ELSEWHERE}"
        ))),
        None => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let message = format!("cannot write {}", path.display());
    move |error| diagnostics::refused(message, &error)
}

/// Makes a folder and its parents, and remembers the topmost that is new.
fn make_folder(folder: &Path, made: &mut Made) -> Outcome<()> {
    let new = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).last();
    made.paths.extend(new.map(Path::to_owned));
    fs::create_dir_all(folder).map_err(failed(folder))
}

fn make_private_folder(folder: &Path, made: &mut Made) -> Outcome<()> {
    make_folder(folder, made)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed(folder))?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], made: &mut Made) -> Outcome<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed(path))?;
    made.paths.push(path.to_owned());
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(path))
}

/// Adds lines to a file that git reads, keeping what is there.
fn add_lines(path: &Path, lines: &[&'static str]) -> Outcome<()> {
    let mut text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(failed(path))?,
    };
    let missing: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !text.lines().any(|have| have.trim_end_matches('/') == line.trim_end_matches('/')))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in missing {
        text.push_str(line);
        text.push('\n');
    }
    fs::write(path, text).map_err(failed(path))
}
