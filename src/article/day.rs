//! A printed or declared date → a day of the calendar, as written there.
//!
//! ```text
//! 2026-02-16T23:10:00+01:00   Mon, 16 Feb 2026 08:00:00 GMT   16 février 2026   February 16, 2026
//! 16.02.2026   2026年2月16日   ١٦ فبراير ٢٠٢٦   2026. 2. 16.   16/02/2026 (by the order of the language)
//! ```
//!
//! The day is the one that is written: no time zone moves it. What has no year, or can be read as two days where the
//! language does not tell which, is not read. Relative dates are none: nothing here knows what day it is.

use chrono::NaiveDate;

/// In which order a language writes day and month in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
    Unknown,
}

/// Returns the order of a language (BCP 47). English alone does not tell: only its regions do.
pub(super) fn order(language: Option<&str>) -> Order {
    let Some(language) = language else { return Order::Unknown };
    let lower = language.to_ascii_lowercase().replace('_', "-");
    match lower.split('-').next().unwrap_or_default() {
        "en" if lower.ends_with("-us") || lower.ends_with("-ph") => Order::MonthFirst,
        "en" if lower.contains('-') && !lower.ends_with("-ca") => Order::DayFirst,
        "en" | "" | "und" => Order::Unknown,
        _ => Order::DayFirst,
    }
}

/// Months by the beginnings of their names in lower case, accents kept, for languages whose names do not clash. A name is
/// compared whole, or as a short form of three letters or more that no other month shares.
#[rustfmt::skip]
const MONTHS: &[(u32, &[&str])] = &[
    (1, &["january", "janvier", "januar", "jänner", "enero", "janeiro", "gennaio", "januari", "januára", "január", "stycznia", "styczeń", "ledna", "leden", "января", "январь", "січня", "януари", "ianuarie", "ocak", "ianuariou", "ιανουαρίου", "ιανουάριος", "tammikuuta", "tammikuu", "janúar", "siječnja", "januarja", "januara", "يناير", "كانون الثاني", "जनवरी", "জানুয়ারি", "ژانویه", "ינואר", "januari", "sausio", "janvāris", "jaanuar", "gener", "ionawr", "januwari", "thg 1", "มกราคม"]),
    (2, &["february", "février", "fevrier", "februar", "feber", "febrero", "fevereiro", "febbraio", "februari", "februára", "február", "lutego", "luty", "února", "únor", "февраля", "февраль", "лютого", "февруари", "februarie", "şubat", "φεβρουαρίου", "φεβρουάριος", "helmikuuta", "helmikuu", "veljače", "februarja", "februara", "فبراير", "شباط", "फरवरी", "फ़रवरी", "ফেব্রুয়ারি", "فوریه", "פברואר", "vasario", "februāris", "veebruar", "febrer", "กุมภาพันธ์"]),
    (3, &["march", "mars", "märz", "marzo", "março", "marco", "maart", "marec", "marca", "március", "marzec", "března", "březen", "марта", "март", "березня", "martie", "mart", "μαρτίου", "μάρτιος", "maaliskuuta", "maaliskuu", "marts", "ožujka", "مارس", "آذار", "मार्च", "মার্চ", "מרץ", "maret", "kovo", "märts", "març", "มีนาคม"]),
    (4, &["april", "avril", "abril", "aprile", "apríl", "április", "kwietnia", "kwiecień", "dubna", "duben", "апреля", "апрель", "квітня", "април", "aprilie", "nisan", "απριλίου", "απρίλιος", "huhtikuuta", "huhtikuu", "travnja", "aprila", "أبريل", "ابريل", "نيسان", "अप्रैल", "এপ্রিল", "آوریل", "אפריל", "balandžio", "aprīlis", "aprill", "เมษายน"]),
    (5, &["may", "mai", "mayo", "maio", "maggio", "mei", "máj", "mája", "május", "maja", "maj", "května", "květen", "мая", "май", "травня", "mayıs", "μαΐου", "μάιος", "toukokuuta", "toukokuu", "maí", "svibnja", "مايو", "أيار", "मई", "মে", "مه", "מאי", "gegužės", "maijs", "maig", "พฤษภาคม"]),
    (6, &["june", "juin", "juni", "junio", "junho", "giugno", "jún", "júna", "június", "czerwca", "czerwiec", "června", "červen", "июня", "июнь", "червня", "юни", "iunie", "haziran", "ιουνίου", "ιούνιος", "kesäkuuta", "kesäkuu", "júní", "lipnja", "junija", "juna", "يونيو", "حزيران", "जून", "জুন", "ژوئن", "יוני", "birželio", "jūnijs", "juuni", "juny", "มิถุนายน"]),
    (7, &["july", "juillet", "juli", "julio", "julho", "luglio", "júl", "júla", "július", "lipca", "lipiec", "července", "červenec", "июля", "июль", "липня", "юли", "iulie", "temmuz", "ιουλίου", "ιούλιος", "heinäkuuta", "heinäkuu", "júlí", "srpnja", "julija", "jula", "يوليو", "تموز", "जुलाई", "জুলাই", "ژوئیه", "יולי", "liepos", "jūlijs", "juuli", "juliol", "กรกฎาคม"]),
    (8, &["august", "août", "aout", "agosto", "augustus", "augusti", "augusta", "augusztus", "sierpnia", "sierpień", "srpna", "srpen", "августа", "август", "серпня", "ağustos", "αυγούστου", "αύγουστος", "elokuuta", "elokuu", "ágúst", "kolovoza", "avgusta", "avgust", "أغسطس", "آب", "अगस्त", "আগস্ট", "اوت", "אוגוסט", "agustus", "rugpjūčio", "augusts", "agost", "สิงหาคม"]),
    (9, &["september", "septembre", "septiembre", "setiembre", "setembro", "settembre", "septembra", "szeptember", "września", "wrzesień", "září", "сентября", "сентябрь", "вересня", "септември", "septembrie", "eylül", "σεπτεμβρίου", "σεπτέμβριος", "syyskuuta", "syyskuu", "rujna", "septembar", "سبتمبر", "أيلول", "सितंबर", "সেপ্টেম্বর", "سپتامبر", "ספטמבר", "rugsėjo", "septembris", "setembre", "กันยายน"]),
    (10, &["october", "octobre", "oktober", "octubre", "outubro", "ottobre", "októbra", "október", "października", "październik", "října", "říjen", "октября", "октябрь", "жовтня", "октомври", "octombrie", "ekim", "οκτωβρίου", "οκτώβριος", "lokakuuta", "lokakuu", "listopada", "oktobra", "oktobar", "أكتوبر", "تشرين الأول", "अक्टूबर", "অক্টোবর", "اکتبر", "אוקטובר", "spalio", "oktobris", "oktoober", "ตุลาคม"]),
    (11, &["november", "novembre", "noviembre", "novembro", "novembra", "listopadu", "ноября", "ноябрь", "листопада", "ноември", "noiembrie", "kasım", "νοεμβρίου", "νοέμβριος", "marraskuuta", "marraskuu", "nóvember", "studenoga", "studenog", "novembar", "نوفمبر", "تشرين الثاني", "नवंबर", "নভেম্বর", "نوامبر", "נובמבר", "lapkričio", "novembris", "พฤศจิกายน"]),
    (12, &["december", "décembre", "decembre", "dezember", "diciembre", "dezembro", "dicembre", "desember", "decembra", "grudnia", "grudzień", "prosince", "prosinec", "декабря", "декабрь", "грудня", "декември", "decembrie", "aralık", "δεκεμβρίου", "δεκέμβριος", "joulukuuta", "joulukuu", "desembris", "prosinca", "decembar", "ديسمبر", "كانون الأول", "दिसंबर", "ডিসেম্বর", "دسامبر", "דצמבר", "gruodžio", "decembris", "detsember", "desembre", "ธันวาคม"]),
];

/// Short forms that are no beginnings of the names above, or too short to be taken for one.
#[rustfmt::skip]
const SHORT: &[(&str, u32)] = &[
    ("jan", 1), ("janv", 1), ("ene", 1), ("gen", 1), ("янв", 1), ("січ", 1), ("sty", 1), ("oca", 1), ("feb", 2), ("fév", 2), ("févr", 2), ("fev", 2), ("фев", 2), ("февр", 2),
    ("лют", 2), ("lut", 2), ("şub", 2), ("mar", 3), ("mär", 3), ("mrz", 3), ("мар", 3), ("бер", 3), ("mrt", 3), ("apr", 4), ("avr", 4), ("abr", 4), ("апр", 4), ("кві", 4),
    ("kwi", 4), ("mag", 5), ("трав", 5), ("jun", 6), ("giu", 6), ("июн", 6), ("чер", 6), ("cze", 6), ("haz", 6), ("jul", 7), ("juil", 7), ("lug", 7), ("июл", 7), ("лип", 7),
    ("lip", 7), ("tem", 7), ("aug", 8), ("ago", 8), ("авг", 8), ("сер", 8), ("sie", 8), ("ağu", 8), ("sep", 9), ("sept", 9), ("set", 9), ("сен", 9), ("сент", 9), ("вер", 9),
    ("wrz", 9), ("eyl", 9), ("oct", 10), ("okt", 10), ("out", 10), ("ott", 10), ("окт", 10), ("жов", 10), ("paź", 10), ("eki", 10), ("nov", 11), ("ноя", 11), ("нояб", 11),
    ("лис", 11), ("lis", 11), ("kas", 11), ("dec", 12), ("déc", 12), ("dez", 12), ("dic", 12), ("des", 12), ("дек", 12), ("гру", 12), ("gru", 12), ("ara", 12),
];

/// Returns the month that a word names.
pub(super) fn month(word: &str) -> Option<u32> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    if word.chars().count() < 2 {
        return None;
    }
    let whole = |names: &&(u32, &[&str])| names.1.contains(&word.as_str());
    MONTHS
        .iter()
        .find(whole)
        .map(|(number, _)| *number)
        .or_else(|| SHORT.iter().find(|(short, _)| *short == word).map(|(_, number)| *number))
}

/// Returns the first day that `text` writes out; `None` where there is none that can be read in one way only.
pub(super) fn day(text: &str, order: Order) -> Option<NaiveDate> {
    let text: String = text.chars().map(western).collect();
    let tokens = tokens(&text);
    let whole = (0..tokens.len()).find_map(|at| at_token(&tokens, at, order));
    whole.or_else(|| (text.chars().count() <= SHORT_YEAR_MAX_CHARS).then(|| short_year(&tokens)).flatten())
}

/// Characters of a line in which `28.01.22` is a day. In longer ones it may be a version or a paragraph.
const SHORT_YEAR_MAX_CHARS: usize = 40;

/// Reads a day with a year of two digits, of this century: 28.01.22.
fn short_year(tokens: &[Token<'_>]) -> Option<NaiveDate> {
    let mut numbers = tokens.windows(3).enumerate().filter_map(|(at, three)| match three {
        [
            Token::Number { value: day, digits: 1..=2, then: Some('.') },
            Token::Number { value: month, digits: 1..=2, then: Some('.') },
            Token::Number { value: year, digits: 2, then },
        ] if !matches!(then, Some('.' | ':' | ',')) => Some((at, *day, *month, *year)),
        _ => None,
    });
    let (at, day, month, year) = numbers.next()?;
    let joined = at.checked_sub(1).is_some_and(|before| {
        matches!(tokens[before], Token::Number { then: Some('.' | ':' | '-' | '/'), .. })
    });
    let year = i32::try_from(year).ok().filter(|year| *year < 50 && !joined)?;
    NaiveDate::from_ymd_opt(2000 + year, month, day)
}

/// Digits of other scripts as ASCII ones.
fn western(c: char) -> char {
    let digit = |zero: u32| char::from_digit(c as u32 - zero, 10).unwrap_or(c);
    match c {
        '٠'..='٩' => digit(0x660),
        '۰'..='۹' => digit(0x6f0),
        '०'..='९' => digit(0x966),
        '০'..='৯' => digit(0x9e6),
        '０'..='９' => digit(0xff10),
        _ => c,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    /// Digits, at most eight of them, and what mark stands right after.
    Number {
        value: u32,
        digits: usize,
        then: Option<char>,
    },
    Word(&'t str),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let of = |test: fn(char) -> bool| rest.find(|c| !test(c)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let end = of(|c| c.is_ascii_digit());
            let then = rest[end..].chars().next();
            match rest[..end].parse() {
                Ok(value) if end <= 8 => out.push(Token::Number { value, digits: end, then }),
                _ => out.push(Token::Word("")),
            }
            rest = &rest[end..];
        } else if is_unit(first) {
            // 年, 月, 日: a character each.
            out.push(Token::Word(&rest[..first.len_utf8()]));
            rest = &rest[first.len_utf8()..];
        } else if first.is_alphabetic() {
            let end = of(|c| (c.is_alphabetic() || super::reflow::is_mark(c)) && !is_unit(c));
            out.push(Token::Word(&rest[..end.max(first.len_utf8())]));
            rest = &rest[end.max(first.len_utf8())..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn is_unit(c: char) -> bool {
    matches!(c, '年' | '月' | '日' | '년' | '월' | '일')
}

fn at_token(tokens: &[Token<'_>], at: usize, order: Order) -> Option<NaiveDate> {
    let make = |year: u32, month: u32, day: u32| {
        let plausible = (1800..=2200).contains(&year);
        plausible.then(|| NaiveDate::from_ymd_opt(year as i32, month, day)).flatten()
    };
    let get = |ahead: usize| tokens.get(at + ahead).copied();
    let number = |ahead: usize| match get(ahead)? {
        Token::Number { value, digits, then } => Some((value, digits, then)),
        Token::Word(_) => None,
    };
    let word = |ahead: usize| match get(ahead)? {
        Token::Word(word) => Some(word),
        Token::Number { .. } => None,
    };
    if let Some(month) = word(0).and_then(month) {
        // February 16, 2026
        let (day, digits, then) = number(1)?;
        // A time and a zone may stand between: Oct 11 14:57:21 CEST 2021.
        let timed = number(2).is_some_and(|(_, two, then)| two <= 2 && then == Some(':'));
        let skip = match timed {
            true => (0..6).find(|skip| number(2 + skip).is_some_and(|(_, digits, _)| digits == 4))?,
            false => usize::from(word(2).is_some_and(is_ordinal)),
        };
        let (year, four, _) = number(2 + skip)?;
        return (digits <= 2 && four == 4 && then != Some(':')).then(|| make(year, month, day)).flatten();
    }
    let (first, digits, then) = number(0)?;
    if digits == 8 {
        // 20260216
        return make(first / 10_000, first / 100 % 100, first % 100).filter(|_| first >= 19_000_000);
    }
    if digits == 4 {
        // 2026-02-16, 2026/2/16, 2026. 2. 16., 2026年2月16日
        let unit = |ahead: usize, units: [&str; 2]| word(ahead).is_some_and(|word| units.contains(&word));
        if unit(1, ["年", "년"]) {
            let (month, ..) = number(2)?;
            let (day, ..) = number(4).filter(|_| unit(3, ["月", "월"]))?;
            return make(first, month, day);
        }
        if let Some(month) = word(1).and_then(month) {
            return make(first, month, number(2)?.0);
        }
        let (month, two, then_month) = number(1)?;
        let (day, last, _) = number(2)?;
        let joined = matches!(then, Some('-' | '/' | '.')) && matches!(then_month, Some('-' | '/' | '.'));
        return (joined && two <= 2 && last <= 2).then(|| make(first, month, day)).flatten();
    }
    if digits > 2 {
        return None;
    }
    // 16 février 2026, 16. Februar 2026, 16 de febrero de 2026, 16th of February 2026
    let mut ahead = 1;
    while ahead <= 2 && word(ahead).is_some_and(|word| is_ordinal(word) || is_of(word)) {
        ahead += 1;
    }
    if let Some(month) = word(ahead).and_then(month) {
        let of = usize::from(word(ahead + 1).is_some_and(is_of));
        let (year, four, _) = number(ahead + 1 + of)?;
        return (four == 4).then(|| make(year, month, first)).flatten();
    }
    // 16.02.2026, 16/02/2026
    let (second, two, then_second) = number(1)?;
    let (year, four, _) = number(2)?;
    let joined = matches!(then, Some('-' | '/' | '.')) && then_second == then;
    if !(joined && two <= 2 && four == 4) {
        return None;
    }
    let day_first = then == Some('.') || order == Order::DayFirst;
    match (first > 12, second > 12) {
        (true, false) => make(year, second, first),
        (false, true) => make(year, first, second),
        (false, false) if first == second || day_first => make(year, second, first),
        (false, false) if order == Order::MonthFirst => make(year, first, second),
        _ => None,
    }
}

fn is_ordinal(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "st" | "nd" | "rd" | "th" | "er" | "º" | "ª" | "o" | "e" | "η" | "го" | "ого"
    )
}

fn is_of(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "de" | "of" | "del" | "do" | "d" | "tháng")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_many_languages() {
        let expected = NaiveDate::from_ymd_opt(2026, 2, 16);
        for text in [
            "2026-02-16",
            "2026-02-16T23:59:00-05:00",
            "20260216",
            "Mon, 16 Feb 2026 08:00:00 GMT",
            "Publié le 16 février 2026 à 10h12",
            "February 16, 2026",
            "Mon Feb 16 14:57:21 CEST 2026",
            "Feb 16 09:34 2026",
            "Feb. 16th, 2026 at 5:01 pm",
            "16. Februar 2026",
            "16.02.2026",
            "16.02.26 / 0 Kommentare",
            "16 de febrero de 2026",
            "16 de fevereiro de 2026",
            "16 febbraio 2026",
            "16 февраля 2026, 10:12",
            "16 лютого 2026",
            "16 lutego 2026",
            "16 Şubat 2026",
            "2026年2月16日09:43",
            "2026年02月16日 来源",
            "2026년 2월 16일",
            "2026. 2. 16.",
            "١٦ فبراير ٢٠٢٦",
            "16 شباط 2026",
            "16 helmikuuta 2026",
            "16 φεβρουαρίου 2026",
            "16 tháng 2 2026 16/02/2026",
            "१६ फरवरी २०२६",
            "16 בפברואר 2026 16.2.2026",
        ] {
            assert_eq!(day(text, Order::DayFirst), expected, "{text}");
        }
    }

    #[test]
    fn two_readings_are_none() {
        assert_eq!(day("03/04/2026", Order::Unknown), None);
        assert_eq!(day("03/04/2026", Order::MonthFirst), NaiveDate::from_ymd_opt(2026, 3, 4));
        assert_eq!(day("03/04/2026", Order::DayFirst), NaiveDate::from_ymd_opt(2026, 4, 3));
        assert_eq!(day("03.04.2026", Order::Unknown), NaiveDate::from_ymd_opt(2026, 4, 3));
        assert_eq!(day("02/16/2026", Order::DayFirst), NaiveDate::from_ymd_opt(2026, 2, 16));
        assert_eq!(order(Some("en_US")), Order::MonthFirst);
        assert_eq!(order(Some("en")), Order::Unknown);
        for none in [
            "3 juin",
            "30 février 2026",
            "16 février 26",
            "10:12:2026",
            "12345678901",
            "",
            "2026",
            "il y a 3 jours",
            "Version 1.16.02.26",
            "16.02.26.1",
            "40.02.26",
            "Dans la version 16.02.26 du programme, le menu a change",
        ] {
            assert_eq!(day(none, Order::DayFirst), None, "{none}");
        }
    }

    #[test]
    fn month_names_are_told_apart() {
        for (number, names) in MONTHS {
            for name in *names {
                let others = MONTHS.iter().filter(|(other, names)| other != number && names.contains(name));
                // Croatian and Czech, Polish and Croatian share names for different months.
                assert!(others.count() == 0 || ["lipnja", "listopada", "srpnja"].contains(name), "{name}");
            }
        }
    }
}
