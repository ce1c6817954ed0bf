//! Mails: RFC 5322 headers, MIME bodies. The plain text body is the text, else the HTML one.

use mail_parser::{MessageParser, MimeHeaders, PartType};

use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions};
use crate::base::limits;

/// Reads a mail. Costs a pass over its bytes.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let _ = options;
    let damaged = || ReadError::Damaged { format: "mail".into(), reason: "it has no header".into() };
    let message = MessageParser::default().parse(bytes).ok_or_else(damaged)?;
    let mut out = Extract::default();
    let mut declare = |key: Key, path: &str, value: &str| {
        let value = value.trim();
        if !value.is_empty() && value.chars().count() <= limits::DECLARED_MAX_CHARS {
            out.declared.push(Declared {
                key,
                source: "mail-header".into(),
                path: path.into(),
                value: value.to_owned(),
            });
        }
    };
    declare(Key::Title, "Subject", message.subject().unwrap_or_default());
    if let Some(sender) = message.from().and_then(|from| from.first()) {
        let address = sender.address().unwrap_or_default();
        let whole = match sender.name() {
            Some(name) => format!("{name} <{address}>"),
            None => address.to_owned(),
        };
        declare(Key::Sender, "From", &whole);
    }
    declare(Key::Published, "Date", message.header_raw("Date").unwrap_or_default());
    declare(Key::Identifier, "Message-ID", message.message_id().unwrap_or_default());
    declare(Key::Origin, "Organization", message.header_raw("Organization").unwrap_or_default());
    declare(Key::Language, "Content-Language", message.header_raw("Content-Language").unwrap_or_default());

    let mut texts = Vec::new();
    for part in message.text_bodies() {
        if let PartType::Text(text) = &part.body
            && part.attachment_name().is_none()
        {
            texts.push(text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned());
        }
    }
    if texts.iter().all(|text| text.is_empty()) {
        for part in message.html_bodies() {
            if let PartType::Html(markup) = &part.body {
                texts.push(super::html::plain_text(markup));
            }
        }
    }
    texts.retain(|text| !text.is_empty());
    out.text = texts.join("\n\n");
    if out.text.is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: =?utf-8?q?Minist=C3=A8re_de_la_P=C3=AAche?= <presse@peche.example>\r\nTo: desk@journal.example\r\n\
        Subject: =?utf-8?b?QmF0ZWF1eCByZW50csOpcw==?=\r\nDate: Mon, 16 Feb 2026 08:00:00 +0000\r\nMessage-ID: <1@peche.example>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Les bateaux sont rentr=E9s lundi.\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Autre</p>\r\n--b--\r\n";

    #[test]
    fn the_text_body_and_the_headers_are_read() {
        let out = extract(MAIL.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Les bateaux sont rentrés lundi.");
        let value = |key: Key| out.declared.iter().find(|one| one.key == key).map(|one| one.value.as_str());
        assert_eq!(value(Key::Title), Some("Bateaux rentrés"));
        assert_eq!(value(Key::Sender), Some("Ministère de la Pêche <presse@peche.example>"));
        assert_eq!(value(Key::Published), Some("Mon, 16 Feb 2026 08:00:00 +0000"));
        for end in 0..MAIL.len() {
            let _ = extract(&MAIL.as_bytes()[..end], &ReadOptions::default());
        }
    }

    #[test]
    fn an_html_body_will_do() {
        let mail = "From: a@b\nDate: x\nSubject: y\nContent-Type: text/html\n\n<div><p>Les bateaux</p><p>rentrent.</p></div>";
        assert_eq!(
            extract(mail.as_bytes(), &ReadOptions::default()).unwrap().text,
            "Les bateaux\n\nrentrent."
        );
    }
}
