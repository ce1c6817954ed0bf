//! People who sign in to the server, through the real program: with OpenSSH's own tool, with a link, and what ends it.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/serving.rs"]
mod serving;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use serving::{Answer, Folder, Server};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const OWN: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
const HOST: (&str, &str) = ("Host", "localhost");

/// Takes what stands between two texts of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    rest.split_once(after).unwrap().0
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Signs as OpenSSH does; `None` where it is not installed.
fn ssh_sign(folder: &Folder, key: &str, namespace: &str, message: &str) -> Option<String> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "sign", "-q", "-n", namespace, "-f"]).arg(folder.path(key));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    Some(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
}

fn challenge(server: &Server) -> String {
    let page = String::from_utf8(server.ask("GET", "/sign-in", &[HOST], b"").body).unwrap();
    between(&page, "name=\"challenge\" value=\"", "\"").to_owned()
}

fn sign_in(server: &Server, challenge: &str, signature: &str, headers: &[(&str, &str)]) -> Answer {
    let body = encoded(&[("challenge", challenge), ("signature", signature), ("next", "/verify")]);
    server.ask("POST", "/sign-in", &[&[FORM, HOST], headers].concat(), body.as_bytes())
}

/// Returns the pair of a cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn session(server: &Server, cookie: &str) -> Answer {
    server.ask("GET", "/api/v1/session", &[HOST, ("Cookie", cookie)], b"")
}

/// Who is signed in, as each page says in its head.
fn shown_as(server: &Server, cookie: &str) -> Option<String> {
    let page = server.ask("GET", "/search", &[HOST, ("Cookie", cookie)], b"");
    let page = String::from_utf8(page.body).unwrap();
    let begin = "<bdi class=\"who\">";
    page.contains(begin).then(|| between(&page, begin, "</bdi>").to_owned())
}

fn events(folder: &Folder) -> Vec<Value> {
    let told = folder.done(&["audit-trail", "--format", "json"]);
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn has(events: &[Value], word: &str) -> usize {
    events.iter().filter(|event| event["event"] == word).count()
}

#[test]
fn a_signer_signs_in_with_his_key_and_out() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let challenge = challenge(&server);
    let namespace = "dateline@news.example.org/log";
    let Some(signature) = ssh_sign(&folder, "keys/private/editor", namespace, &challenge) else {
        eprintln!("left out: ssh-keygen is not installed");
        return;
    };
    // Not from another site, not by another's challenge, not in another namespace, not by another key.
    for from in [&[][..], &[("Sec-Fetch-Site", "cross-site")], &[("Origin", "http://evil.example")]] {
        let refused = sign_in(&server, &challenge, &signature, from);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("crossSite")), "{from:?}");
    }
    let elsewhere = sign_in(&server, &challenge, &signature, &[OWN, ("Host", "news.example.org")]);
    assert_eq!(elsewhere.status, 403, "two hosts");
    let other = ssh_sign(&folder, "keys/private/editor", "file", &challenge).unwrap();
    let refused = sign_in(&server, &challenge, &other, &[OWN]);
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
    folder.done(&["key", "new", "stranger", "--no-passphrase"]);
    let strange = ssh_sign(&folder, "keys/private/stranger", namespace, &challenge).unwrap();
    assert_eq!(sign_in(&server, &challenge, &strange, &[OWN]).status, 403);
    assert_eq!(sign_in(&server, "dateline-sign-in.AAAA", &signature, &[OWN]).status, 403);

    let answer = sign_in(&server, &challenge, &signature, &[OWN]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/verify")));
    let set = answer.header("set-cookie").unwrap();
    for part in ["dateline=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(set.contains(part), "{set}");
    }
    let mine = cookie(&answer);
    let told = session(&server, &mine).json();
    assert_eq!((&told["roles"][0], &told["mayRegister"]), (&"editor".into(), &true.into()));
    assert_eq!(sign_in(&server, &challenge, &signature, &[OWN]).status, 403, "a challenge is used once");
    assert_eq!(session(&server, "dateline=AAAAAAAAAAAAAAAAAAAAAA").status, 401);

    // Signing out is meant, or nothing happens.
    let out = |csrf: &str, headers: &[(&str, &str)]| {
        let headers = [&[FORM, HOST, ("Cookie", &mine)], headers].concat();
        server.ask("POST", "/sign-out", &headers, encoded(&[("csrf", csrf)]).as_bytes())
    };
    let csrf = told["csrf"].as_str().unwrap();
    assert_eq!(out("", &[OWN]).status, 403);
    assert_eq!(out(csrf, &[]).status, 403);
    assert_eq!(session(&server, &mine).status, 200);
    let gone = out(csrf, &[OWN]);
    assert_eq!(gone.status, 303);
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(session(&server, &mine).status, 401);
    let events = events(&folder);
    assert_eq!((has(&events, "signedIn"), has(&events, "signedOut")), (1, 1), "{events:?}");
    assert_eq!(has(&events, "signInFailed"), 4, "{events:?}");
}

#[test]
fn a_link_opens_once_and_a_session_ends_with_its_key() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let keys = folder.done(&["key", "list", "--format", "json"]);
    let keys: Vec<Value> = keys.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let editor = keys.iter().find(|key| key["roles"][0] == "editor").unwrap()["keyId"].as_str().unwrap();
    let path = |link: &str| {
        assert!(link.starts_with("http://localhost:8080/invite/"), "{link}");
        link.trim()["http://localhost:8080".len()..].to_owned()
    };
    let link = path(&folder.done(&["key", "invite", &editor[..12]]));
    // Looking at it uses nothing up.
    for _ in 0..2 {
        let page = server.ask("GET", &link, &[HOST], b"");
        assert_eq!((page.status, page.header("set-cookie")), (200, None));
    }
    assert_eq!(server.ask("POST", &link, &[FORM, HOST], b"").status, 403);
    let answer = server.ask("POST", &link, &[FORM, HOST, OWN], b"");
    assert_eq!(answer.status, 303);
    let mine = cookie(&answer);
    assert_eq!(session(&server, &mine).json()["keyId"], editor);
    assert_eq!(shown_as(&server, &mine), Some(format!("key {}…", &editor[..16])));
    assert_eq!(shown_as(&server, "dateline=AAAAAAAAAAAAAAAAAAAAAA"), None);
    assert_eq!(server.ask("POST", &link, &[FORM, HOST, OWN], b"").status, 404);
    assert_eq!(server.ask("GET", &link, &[HOST], b"").status, 404);

    let hostile = "<script>alert(1)</script>\u{202e}";
    let link = path(&folder.done(&["key", "invite", "--reader", hostile]));
    let page = String::from_utf8(server.ask("GET", &link, &[HOST], b"").body).unwrap();
    assert!(!page.contains("<script>") && page.contains("&#60;script&#62;"), "{page}");
    let reader = cookie(&server.ask("POST", &link, &[FORM, HOST, OWN], b""));
    let told = session(&server, &reader).json();
    assert_eq!((&told["keyId"], &told["mayRegister"]), (&Value::Null, &false.into()));
    assert_eq!(shown_as(&server, &reader).unwrap(), "&#60;script&#62;alert(1)&#60;/scrip…");
    let listed = folder.done(&["session", "list", "--format", "json"]);
    assert_eq!(listed.lines().count(), 2);
    assert!(!folder.done(&["session", "list"]).contains('\u{202e}'));

    // Over a connection that is none of the machine's own nobody is signed in.
    let far = server.ask("GET", "/api/v1/session", &[("Host", "news.example.org"), ("Cookie", &mine)], b"");
    assert_ne!(far.status, 200);

    folder.done(&["key", "revoke", &editor[..12]]);
    assert_eq!(session(&server, &mine).status, 401, "its key was revoked");
    assert_eq!(shown_as(&server, &mine), None);
    assert_eq!(folder.run(&["key", "invite", &editor[..12]]).status.code(), Some(12));
    assert_eq!(session(&server, &reader).status, 200);
    let id = told["id"].as_str().unwrap();
    folder.done(&["session", "end", id]);
    assert_eq!(session(&server, &reader).status, 401);
    assert_eq!(folder.run(&["session", "end", id]).status.code(), Some(10));
    let events = events(&folder);
    for (word, count) in [("invited", 2), ("signedIn", 2), ("signInFailed", 1), ("sessionEnded", 1)] {
        assert_eq!(has(&events, word), count, "{word}: {events:?}");
    }
}

/// The key is with the editor and not with the server: it prepares, he reads and signs, it takes what he signed.
#[test]
fn a_statement_is_prepared_for_a_key_that_is_elsewhere() {
    let folder = Folder::new();
    let keys = folder.done(&["key", "list", "--format", "json"]);
    let keys: Vec<Value> = keys.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let editor = keys.iter().find(|key| key["roles"][0] == "editor").unwrap()["keyId"].as_str().unwrap();
    let desk = tempfile::tempdir().unwrap();
    let key = desk.path().join("editor");
    std::fs::rename(folder.path("keys/private/editor"), &key).unwrap();
    let (relay, server) = (folder.token("relay"), folder.serve(&["--relay-only"]));
    let link = folder.done(&["key", "invite", &editor[..12]]);
    let link = &link.trim()["http://localhost:8080".len()..];
    let mine = cookie(&server.ask("POST", link, &[FORM, HOST, OWN], b""));
    let told = session(&server, &mine).json();
    assert_eq!((&told["mayRegister"], &told["keyEntrusted"]), (&true.into(), &false.into()));
    let csrf = told["csrf"].as_str().unwrap();
    let text = ("Content-Type", "text/plain; charset=utf-8");
    let person = [HOST, OWN, text, ("Cookie", mine.as_str()), ("X-CSRF-Token", csrf)];
    let document = serving::LAKE.as_bytes();
    // Not what is not meant, and nothing that only his key could sign.
    assert_eq!(server.ask("POST", "/api/v1/records", &person[..4], document).json()["code"], "crossSite");
    assert_eq!(server.ask("POST", "/api/v1/records", &person, document).json()["code"], "notEntrusted");
    let prepared = server.ask("POST", "/api/v1/records/prepare?origin=AFP", &person, document);
    assert_eq!(prepared.status, 200, "{}", prepared.json());
    let file = desk.path().join("prepared.json");
    std::fs::write(&file, &prepared.body).unwrap();
    let bearer = format!("Bearer {relay}");
    let program = [text, ("Authorization", bearer.as_str())];
    let ask =
        |query: &str| server.ask("POST", &format!("/api/v1/records/prepare{query}"), &program, document);
    assert_eq!(ask("").status, 400);
    assert_eq!(ask(&format!("?signer={}", "0".repeat(64))).status, 403);
    assert_eq!(ask(&format!("?signer={editor}")).status, 200);

    let document_path = folder.path("lake.txt");
    let sign = |more: &[&str]| {
        let args = ["sign", file.to_str().unwrap(), "--document", document_path.to_str().unwrap()];
        let mut command = folder.command(&[&args[..], more].concat());
        command.current_dir(desk.path()).output().unwrap()
    };
    let key = key.to_str().unwrap();
    assert_eq!(sign(&["--key", key]).status.code(), Some(2), "nobody was asked");
    let wrong = folder.path("keys/private/root");
    assert_eq!(sign(&["--yes", "--key", wrong.to_str().unwrap()]).status.code(), Some(12));
    let signed = sign(&["--yes", "--key", key]);
    assert!(signed.status.success(), "{signed:?}");
    let shown = String::from_utf8(signed.stderr).unwrap();
    assert!(shown.contains("Awa Diarra") && shown.contains("AFP"), "{shown}");
    let kind = ("Content-Type", "application/vnd.dateline.pending+json");
    let person = [HOST, OWN, kind, ("Cookie", mine.as_str()), ("X-CSRF-Token", csrf)];
    let answer = server.ask("POST", "/api/v1/records", &person, &signed.stdout);
    assert_eq!((answer.status, &answer.json()["record"]), (201, &1.into()), "{}", answer.json());
    folder.done(&["verify", "--stateless"]);
    assert_eq!(folder.run(&["check", "lake.txt"]).status.code(), Some(0));
    std::fs::write(&document_path, "another text\n").unwrap();
    assert_eq!(sign(&["--yes", "--key", key]).status.code(), Some(1));
}

#[test]
fn an_entrusted_key_signs_what_its_holder_sends() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let keys = folder.done(&["key", "list", "--format", "json"]);
    let keys: Vec<Value> = keys.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let editor = keys.iter().find(|key| key["roles"][0] == "editor").unwrap()["keyId"].as_str().unwrap();
    let signed_in = |args: &[&str]| {
        let link = folder.done(&[&["key", "invite"], args].concat());
        let link = &link.trim()["http://localhost:8080".len()..];
        let mine = cookie(&server.ask("POST", link, &[FORM, HOST, OWN], b""));
        let csrf = session(&server, &mine).json()["csrf"].as_str().unwrap().to_owned();
        (mine, csrf)
    };
    let send = |(mine, csrf): &(String, String)| {
        let text = ("Content-Type", "text/plain; charset=utf-8");
        let headers = [HOST, OWN, text, ("Cookie", mine.as_str()), ("X-CSRF-Token", csrf.as_str())];
        server.ask("POST", "/api/v1/records", &headers, serving::LAKE.as_bytes())
    };
    let reader = send(&signed_in(&["--reader", "B"]));
    assert_eq!((reader.status, reader.json()["code"].as_str()), (403, Some("forbidden")));
    let answer = send(&signed_in(&[&editor[..12]]));
    assert_eq!(answer.status, 201, "{}", answer.json());
    let shown = folder.done(&["show", "1", "--format", "json"]);
    assert!(shown.contains(editor), "{shown}");
}

#[test]
fn attempts_are_held_to_a_rate() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let statuses: Vec<u16> = (0..40).map(|_| sign_in(&server, "x", "y", &[OWN]).status).collect();
    assert!(statuses.contains(&403) && statuses.contains(&429), "{statuses:?}");
    assert!(has(&events(&folder), "signInFailed") < 40);
}
