//! Mails with attachments: the message, then each attachment as a document of its own.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

use super::{Contents, Part, Relation};
use crate::article::ReadError;
use crate::base::limits;

/// Returns the message itself and its attachments.
///
/// # Errors
/// [`ReadError::Damaged`] where the bytes are no mail.
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let damaged = || ReadError::Damaged { format: "mail".into(), reason: "it has no header".into() };
    let message = MessageParser::default().parse(bytes).ok_or_else(damaged)?;
    let mut contents = Contents::default();
    contents.parts.push(Part {
        name: message.subject().unwrap_or("mail").to_owned(),
        relation: Relation::Message,
        bytes: bytes.to_vec(),
        media_type: Some("message/rfc822".into()),
        charset: None,
        url: None,
        captured_at: None,
        of: None,
    });
    let mut left = limits::DOCUMENT_MAX_BYTES;
    for (number, part) in message.attachments().enumerate() {
        attachment(&message, number, part, &mut left, &mut contents);
    }
    Ok(contents)
}

fn attachment(
    message: &Message<'_>,
    number: usize,
    part: &mail_parser::MessagePart<'_>,
    left: &mut u64,
    contents: &mut Contents,
) {
    let _ = message;
    let name = part.attachment_name().map_or_else(|| format!("attachment {}", number + 1), str::to_owned);
    let media_type = part.content_type().map(|kind| {
        let sub = kind.subtype().unwrap_or("octet-stream");
        format!("{}/{sub}", kind.ctype()).to_ascii_lowercase()
    });
    let media = media_type.as_deref().unwrap_or_default();
    let mut leave = |why: &str| contents.left_out.push((name.clone(), why.to_owned()));
    if contents.parts.len() > limits::PARTS_MAX {
        return;
    }
    let inline = part.content_disposition().is_some_and(|disposition| disposition.is_inline());
    if media.starts_with("image/") || media.starts_with("audio/") || media.starts_with("video/") {
        return leave(if inline { "an inline picture" } else { "a picture, sound or film" });
    }
    if matches!(media, "application/ms-tnef" | "application/vnd.ms-tnef") {
        return leave("Outlook's own packing (winmail.dat) is not read");
    }
    if media.contains("pkcs7") || media.contains("pgp") {
        return leave("signed or encrypted");
    }
    let body: Vec<u8> = match &part.body {
        PartType::Message(inner) => inner.raw_message().to_vec(),
        PartType::Text(text) | PartType::Html(text) => text.as_bytes().to_vec(),
        _ => part.contents().to_vec(),
    };
    if body.len() as u64 > *left {
        return leave("the attachments are too large");
    }
    *left -= body.len() as u64;
    // A text part is given decoded.
    let charset = matches!(&part.body, PartType::Text(_) | PartType::Html(_)).then(|| "utf-8".to_owned());
    contents.parts.push(Part {
        name,
        relation: Relation::Attachment,
        bytes: body,
        media_type,
        charset,
        url: None,
        captured_at: None,
        of: None,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_are_documents_of_their_own() {
        let mail = "From: a@b\nDate: x\nSubject: y\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nCorps.\n\
            --b\nContent-Type: text/plain; name=\"../../note.txt\"\nContent-Disposition: attachment; filename=\"../../note.txt\"\nContent-Transfer-Encoding: base64\n\nTGUgcG9ydC4=\n\
            --b\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"x.png\"\n\nxx\n--b--\n";
        let contents = open(mail.as_bytes()).unwrap();
        assert_eq!(contents.parts.len(), 2);
        assert_eq!(contents.parts[0].relation, Relation::Message);
        assert_eq!(
            (contents.parts[1].name.as_str(), contents.parts[1].bytes.as_slice()),
            ("../../note.txt", b"Le port.".as_slice())
        );
        assert_eq!(contents.left_out, [("x.png".to_owned(), "a picture, sound or film".to_owned())]);
        for end in 0..mail.len() {
            let _ = open(&mail.as_bytes()[..end]);
        }
    }
}
