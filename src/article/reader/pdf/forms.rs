//! Forms that only print has → plain letters: ﬁ → fi, ﻻ → لا, ⼈ → 人.
//!
//! Some programs map a glyph to its form in print, not to its letter. Nothing else is normalised here.

use unicode_normalization::UnicodeNormalization;

/// Gives the plain letters for forms that only print has: Arabic and Hebrew presentation forms, Latin ligatures,
/// radicals, bullets of symbol fonts. Direction marks, which are the program's and not the author's, are dropped.
pub(super) fn plain(text: &str) -> String {
    let form = |c: char| matches!(c, '\u{fb00}'..='\u{fb06}' | '\u{fb13}'..='\u{fb17}' | '\u{fb1d}'..='\u{fb4f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if form(c) {
            // A mark in presentation form folds to a space and the mark.
            out.extend(c.nfkc().filter(|c| *c != ' '));
        } else if matches!(c, '\u{f0b7}' | '\u{f0a7}') {
            out.push('•');
        } else if let Some(unified) = radical(c) {
            out.push(unified);
        } else if !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{0}')
        {
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

    #[test]
    fn forms_of_print_become_plain_letters() {
        assert_eq!(plain("ﬁn ﬃ ﻻ ⼈⺠ é \u{200f}א \u{f0b7}"), "fin ffi لا 人民 é א •");
        // Letters that only look alike stay, and so does what Persian words are parted with.
        assert_eq!(plain("ªº² ½ می\u{200c}شود Ｆ"), "ªº² ½ می\u{200c}شود Ｆ");
    }
}
