//! `dateline key`: who may sign, and from where in the log on.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::{Hash, PublicKey};
use crate::keys::{generate, private, public};
use crate::record::key_statement::{KeyStatement, Role};
use crate::record::{Body, Draft, KeyAction, Kind, State};
use crate::verify::{Record, read_log};
use crate::view::{WITHHELD, json_word};
use crate::view::{sanitize, sanitize_to};

use super::args::{
    KeyApprovalsArgs, KeyCommand, KeyEndArgs, KeyEnrolArgs, KeyNewArgs, KeyRotateArgs, RoleName, SignArgs,
    TrustArgs,
};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::workspace::{Passphrases, Workspace};
use super::writing::Desk;

/// Digits of a key's id that are shown, and that are enough to name it where no other begins so.
const SHORT: usize = 16;

pub(crate) fn run(workspace: &Workspace, command: &KeyCommand, output: Output) -> Outcome<()> {
    match command {
        KeyCommand::List => list(workspace, output),
        KeyCommand::New(args) => new(workspace, args, output),
        KeyCommand::Enrol(args) => enrol(workspace, args, output),
        KeyCommand::Rotate(args) => rotate(workspace, args, output),
        KeyCommand::Revoke(args) => end(workspace, KeyAction::Revoke, args, output),
        KeyCommand::Retire(args) => end(workspace, KeyAction::Retire, args, output),
        KeyCommand::Invite(args) => super::people::invite(workspace, args, output),
        KeyCommand::RequireApprovals(args) => require_approvals(workspace, args, output),
    }
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Editor => Role::Editor,
            RoleName::Ingest => Role::Ingest,
            RoleName::Assessor => Role::Assessor,
            RoleName::DataOfficer => Role::DataOfficer,
            RoleName::Root => Role::Root,
        }
    }
}

fn roles(names: &[RoleName]) -> Vec<Role> {
    let mut roles: Vec<Role> = names.iter().map(|name| (*name).into()).collect();
    roles.sort();
    roles.dedup();
    roles
}

/// Makes a key pair that nobody has enrolled yet.
fn new(workspace: &Workspace, args: &KeyNewArgs, output: Output) -> Outcome<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if args.name.is_empty() || args.name.starts_with('.') || !args.name.chars().all(plain) {
        let failure = Failure::new(Exit::Usage, format!("{:?} cannot name a key file", args.name));
        return Err(failure.hint("use letters, digits, - and _"));
    }
    if !workspace.private().is_dir() {
        return Err(crate::log::OpenError::NoLog.into());
    }
    let mut passphrases = Passphrases::default();
    let passphrase = if args.no_passphrase { None } else { Some(passphrases.choose()?) };
    let key = generate()?;
    let path = workspace.private().join(&args.name);
    private::write(&path, &key, &format!("dateline {}", args.name), passphrase.as_ref())?;
    let public = PathBuf::from(format!("{}.pub", path.display()));
    output.print(
        || {
            format!(
                "key {}\nprivate     {}\npublic      {}\n",
                key.public().key_id(),
                path.display(),
                public.display()
            )
        },
        || json!({"keyId": key.public().key_id(), "private": path, "public": public}),
    )?;
    if !output.is_json() {
        say(&format!("it may sign nothing yet: dateline key enrol {} --role ROLE", public.display()));
    }
    Ok(())
}

fn enrol(workspace: &Workspace, args: &KeyEnrolArgs, output: Output) -> Outcome<()> {
    let (public, _) = public::read(&args.public)?;
    let roles = roles(&args.roles);
    make(workspace, args.key.as_deref(), output, |_| {
        Ok(What {
            action: KeyAction::Enrol,
            public,
            roles,
            replaces: None,
            name: args.name.clone(),
            approvals: None,
        })
    })
}

fn rotate(workspace: &Workspace, args: &KeyRotateArgs, output: Output) -> Outcome<()> {
    let (public, _) = public::read(&args.public)?;
    make(workspace, args.key.as_deref(), output, |state| {
        let (old, _) = find(state, &args.old)?;
        let kept = || match state.key(&old) {
            Some(key) => key.roles.clone(),
            // A root key that is trusted from outside the log.
            None => vec![Role::Root],
        };
        let roles = if args.roles.is_empty() { kept() } else { roles(&args.roles) };
        let name = args.name.clone();
        Ok(What { action: KeyAction::Rotate, public, roles, replaces: Some(old), name, approvals: None })
    })
}

fn end(workspace: &Workspace, action: KeyAction, args: &KeyEndArgs, output: Output) -> Outcome<()> {
    make(workspace, args.key.as_deref(), output, |state| {
        let (_, public) = find(state, &args.target)?;
        Ok(What { action, public, roles: Vec::new(), replaces: None, name: None, approvals: None })
    })
}

fn require_approvals(workspace: &Workspace, args: &KeyApprovalsArgs, output: Output) -> Outcome<()> {
    make(workspace, args.key.as_deref(), output, |state| {
        let (_, public) =
            state.roots().next().ok_or_else(|| Failure::new(Exit::Key, "there is no root key"))?;
        let action = KeyAction::RequireApprovals;
        let approvals = Some(args.count);
        Ok(What { action, public, roles: Vec::new(), replaces: None, name: None, approvals })
    })
}

/// What is to be said of a key.
struct What {
    action: KeyAction,
    public: PublicKey,
    roles: Vec<Role>,
    replaces: Option<Hash>,
    name: Option<String>,
    approvals: Option<u32>,
}

/// Finds the key that is named: by a file, by its id, or by the beginning of it.
pub(super) fn find(state: &State, named: &str) -> Outcome<(Hash, PublicKey)> {
    let roots = state.roots().map(|(key_id, public)| (*key_id, public));
    let mut known: Vec<(Hash, PublicKey)> =
        state.keys().map(|(key_id, key)| (*key_id, key.public)).chain(roots).collect();
    known.sort_by_key(|(key_id, _)| *key_id);
    known.dedup_by_key(|(key_id, _)| *key_id);
    let path = Path::new(named);
    if path.is_file() {
        let (public, _) = public::read(path)?;
        return Ok((public.key_id(), public));
    }
    let wanted = named.trim_end_matches('…').to_ascii_lowercase();
    let found: Vec<_> =
        known.into_iter().filter(|(key_id, _)| key_id.to_hex().starts_with(&wanted)).collect();
    match found.as_slice() {
        [one] if wanted.len() >= 4 => Ok(*one),
        [] | [_] => {
            let message = format!("no key of this log is named {named:?}");
            Err(Failure::new(Exit::NotFound, message)
                .hint("`dateline key list` shows them; name at least 4 digits, or a .pub file"))
        }
        many => {
            let message = format!("{} keys of this log begin with {named:?}", many.len());
            Err(Failure::new(Exit::Usage, message).hint("give more digits"))
        }
    }
}

/// Signs a statement about a key with a root key, appends it, and tells whether it is in effect.
fn make(
    workspace: &Workspace,
    key: Option<&Path>,
    output: Output,
    what: impl FnOnce(&State) -> Outcome<What>,
) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.writer()?;
    let mut desk = Desk::open(workspace, &store, &trust)?;
    let sign = SignArgs { key: key.map(Path::to_owned), pending: false };
    let mut said = None;
    let made = desk.say(Kind::Key, &sign, |desk, circumstances| {
        let what = what(desk.log.state())?;
        let What { action, public, roles, replaces, name, approvals } = &what;
        let draft = match approvals {
            Some(count) => {
                let mut roots = desk.log.state().roots();
                let root = roots.find(|(key_id, _)| **key_id == circumstances.recorded_by);
                let root = root.map_or(*public, |(_, root)| root);
                Draft::require_approvals(*count, &root, circumstances)?
            }
            None => Draft::key(*action, public, roles.clone(), *replaces, name.as_deref(), circumstances)?,
        };
        said = Some(what);
        Ok(vec![draft])
    })?;
    let Some(What { action, public, approvals, .. }) = said else { return Ok(()) };
    let key_id = public.key_id();
    let state = desk.log.state();
    let is_it = |proposal: &crate::record::state::Proposal| {
        proposal.action == action
            && proposal.approvals == approvals
            && proposal.key_id.is_none_or(|one| one == key_id)
    };
    let waits = state.proposals().find(|(proposal, _)| is_it(proposal)).map(|(_, by)| by.len());
    let need = state.approvals_needed();
    let in_effect = waits.is_none();
    let members = json!({
        "action": action, "keyId": key_id, "inEffect": in_effect,
        "approvals": waits.map(|have| json!({"have": have, "need": need})),
    });
    desk.told(&made, output, &members)?;
    if !output.is_json() {
        say(&match waits {
            Some(have) => format!(
                "{} key {}…: {have} of {need} root keys have approved; it takes effect when the others run the same command",
                json_word(&action),
                &key_id.to_hex()[..SHORT]
            ),
            None => format!(
                "{} key {}…: in effect from the next entry on",
                json_word(&action),
                &key_id.to_hex()[..SHORT]
            ),
        });
    }
    Ok(())
}

fn list(workspace: &Workspace, output: Output) -> Outcome<()> {
    let trust = workspace.trust(&TrustArgs::default())?;
    let store = workspace.reader();
    let (state, names) = read_log(&store, &trust, |reader| {
        let mut names: Vec<(Hash, Option<String>)> = Vec::new();
        let state = reader.key_state(|record| names.extend(name_of(&record)))?;
        Ok((state, names))
    })?;
    let name = |key_id: &Hash| names.iter().rev().find(|(known, _)| known == key_id).map(|(_, name)| name);
    let anchors = trust.roots.iter().map(PublicKey::key_id);
    for key_id in anchors {
        let ended = state.ended_anchor(&key_id);
        output.print(
            || {
                let what = ended.map_or("in force".into(), |(by, action)| ended_text(by, action));
                format!("{}…  root (trusted from outside the log)  {what}\n", &key_id.to_hex()[..SHORT])
            },
            || {
                json!({
                    "keyId": key_id, "roles": ["root"], "trustedFromOutside": true, "inForce": ended.is_none(),
                    "endedBy": ended.map(|(by, _)| by), "ended": ended.map(|(_, action)| action),
                })
            },
        )?;
    }
    for (key_id, key) in state.keys() {
        let roles: Vec<String> = key.roles.iter().map(json_word).collect();
        let name = name(key_id);
        output.print(
            || {
                let what = key.ended.map_or("in force".into(), |(by, action)| ended_text(by, action));
                let name = match name {
                    None => String::new(),
                    Some(None) => format!("  {WITHHELD}"),
                    Some(Some(name)) => format!("  {}", sanitize_to(name, 80)),
                };
                let roles = sanitize_to(&roles.join(", "), 80);
                format!("{}…  {roles}  enrolled by {}  {what}{name}\n", &key_id.to_hex()[..SHORT], key.enrolled_at)
            },
            || {
                json!({
                    "keyId": key_id, "public": key.public.to_hex(), "roles": key.roles, "trustedFromOutside": false,
                    "name": name.cloned().flatten(), "nameWithheld": name.is_some_and(Option::is_none),
                    "enrolledBy": key.enrolled_at, "inForce": key.ended.is_none(),
                    "endedBy": key.ended.map(|(by, _)| by), "ended": key.ended.map(|(_, action)| action),
                })
            },
        )?;
    }
    let need = state.approvals_needed();
    if output.is_json() {
        let proposals: Vec<Value> = state
            .proposals()
            .map(|(proposal, by)| {
                json!({
                    "action": proposal.action, "keyId": proposal.key_id, "roles": proposal.roles,
                    "replaces": proposal.replaces, "approvals": proposal.approvals, "approvedBy": by,
                })
            })
            .collect();
        return output.print(String::new, || json!({"approvalsNeeded": need, "proposals": proposals}));
    }
    if need > 1 {
        say(&format!("{need} root keys must make a statement about keys"));
    }
    for (proposal, by) in state.proposals() {
        let key =
            proposal.key_id.map_or_else(String::new, |key_id| format!(" key {}…", &key_id.to_hex()[..SHORT]));
        say(&format!(
            "proposed: {}{key}, approved by {} of {need}",
            sanitize(&json_word(&proposal.action)),
            by.len()
        ));
    }
    Ok(())
}

fn ended_text(by: u64, action: KeyAction) -> String {
    let how = match action {
        KeyAction::Revoke => "REVOKED",
        KeyAction::Rotate => "replaced",
        _ => "retired",
    };
    format!("{how} by {by}")
}

/// Returns whose key a statement enrols, and his name: `None` where its opening is not at hand.
fn name_of(record: &Record) -> Option<(Hash, Option<String>)> {
    let Body::Key(statement) = &record.entry.body else { return None };
    if !matches!(statement.action, KeyAction::Enrol | KeyAction::Rotate) {
        return None;
    }
    let opened = record.entry.open::<KeyStatement>(&record.openings).ok()?;
    let key_id = record.entry.statement.subject[0].digest.sha256;
    match (opened.value.name, opened.withheld.is_empty()) {
        (None, true) => None,
        (name, _) => Some((key_id, name)),
    }
}
