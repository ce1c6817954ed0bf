//! `dateline key invite`, `dateline session` and `dateline audit-trail`: who may sign in to the server, who is, and what happened.

use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::server::people::{People, Person};
use crate::server::trail::{Event, Trail};
use crate::verify::read_log;
use crate::view::{sanitize, sanitize_to};

use super::args::{AuditTrailArgs, KeyInviteArgs, SessionCommand, TrustArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, say};
use super::serve::{kept, public_url};
use super::workspace::Workspace;
use super::{keys, now, random};

const HOUR: i64 = 60 * 60;
/// Characters of a reader's name.
const NAME_MAX_CHARS: usize = 100;

fn people(workspace: &Workspace) -> Outcome<People> {
    match workspace.private().is_dir() {
        true => Ok(People::at(&kept(workspace))),
        false => Err(crate::log::OpenError::NoLog.into()),
    }
}

fn named(person: &Person) -> String {
    match person {
        Person::Signer(key_id) => format!("key {}…", &key_id.to_hex()[..16]),
        Person::Reader(name) => format!("reader {}", sanitize_to(name, NAME_MAX_CHARS)),
    }
}

pub(super) fn invite(workspace: &Workspace, args: &KeyInviteArgs, output: Output) -> Outcome<()> {
    let people = people(workspace)?;
    let url = public_url(&args.url)?;
    let person = match (&args.target, &args.reader) {
        (Some(target), _) => {
            let trust = workspace.trust(&TrustArgs::default())?;
            let store = workspace.reader();
            let state = read_log(&store, &trust, |reader| reader.key_state(|_| {}))?;
            let (key_id, _) = keys::find(&state, target)?;
            if state.key(&key_id).is_none_or(|key| key.ended.is_some()) {
                let failure = Failure::new(Exit::Key, format!("key {key_id} may not sign here"));
                return Err(failure.hint("`dateline key list` shows which keys are in force"));
            }
            Person::Signer(key_id)
        }
        (None, name) => {
            let name = name.as_deref().unwrap_or_default().trim();
            if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control)
            {
                let message = format!("a reader's name has 1 to {NAME_MAX_CHARS} characters, in one line");
                return Err(Failure::new(Exit::Usage, message));
            }
            Person::Reader(name.to_owned())
        }
    };
    let created = now();
    let expires = Timestamp::from_unix_seconds(created.unix_seconds() + i64::from(args.hours) * HOUR)
        .ok_or_else(|| Failure::new(Exit::Usage, "so late that no time can say it"))?;
    let Some((invitation, secret)) = people.invite(random(), person, created, expires)? else {
        let failure = Failure::new(Exit::Unavailable, "too many invitations are open");
        return Err(failure.hint("wait until some end"));
    };
    let link = format!("{}/invite/{secret}", url.origin().ascii_serialization());
    output.print(
        || format!("{link}\n"),
        || json!({"id": invitation.id, "link": link, "person": invitation.person, "expiresAt": expires}),
    )?;
    if !output.is_json() {
        say(&format!(
            "it signs in {}, once, until {expires}; it is shown this once",
            named(&invitation.person)
        ));
    }
    Ok(())
}

pub(super) fn session(workspace: &Workspace, command: &SessionCommand, output: Output) -> Outcome<()> {
    let people = people(workspace)?;
    match command {
        SessionCommand::List => people.sessions(now())?.iter().try_for_each(|session| {
            output.print(
                || format!("{}  {}  until {}\n", session.id, named(&session.person), session.expires_at),
                || {
                    json!({
                        "id": session.id, "person": session.person, "createdAt": session.created_at,
                        "expiresAt": session.expires_at,
                    })
                },
            )
        }),
        SessionCommand::End(args) => {
            let wanted = |id: &str| args.id.as_deref().is_none_or(|wanted| wanted == id);
            let ended = people.end(now(), "sessionEnded", |session| wanted(&session.id))?;
            if let (0, Some(id)) = (ended, &args.id) {
                let failure = Failure::new(Exit::NotFound, format!("there is no session {id:?}"));
                return Err(failure.hint("`dateline session list` shows them"));
            }
            output.print(|| format!("{ended} ended\n"), || json!({ "ended": ended }))
        }
    }
}

pub(super) fn audit_trail(workspace: &Workspace, args: &AuditTrailArgs, output: Output) -> Outcome<()> {
    if !workspace.private().is_dir() {
        return Err(crate::log::OpenError::NoLog.into());
    }
    let trail = Trail::at(&kept(workspace));
    let skipped = match args.last {
        Some(last) => trail.read()?.count().saturating_sub(last),
        None => 0,
    };
    trail.read()?.skip(skipped).try_for_each(|event| shown(&event, output))
}

fn shown(event: &Event, output: Output) -> Outcome<()> {
    let text = || {
        let more = event.more.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            format!("  {}={}", sanitize(name), sanitize_to(&value, 200))
        });
        format!("{}  {}{}\n", event.at, sanitize_to(&event.event, 40), more.collect::<String>())
    };
    output.print(text, || json!(event))
}
