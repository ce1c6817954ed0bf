//! Mailboxes of the mbox family (RFC 4155, mboxrd): mails one after another, each below a line that begins with `From `.
//!
//! ```text
//! From awa@journal.example Mon Feb 16 08:00:00 2026
//! Subject: …
//!
//! >From here on a line of the text is quoted.
//!
//! From …
//! ```

use super::{Contents, Part, Relation, mail};
use crate::article::ReadError;
use crate::base::{Hash, limits};

/// Returns the mails, each followed by its attachments.
///
/// # Errors
/// None of its own: a mail that cannot be read is left out, by its number.
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let mut contents = Contents::default();
    for (number, mail) in mails(bytes).into_iter().enumerate() {
        if contents.parts.len() >= limits::PARTS_MAX {
            let why = format!("a mailbox has at most {} documents here", limits::PARTS_MAX);
            contents.left_out.push(("the rest".into(), why));
            break;
        }
        let mail = unquoted(mail);
        let whole = Hash::of(&mail);
        match mail::open(&mail) {
            Ok(inner) => {
                let parts = inner.parts.into_iter().map(|part| match part.relation {
                    Relation::Message => Part { relation: Relation::Mail, ..part },
                    _ => Part { of: Some(whole), ..part },
                });
                contents.parts.extend(parts);
                contents.left_out.extend(inner.left_out);
            }
            Err(error) => contents.left_out.push((format!("mail {}", number + 1), error.to_string())),
        }
    }
    contents.parts.truncate(limits::PARTS_MAX);
    Ok(contents)
}

/// True for a mailbox of two mails or more; one mail below a `From ` line is a mail.
pub(in crate::article) fn is_mailbox(bytes: &[u8]) -> bool {
    bytes.starts_with(b"From ") && mails(bytes).len() > 1
}

/// Cuts a mailbox at lines that begin with `From `, stand after an empty line or at the very beginning, and are followed by
/// a header field.
fn mails(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    let mut empty = true;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        if empty && line.starts_with(b"From ") && begins_with_field(&bytes[next..]) {
            starts.push((at, next));
        }
        empty = line.trim_ascii().is_empty();
        at = next;
    }
    let ends = starts.iter().skip(1).map(|(line, _)| *line).chain([bytes.len()]);
    starts.iter().zip(ends).map(|((_, first), end)| &bytes[*first..end]).collect()
}

/// True where a field's name and a colon begin the bytes (RFC 5322).
fn begins_with_field(bytes: &[u8]) -> bool {
    let name = bytes.iter().take(80).take_while(|byte| byte.is_ascii_graphic() && **byte != b':').count();
    name > 0 && bytes.get(name) == Some(&b':')
}

/// Takes one `>` off lines that are `From ` behind one or more of them, and the empty line at the end.
fn unquoted(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len());
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        out.extend_from_slice(&line[usize::from(marks > 0 && line[marks..].starts_with(b"From "))..]);
    }
    for end in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if out.ends_with(end) {
            out.truncate(out.len() - end.len() / 2);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &str = "From a@b.example Mon Feb 16 08:00:00 2026\nFrom: a@b.example\nDate: x\nSubject: Un\n\nLe port est calme.\n>From ici, tout va.\n\n\
        From the quay it looked calm.\n\nFrom c@d.example Mon Feb 16 09:00:00 2026\nFrom: c@d.example\nDate: y\nSubject: Deux\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nCorps.\n--b\nContent-Type: text/plain; name=n.txt\n\
        Content-Disposition: attachment; filename=n.txt\n\nNote.\n--b--\n";

    #[test]
    fn each_mail_is_a_document_with_its_attachments() {
        assert!(is_mailbox(BOX.as_bytes()));
        let contents = open(BOX.as_bytes()).unwrap();
        let seen: Vec<(&str, Relation)> =
            contents.parts.iter().map(|part| (part.name.as_str(), part.relation)).collect();
        assert_eq!(seen, [("Un", Relation::Mail), ("Deux", Relation::Mail), ("n.txt", Relation::Attachment)]);
        let first = String::from_utf8(contents.parts[0].bytes.clone()).unwrap();
        assert!(
            first.starts_with("From: a@b.example\n") && first.contains("\nFrom ici, tout va.\n"),
            "{first}"
        );
        assert!(first.ends_with("From the quay it looked calm.\n"), "{first}");
        assert_eq!(contents.parts[2].of, Some(Hash::of(&contents.parts[1].bytes)));
    }

    #[test]
    fn one_mail_and_prose_are_no_mailbox() {
        let one = &BOX[..BOX.find("From c@d").unwrap()];
        assert!(!is_mailbox(one.as_bytes()));
        assert!(!is_mailbox(b"From the quay: all is calm.\n\nFrom the sea: a storm.\n"));
        for end in 0..BOX.len() {
            let _ = open(&BOX.as_bytes()[..end]);
        }
    }
}
