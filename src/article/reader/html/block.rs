//! A page cut into blocks: a paragraph, a heading, a list item, a cell, each with what the names of the elements around
//! it say of it.

use html5ever::local_name;

use super::class::Classes;
use super::tree::{DOCUMENT, Id, Tree, is_inline};

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Paragraph,
    Heading(u8),
    Item,
    Quote,
    Preformatted,
    Cell,
    /// Words directly in a container.
    Loose,
}

/// A run of words without a block element in it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The element that holds it.
    pub element: Id,
    pub shape: Shape,
    /// Its words, line breaks kept as `\n`.
    pub text: String,
    /// Characters in it, and how many of them are links.
    pub chars: usize,
    pub linked: usize,
    /// How many links are in it, and the one that the last words are in.
    pub links: usize,
    last_link: Option<Id>,
    /// Why it is no part of an article, by the names of the elements around it.
    pub set_aside: Option<Aside>,
    /// Inside of a picture's or a table's element.
    pub figure: bool,
    pub lead: bool,
}

/// Why a block is no part of the article's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    Clutter,
    Elsewhere,
    Comment,
    Caption,
    Hidden,
    Biography,
    Byline,
}

/// Cuts a page into blocks, in document order.
pub(super) fn blocks(tree: &Tree, classes: &Classes) -> Vec<Block> {
    let body = tree.subtree(DOCUMENT).find(|id| tree.is(*id, &local_name!("body"))).unwrap_or(DOCUMENT);
    let weights = weights(tree, body);
    let mut cutter =
        Cutter { tree, classes, weights: &weights, total: weights[body].max(1), out: Vec::new(), open: None };
    cutter.walk(body);
    cutter.close();
    cutter.out
}

/// Characters of prose (text in `p` elements and the like) below each node.
fn weights(tree: &Tree, body: Id) -> Vec<usize> {
    let mut weights = vec![0; tree.len()];
    for id in tree.subtree(body) {
        let Some(text) = tree.text(id) else { continue };
        let chars = text.trim().len();
        if chars == 0 {
            continue;
        }
        let mut prose = false;
        let mut silent = false;
        for up in tree.ancestors(id) {
            match tree.name(up) {
                Some(&local_name!("p") | &local_name!("blockquote") | &local_name!("pre")) => prose = true,
                Some(
                    &local_name!("a")
                    | &local_name!("script")
                    | &local_name!("style")
                    | &local_name!("noscript"),
                ) => silent = true,
                _ => {}
            }
        }
        if silent || !(prose || chars > 120) {
            continue;
        }
        weights[id] += chars;
        for up in tree.ancestors(id) {
            weights[up] += chars;
        }
    }
    weights
}

struct Cutter<'t> {
    tree: &'t Tree,
    classes: &'t Classes,
    weights: &'t [usize],
    total: usize,
    out: Vec<Block>,
    open: Option<Block>,
}

/// What an element passes on to what is in it.
#[derive(Clone, Copy)]
struct Around {
    element: Id,
    shape: Shape,
    set_aside: Option<Aside>,
    figure: bool,
    lead: bool,
    link: Option<Id>,
}

impl Cutter<'_> {
    fn walk(&mut self, top: Id) {
        let around = Around {
            element: top,
            shape: Shape::Loose,
            set_aside: None,
            figure: false,
            lead: false,
            link: None,
        };
        // A stack of our own: pages nest deeper than a thread's stack likes.
        let mut stack = vec![(top, around, false)];
        while let Some((id, around, leaving)) = stack.pop() {
            if leaving {
                self.close();
                continue;
            }
            if let Some(text) = self.tree.text(id) {
                self.words(text, around);
                continue;
            }
            let Some(name) = self.tree.name(id) else {
                if id == DOCUMENT {
                    let children: Vec<Id> = self.tree.children(id).collect();
                    stack.extend(children.into_iter().rev().map(|child| (child, around, false)));
                }
                continue;
            };
            match *name {
                local_name!("script")
                | local_name!("style")
                | local_name!("noscript")
                | local_name!("svg")
                | local_name!("template")
                | local_name!("iframe")
                | local_name!("object")
                | local_name!("video")
                | local_name!("audio")
                | local_name!("canvas")
                | local_name!("select")
                | local_name!("textarea")
                | local_name!("button")
                | local_name!("input")
                | local_name!("head")
                | local_name!("math") => continue,
                local_name!("br") => {
                    self.line_break();
                    continue;
                }
                _ => {}
            }
            let inner = self.around(id, around);
            let starts_caption = self.classes.of(id).caption && around.set_aside != Some(Aside::Caption);
            let inline = is_inline(name) && !starts_caption;
            if !inline {
                self.close();
                stack.push((id, inner, true));
            }
            let children: Vec<Id> = self.tree.children(id).collect();
            stack.extend(children.into_iter().rev().map(|child| (child, inner, false)));
        }
    }

    fn around(&self, id: Id, around: Around) -> Around {
        let Some(name) = self.tree.name(id) else { return around };
        let flags = self.classes.of(id);
        let mut inner = around;
        if !is_inline(name) {
            inner.element = id;
        }
        inner.shape = match *name {
            _ if matches!(around.shape, Shape::Heading(_)) => around.shape,
            local_name!("p") => Shape::Paragraph,
            local_name!("h1") => Shape::Heading(1),
            local_name!("h2") => Shape::Heading(2),
            local_name!("h3") => Shape::Heading(3),
            local_name!("h4") | local_name!("h5") | local_name!("h6") => Shape::Heading(4),
            local_name!("li") | local_name!("dt") | local_name!("dd") => Shape::Item,
            local_name!("blockquote") => Shape::Quote,
            local_name!("pre") => Shape::Preformatted,
            local_name!("td") | local_name!("th") => Shape::Cell,
            ref name if is_inline(name) => around.shape,
            _ if matches!(around.shape, Shape::Item | Shape::Quote | Shape::Cell) => around.shape,
            _ => Shape::Loose,
        };
        if *name == local_name!("a") && self.tree.attribute(id, "href").is_some() {
            inner.link = Some(id);
        }
        inner.figure |= matches!(*name, local_name!("figure") | local_name!("picture"));
        inner.lead |= flags.lead;
        // A name that would hide most of the page's prose hides nothing.
        let most = self.weights[id] * 10 > self.total * 4;
        let aside = if flags.hidden {
            Some(Aside::Hidden)
        } else if flags.comment {
            Some(Aside::Comment)
        } else if *name == local_name!("aside") || flags.elsewhere {
            Some(Aside::Elsewhere)
        } else if flags.caption {
            Some(Aside::Caption)
        } else if flags.biography {
            Some(Aside::Biography)
        } else if flags.byline {
            Some(Aside::Byline)
        } else if flags.clutter {
            Some(Aside::Clutter)
        } else {
            None
        };
        inner.set_aside = around.set_aside.or(aside.filter(|_| !most));
        inner
    }

    fn words(&mut self, text: &str, around: Around) {
        if text.is_empty() {
            return;
        }
        let same = self
            .open
            .as_ref()
            .is_some_and(|open| open.element == around.element && open.set_aside == around.set_aside);
        if !same {
            self.close();
        }
        let block = self.open.get_or_insert_with(|| Block {
            element: around.element,
            shape: around.shape,
            text: String::new(),
            chars: 0,
            linked: 0,
            links: 0,
            last_link: None,
            set_aside: around.set_aside,
            figure: around.figure,
            lead: around.lead,
        });
        let other_link = around.link.filter(|link| block.last_link != Some(*link));
        if !text.trim().is_empty() {
            // Two links side by side are shown apart.
            if other_link.is_some() && block.last_link.is_some() && !block.text.ends_with([' ', '\n']) {
                block.text.push(' ');
            }
            block.links += usize::from(other_link.is_some());
            block.last_link = around.link;
        }
        let before = block.text.len();
        let pre = around.shape == Shape::Preformatted;
        for c in text.chars() {
            let white = c.is_whitespace() && c != '\u{a0}' && c != '\u{202f}';
            if pre && c == '\n' {
                block.text.push('\n');
            } else if white {
                if !block.text.is_empty() && !block.text.ends_with([' ', '\n']) {
                    block.text.push(' ');
                }
            } else {
                block.text.push(c);
                block.chars += 1;
            }
        }
        if around.link.is_some() {
            block.linked += block.text[before..].chars().filter(|c| !c.is_whitespace()).count();
        }
    }

    fn line_break(&mut self) {
        if let Some(open) = &mut self.open {
            while open.text.ends_with(' ') {
                open.text.pop();
            }
            if !open.text.is_empty() {
                open.text.push('\n');
            }
        }
    }

    fn close(&mut self) {
        let Some(mut block) = self.open.take() else { return };
        block.text.truncate(block.text.trim_end().len());
        if block.chars == 0 {
            return;
        }
        if !block.text.contains("\n\n") {
            self.out.push(block);
            return;
        }
        // Two line breaks are how many pages part paragraphs.
        let parts: Vec<String> = block.text.split("\n\n").map(|part| part.trim().to_owned()).collect();
        let all = block.chars.max(1);
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let chars = part.chars().filter(|c| !c.is_whitespace()).count();
            self.out.push(Block { chars, linked: block.linked * chars / all, text: part, ..block.clone() });
        }
    }
}

impl Block {
    /// Share of its characters that are links.
    pub(super) fn link_share(&self) -> f64 {
        self.linked as f64 / self.chars.max(1) as f64
    }

    /// Its length in letters; a character of a script that writes words with few counts three.
    pub(super) fn length(&self) -> usize {
        let wide = |c: char| ('\u{2e80}'..='\u{9fff}').contains(&c) || ('\u{ac00}'..='\u{d7af}').contains(&c);
        self.chars + 2 * self.text.chars().filter(|c| wide(*c)).count()
    }

    /// True when it reads like a paragraph of prose.
    pub(super) fn is_prose(&self) -> bool {
        let length = self.length();
        let stops = self
            .text
            .chars()
            .filter(|c| matches!(c, '.' | ',' | '?' | '!' | '。' | '，' | '、' | '؟' | '،' | '।' | ';'))
            .count();
        let shape = !matches!(self.shape, Shape::Heading(_));
        shape && self.link_share() < 0.4 && (length >= 80 && stops >= 1 || length >= 200)
    }
}
