//! Is a quotation said to be somebody's words? By words of saying near it, in the languages of the rules.
//!
//! A hint, no more: it tells words that somebody is said to have said from titles, nicknames and irony.

/// Characters before and after a quotation that are looked at.
const NEAR_MAX: usize = 80;

/// Words of saying, in lower case: each is one word, or stands in a script without spaces.
const WORDS: &[&str] = &[
    // English
    "said",
    "says",
    "told",
    "added",
    "stated",
    "declared",
    "announced",
    "explained",
    "warned",
    "insisted",
    "according",
    "wrote",
    "writes",
    "replied",
    "asked",
    "argued",
    "noted",
    "claimed",
    "confirmed",
    "tweeted",
    // French
    "dit",
    "déclaré",
    "affirmé",
    "expliqué",
    "ajouté",
    "indiqué",
    "souligné",
    "estimé",
    "précisé",
    "annoncé",
    "lancé",
    "assuré",
    "selon",
    "écrit",
    "répondu",
    "rappelé",
    "confié",
    "poursuit",
    "affirme",
    "explique",
    "déclare",
    "estime",
    "assure",
    "souligne",
    "ajoute",
    "martelé",
    "prévenu",
    "regretté",
    "voit",
    "t-il",
    "t-elle",
    "a-t-il",
    "a-t-elle",
    // German
    "sagte",
    "sagt",
    "erklärte",
    "erklärt",
    "betonte",
    "schrieb",
    "laut",
    "zufolge",
    "teilte",
    "warnte",
    "kündigte",
    "fügte",
    // Spanish, Portuguese, Italian
    "dijo",
    "declaró",
    "afirmó",
    "explicó",
    "añadió",
    "según",
    "señaló",
    "aseguró",
    "escribió",
    "dice",
    "disse",
    "declarou",
    "afirmou",
    "explicou",
    "acrescentou",
    "segundo",
    "escreveu",
    "diz",
    "detto",
    "dichiarato",
    "affermato",
    "spiegato",
    "aggiunto",
    "secondo",
    "scritto",
    // Dutch, Swedish, Polish, Romanian
    "zei",
    "zegt",
    "verklaarde",
    "volgens",
    "schreef",
    "sade",
    "säger",
    "enligt",
    "powiedział",
    "powiedziała",
    "oświadczył",
    "oświadczyła",
    "według",
    "dodał",
    "dodała",
    "spus",
    "declarat",
    "afirmat",
    "potrivit",
    // Russian, Ukrainian
    "сказал",
    "сказала",
    "заявил",
    "заявила",
    "сообщил",
    "сообщила",
    "отметил",
    "отметила",
    "подчеркнул",
    "подчеркнула",
    "добавил",
    "добавила",
    "словам",
    "написал",
    "написала",
    "сказав",
    "заявив",
    "повідомив",
    "зазначив",
    "словами",
    // Arabic, Persian
    "قال",
    "قالت",
    "وقال",
    "وقالت",
    "أضاف",
    "وأضاف",
    "صرح",
    "أكد",
    "وأكد",
    "أعلن",
    "بحسب",
    "گفت",
    "افزود",
    // Turkish, Vietnamese, Indonesian, Swahili, Bambara, Hindi
    "dedi",
    "belirtti",
    "söyledi",
    "açıkladı",
    "göre",
    "nói",
    "theo",
    "ujar",
    "kata",
    "katanya",
    "menurut",
    "alisema",
    "amesema",
    "कहा",
    "बताया",
];

/// The same, in scripts without spaces.
const HAN: &[&str] =
    &["说", "說", "表示", "称", "稱", "指出", "强调", "強調", "と述べ", "と言", "と話", "語った"];

/// What ends a sentence, and quotation marks: what stands beyond them is about something else.
const ENDS: &[char] =
    &['.', '!', '?', '…', '。', '！', '？', '؟', '।', '«', '»', '“', '”', '„', '"', '「', '」', '『', '』'];

/// Returns whether words of saying stand before or after a quotation, in the same sentence. `before` and `after` are the
/// text on either side of it, its marks included.
pub fn is_said(before: &str, after: &str) -> bool {
    let start = before.char_indices().rev().nth(NEAR_MAX - 1).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(NEAR_MAX).map_or(after.len(), |(at, _)| at);
    let is_own_mark = |c: char| ENDS[9..].contains(&c) || c.is_whitespace();
    let before = before[start..].trim_end_matches(is_own_mark);
    let after = after[..end].trim_start_matches(is_own_mark);
    let before = before.rsplit("\n\n").next().unwrap_or_default();
    let before = before.rsplit(ENDS).next().unwrap_or_default();
    let after = after.split("\n\n").next().unwrap_or_default();
    let after = after.split(ENDS).next().unwrap_or_default();
    [before, after].iter().any(|near| {
        let near = near.to_lowercase().replace('’', "'");
        let words = near.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty());
        words.into_iter().any(|word| WORDS.contains(&word)) || HAN.iter().any(|word| near.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_saying_are_seen_near_a_quotation_and_in_its_paragraph_only() {
        for (before, after) in [
            ("The minister said: ", "."),
            ("", ", a déclaré la ministre"),
            ("", " sur nos eaux, a-t-elle ajouté"),
            ("Er ", ", sagte der Minister."),
            ("Министр ", ", — заявил он."),
            ("大臣は", "と述べた"),
            ("وقال الوزير: ", ""),
            ("That was all. He said: “", "”. They left."),
            ("“Yes”. “", "”, he added. “No”"),
        ] {
            assert!(is_said(before, after), "{before}|{after}");
        }
        for (before, after) in [
            ("The film ", " opened on Monday."),
            ("The minister said nothing.\n\nThe film ", " opened."),
            ("He said: “Nobody was asked”. They call it “", "”."),
            ("They call it “", "”. He said so."),
            ("", " opened.\n\nThat is what he said"),
            ("The saidest of ", "."),
            ("", ""),
            ("he said\u{20}", &"a ".repeat(100)),
        ] {
            let far = before.starts_with("he said");
            assert_eq!(is_said(before, after), far, "{before}|{after}");
        }
        assert!(!is_said("", &("a ".repeat(60) + "said")));
    }
}
