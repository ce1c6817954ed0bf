//! A line of glyphs from left to right → its words in reading order, in plain letters.

use unicode_normalization::UnicodeNormalization;

/// True for letters of scripts that run from right to left.
pub(super) fn is_rtl(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        && !is_digit(c)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '٠'..='٩' | '۰'..='۹' | '\u{66b}' | '\u{66c}')
}

/// Puts pieces that stand from left to right into reading order. A piece is what one glyph stands for, and stays whole.
///
/// Where most letters run from right to left, the pieces are reversed, but for runs of Latin words and of figures, which
/// keep their order: no figure is ever turned round. Brackets outside of these runs are mirrored, as they were for display.
pub(super) fn reading_order(pieces: Vec<String>) -> Vec<String> {
    let count =
        |test: fn(char) -> bool| pieces.iter().flat_map(|piece| piece.chars()).filter(|c| test(*c)).count();
    let rtl = count(is_rtl);
    if rtl == 0 || rtl * 2 < count(|c| c.is_alphabetic() && !is_rtl(c)) {
        return pieces;
    }
    // Some fonts say what a bracket looks like, some what it means: the reading in which brackets pair is right.
    let shown = ordered(&pieces, mirrored);
    let meant = ordered(&pieces, |c| c);
    if pairs(&meant) > pairs(&shown) { meant } else { shown }
}

/// Counts brackets that are opened and then closed.
fn pairs(pieces: &[String]) -> usize {
    let (mut open, mut pairs) = (0usize, 0);
    for c in pieces.iter().flat_map(|piece| piece.chars()) {
        match c {
            '(' | '[' | '«' => open += 1,
            ')' | ']' | '»' if open > 0 => {
                open -= 1;
                pairs += 1;
            }
            _ => {}
        }
    }
    pairs
}

fn ordered(pieces: &[String], mirrored: fn(char) -> char) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(pieces.len());
    let mut end = pieces.len();
    while end > 0 {
        let strong = |at: usize| pieces[at].chars().any(|c| is_digit(c) || (c.is_alphabetic() && !is_rtl(c)));
        if strong(end - 1) {
            let start = run_start(pieces, end, strong);
            out.extend_from_slice(&pieces[start..end]);
            end = start;
        } else {
            out.push(pieces[end - 1].chars().map(mirrored).collect());
            end -= 1;
        }
    }
    out
}

/// Returns where the run that ends before `end` begins: Latin letters and figures, and marks between two of them.
fn run_start(pieces: &[String], end: usize, strong: impl Fn(usize) -> bool) -> usize {
    let mut start = end - 1;
    let latin = |at: usize| pieces[at].chars().any(|c| c.is_alphabetic());
    loop {
        if start > 0 && strong(start - 1) {
            start -= 1;
            continue;
        }
        // Marks inside of a number or between Latin words: 1,5  12:30  www.example.org  New York
        let mut before = start;
        while before > 0
            && start - before < 3
            && !strong(before - 1)
            && pieces[before - 1].chars().all(|c| !is_rtl(c))
        {
            before -= 1;
        }
        let marks: String = pieces[before..start].concat();
        let joined = before > 0 && strong(before - 1) && {
            let figures = !latin(before - 1) && !latin(start);
            let spaces = marks.chars().any(char::is_whitespace);
            let brackets = marks.contains(['(', ')', '[', ']', '«', '»', '"']);
            if figures {
                !spaces
                    && marks
                        .chars()
                        .all(|c| matches!(c, '.' | ',' | ':' | '/' | '-' | '\u{66b}' | '\u{66c}' | '−' | '–'))
            } else {
                !brackets
            }
        };
        if !joined {
            return start;
        }
        start = before - 1;
    }
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '«' => '»',
        '»' => '«',
        '<' => '>',
        '>' => '<',
        '‹' => '›',
        '›' => '‹',
        _ => c,
    }
}

/// Gives the plain letters for forms that only print has: Arabic presentation forms, Latin ligatures, radicals. Nothing
/// else is normalised.
pub(super) fn plain(text: &str) -> String {
    let form = |c: char| matches!(c, '\u{fb00}'..='\u{fb06}' | '\u{fb13}'..='\u{fb17}' | '\u{fb1d}'..='\u{fb4f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if form(c) {
            // A mark in presentation form folds to a space and the mark.
            out.extend(c.nfkc().filter(|c| *c != ' '));
        } else if let Some(unified) = radical(c) {
            out.push(unified);
        } else if !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{0}') {
            out.push(c);
        }
    }
    out
}

/// CJK radicals that fonts of some producers map ideographs to, and that Unicode does not fold.
fn radical(c: char) -> Option<char> {
    const TABLE: &[(char, char)] = &[
        ('⺠', '民'),
        ('⻄', '西'),
        ('⻅', '见'),
        ('⻆', '角'),
        ('⻉', '贝'),
        ('⻋', '车'),
        ('⻓', '长'),
        ('⻔', '门'),
        ('⻘', '青'),
        ('⻚', '页'),
        ('⻛', '风'),
        ('⻜', '飞'),
        ('⻝', '食'),
        ('⻢', '马'),
        ('⻣', '骨'),
        ('⻤', '鬼'),
        ('⻥', '鱼'),
        ('⻦', '鸟'),
        ('⻨', '麦'),
        ('⻩', '黄'),
        ('⻬', '齐'),
        ('⻮', '齿'),
        ('⻰', '龙'),
        ('⻳', '龟'),
        ('⺟', '母'),
        ('⺮', '竹'),
        ('⺸', '羊'),
        ('⻁', '虎'),
        ('⻑', '長'),
        ('⻙', '韦'),
        ('⻗', '雨'),
        ('⺼', '肉'),
        ('⻎', '辶'),
        ('⻏', '阝'),
        ('⺝', '月'),
        ('⺒', '巳'),
        ('⺋', '㔾'),
        ('⻞', '食'),
        ('⻟', '飠'),
    ];
    TABLE.iter().find(|(from, _)| *from == c).map(|(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(visual: &str) -> String {
        reading_order(visual.chars().map(String::from).collect()).concat()
    }

    #[test]
    fn lines_are_put_in_reading_order() {
        assert_eq!(order("abc 12"), "abc 12");
        assert_eq!(order("ما رحب"), "ما رحب".chars().rev().collect::<String>());
        // Figures and Latin words keep their order, brackets are mirrored.
        assert_eq!(order("2026 ماع"), "عام 2026");
        assert_eq!(order(".(CNN) لاق"), "قال (CNN).");
        assert_eq!(order("1,5 12:30 ةعاس"), "ساعة 12:30 1,5");
        assert_eq!(order("New York ةريبكلا ةنيدملا يف"), "في المدينة الكبيرة New York");
    }

    #[test]
    fn forms_of_print_become_plain_letters() {
        assert_eq!(plain("ﬁn ﻻ ⼈⺠ é"), "fin لا 人民 é");
    }

    proptest::proptest! {
        /// No figure is lost, altered or turned round, whatever stands around it.
        #[test]
        fn figures_survive(before in "[א-ת ]{0,8}", figure in "[0-9]{1,6}", after in "[א-ת ]{1,8}") {
            let line = format!("{before} {figure} {after}");
            proptest::prop_assert!(order(&line).contains(&figure), "{line}");
        }
    }
}
