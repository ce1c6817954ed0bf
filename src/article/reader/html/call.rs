//! Lines in an article that call the reader to something else: to other articles, to subscribe, to comment.

/// Beginnings of lines that call the reader to something else, in lower case.
#[rustfmt::skip]
const CALLS: &[&str] = &[
    "read more", "read also", "also read", "read next", "see also", "more:", "more on", "related:", "related stories", "related articles", "recommended", "don't miss",
    "don’t miss", "click here", "sign up", "subscribe", "follow us", "follow metro", "share this", "share on", "advertisement", "get the latest", "for more stories", "for more",
    "like us on", "join our", "join us", "download our", "download the app", "listen to", "watch:", "watch now", "photo:", "photos:", "image:", "image source", "source: getty",
    "already a subscriber", "this article is for subscribers", "to continue reading", "continue reading", "support our", "newsletter", "comments", "leave a comment",
    "leave a reply", "tags:", "tagged", "filed under", "all rights reserved", "copyright", "©", "lire aussi", "à lire aussi", "à lire :", "lire la suite", "lire également",
    "voir aussi", "sur le même sujet", "abonnez-vous", "inscrivez-vous", "suivez-nous", "il vous reste", "cet article est réservé", "partager", "publicité",
    "la suite est réservée", "télécharger", "écouter", "lesen sie auch", "lesen sie", "lesen sie hier", "mehr zum thema", "mehr dazu", "mehr:", "auch interessant",
    "weitere artikel", "weiterlesen", "jetzt abonnieren", "anzeige", "werbung", "hier geht es", "das könnte sie", "aktuell auf", "zum thema", "foto:", "fotos:", "bild:",
    "quelle: imago", "newsletter abonnieren", "sie möchten weiterlesen", "empfohlener externer inhalt", "empfohlener redaktioneller inhalt", "externer inhalt",
    "dieser artikel ist", "kommentare", "leer también", "lee también", "lea también", "te puede interesar", "más información", "más noticias", "síguenos", "suscríbete", "ver más",
    "relacionado", "publicidad", "contenido relacionado", "noticias relacionadas", "leia também", "leia mais", "veja também", "saiba mais", "siga-nos", "inscreva-se", "assine",
    "publicidade", "leggi anche", "leggi di più", "potrebbe interessarti", "iscriviti", "riproduzione riservata", "© riproduzione", "читайте также", "смотрите также",
    "подписывайтесь", "по теме", "реклама", "читать далее", "фото:", "подпишитесь", "czytaj więcej", "czytaj także", "czytaj też", "zobacz także", "zobacz też", "przeczytaj także",
    "reklama", "polecamy", "lees ook", "lees meer", "bekijk ook", "les også", "les mer", "annonse", "läs också", "läs mer", "läs även", "annons", "lue myös", "mainos", "læs også",
    "læs mere", "ayrıca okuyun", "ilgili haber", "haberin devamı", "okumaya devam", "اقرأ أيضا", "اقرأ أيضًا", "إقرأ أيضا", "شاهد أيضا", "المزيد", "延伸閱讀", "延伸阅读", "相关阅读", "相關新聞",
    "推荐阅读", "更多", "関連記事", "【関連記事】", "この記事は会員限定", "有料会員", "会員限定", "【初トク", "あわせて読みたい", "もっと見る", "관련기사", "관련 기사", "ⓒ", "무단전재", "저작권자", "xem thêm", "baca juga", "simak juga",
    "διαβάστε επίσης", "citește și", "citeşte şi", "čtěte také", "olvasd el", "прочетете още", "читайте також", "читайте по темі",
];

/// True for a short line that calls the reader to something else.
pub(super) fn is_call(text: &str) -> bool {
    if text.chars().take(161).count() > 160 {
        return false;
    }
    let lower = text
        .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '©' | 'ⓒ' | '【'))
        .to_lowercase();
    let after = |call: &str| lower[call.len()..].chars().next();
    CALLS.iter().any(|call| {
        // A word may begin like a call; a call of one word stands alone or before a mark.
        lower.starts_with(call)
            && (call.contains([' ', ':', '©', 'ⓒ'])
                || call.chars().any(|c| c > '\u{2e80}')
                || after(call).is_none_or(|c| matches!(c, ':' | '.' | '!' | '…' | '|' | '\n')))
    })
}
