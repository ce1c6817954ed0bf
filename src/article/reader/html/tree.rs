//! The tree of a page: an arena that `html5ever` builds into, within limits.
//!
//! The nodes lie in one vector, so that dropping a tree never recurses. Deep nesting is flattened before it reaches the
//! tree builder, whose rules cost time by depth: start tags beyond [`limits::HTML_MAX_DEPTH`] are dropped with their
//! end tags, the words in them stay.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TokenizerResult, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, QualName, local_name};

use crate::base::limits;

/// A node of a [`Tree`].
pub(super) type Id = usize;

/// The document itself.
pub(super) const DOCUMENT: Id = 0;

/// No node.
const NONE: u32 = u32::MAX;

/// Bytes fed to the tokenizer before the number of nodes is looked at again.
const CHUNK: usize = 16 * 1024;

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Document,
    Element {
        name: LocalName,
        attributes: Vec<(LocalName, StrTendril)>,
    },
    Text(String),
    /// A comment, a processing instruction, the contents of a template: nothing to read.
    Other,
}

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    previous: u32,
    next: u32,
    first: u32,
    last: u32,
    kind: Kind,
}

/// A parsed page.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Start tags that were dropped because they stood too deep.
    pub flattened: usize,
    /// Whether the page had more nodes than are read.
    pub cut: bool,
}

impl Tree {
    /// Parses a page. Time and memory are linear in its length but for tables' and formatting elements' rules, which
    /// are bounded by the limits.
    pub(super) fn parse(text: &str) -> Tree {
        let builder = TreeBuilder::new(
            Sink::default(),
            TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() },
        );
        let tokenizer = Tokenizer::new(Flatten::new(builder), TokenizerOpts::default());
        let mut cut = false;
        let mut rest = text;
        while !rest.is_empty() {
            let mut end = rest.len().min(CHUNK);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let input = BufferQueue::default();
            input.push_back(StrTendril::from_slice(&rest[..end]));
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
            rest = &rest[end..];
            if tokenizer.sink.builder.sink.nodes.borrow().len() > limits::HTML_MAX_NODES {
                cut = !rest.is_empty();
                break;
            }
        }
        tokenizer.end();
        let flattened = tokenizer.sink.flattened.get();
        Tree { nodes: tokenizer.sink.builder.sink.nodes.take(), flattened, cut }
    }

    /// Returns the name of an element; `None` for other nodes.
    pub(super) fn name(&self, id: Id) -> Option<&LocalName> {
        match &self.nodes[id].kind {
            Kind::Element { name, .. } => Some(name),
            _ => None,
        }
    }

    /// True for an element of this name.
    pub(super) fn is(&self, id: Id, wanted: &LocalName) -> bool {
        self.name(id) == Some(wanted)
    }

    /// Returns an attribute's value.
    pub(super) fn attribute(&self, id: Id, wanted: &str) -> Option<&str> {
        let Kind::Element { attributes, .. } = &self.nodes[id].kind else { return None };
        attributes.iter().find(|(name, _)| **name == *wanted).map(|(_, value)| &**value)
    }

    /// Returns the text of a text node.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.nodes[id].kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        some(self.nodes[id].parent)
    }

    pub(super) fn previous_sibling(&self, id: Id) -> Option<Id> {
        some(self.nodes[id].previous)
    }

    /// Returns the children of a node, in order.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(some(self.nodes[id].first), |child| some(self.nodes[*child].next))
    }

    /// Returns a node and all below it, in document order.
    pub(super) fn subtree(&self, top: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(Some(top), move |id| self.after(*id, top, false))
    }

    /// Returns the node that follows `id` in document order within `top`; with `skip`, what follows all below it.
    pub(super) fn after(&self, id: Id, top: Id, skip: bool) -> Option<Id> {
        if !skip && let Some(first) = some(self.nodes[id].first) {
            return Some(first);
        }
        let mut at = id;
        while at != top {
            if let Some(next) = some(self.nodes[at].next) {
                return Some(next);
            }
            at = some(self.nodes[at].parent)?;
        }
        None
    }

    /// Returns the ancestors of a node, the nearest first, without the node itself.
    pub(super) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.parent(id), |id| self.parent(*id))
    }

    /// Returns how many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the words below a node in one line, white space made single spaces. Scripts and styles are left out.
    pub(super) fn words(&self, top: Id) -> String {
        self.gather(top, false)
    }

    /// Returns the words below a node as [`Tree::words`] does, with a space between elements that touch: in a line of
    /// names and dates, style sheets part what the markup joins.
    pub(super) fn words_apart(&self, top: Id) -> String {
        self.gather(top, true)
    }

    fn gather(&self, top: Id, apart: bool) -> String {
        let mut out = String::new();
        let mut at = Some(top);
        while let Some(id) = at {
            let silent = self.name(id).is_some_and(|name| {
                matches!(
                    *name,
                    local_name!("script")
                        | local_name!("style")
                        | local_name!("noscript")
                        | local_name!("svg")
                )
            });
            if let Some(text) = self.text(id) {
                let block = |id: Id| self.name(id).is_some_and(|name| !is_inline(name));
                let touches = apart && self.previous_sibling(id).is_some();
                if touches || self.previous_sibling(id).is_some_and(block) {
                    out.push(' ');
                }
                out.push_str(text);
            } else if matches!(self.name(id), Some(name) if apart || !is_inline(name) || self.previous_sibling(id).is_some_and(|before| self.name(before).is_some_and(|name| !is_inline(name))))
            {
                out.push(' ');
            }
            at = self.after(id, top, silent);
        }
        squeeze(&out)
    }
}

/// Makes every run of white space one space, and none at the ends.
pub(in crate::article) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// True for elements that do not part words.
pub(super) fn is_inline(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("a")
            | local_name!("abbr")
            | local_name!("b")
            | local_name!("bdi")
            | local_name!("bdo")
            | local_name!("big")
            | local_name!("cite")
            | local_name!("code")
            | local_name!("del")
            | local_name!("dfn")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("ins")
            | local_name!("kbd")
            | local_name!("mark")
            | local_name!("nobr")
            | local_name!("q")
            | local_name!("rp")
            | local_name!("rt")
            | local_name!("ruby")
            | local_name!("s")
            | local_name!("samp")
            | local_name!("small")
            | local_name!("span")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("sub")
            | local_name!("sup")
            | local_name!("time")
            | local_name!("tt")
            | local_name!("u")
            | local_name!("var")
            | local_name!("wbr")
    ) || name.contains('-')
}

fn some(link: u32) -> Option<Id> {
    (link != NONE).then_some(link as Id)
}

/// Builds the arena for `html5ever`.
struct Sink {
    nodes: RefCell<Vec<Node>>,
}

impl Default for Sink {
    fn default() -> Self {
        Sink { nodes: RefCell::new(vec![Node::new(Kind::Document)]) }
    }
}

impl Node {
    fn new(kind: Kind) -> Node {
        Node { parent: NONE, previous: NONE, next: NONE, first: NONE, last: NONE, kind }
    }
}

/// A node while the page is parsed, with its name at hand.
#[derive(Clone)]
struct Handle {
    id: u32,
    name: Option<Rc<QualName>>,
}

impl Sink {
    fn add(&self, kind: Kind) -> u32 {
        let mut nodes = self.nodes.borrow_mut();
        let id = u32::try_from(nodes.len()).unwrap_or(NONE - 1);
        nodes.push(Node::new(kind));
        id
    }

    fn unlink(&self, id: u32) {
        let mut nodes = self.nodes.borrow_mut();
        let Node { parent, previous, next, .. } = nodes[id as Id];
        if let Some(previous) = some(previous) {
            nodes[previous].next = next;
        } else if let Some(parent) = some(parent) {
            nodes[parent].first = next;
        }
        if let Some(next) = some(next) {
            nodes[next].previous = previous;
        } else if let Some(parent) = some(parent) {
            nodes[parent].last = previous;
        }
        let node = &mut nodes[id as Id];
        (node.parent, node.previous, node.next) = (NONE, NONE, NONE);
    }

    /// Links `child` as the last one of `parent`, or before `sibling`.
    fn link(&self, parent: u32, sibling: u32, child: NodeOrText<Handle>) {
        let neighbour = match some(sibling) {
            Some(sibling) => self.nodes.borrow()[sibling].previous,
            None => self.nodes.borrow()[parent as Id].last,
        };
        let id = match child {
            NodeOrText::AppendNode(handle) => {
                self.unlink(handle.id);
                handle.id
            }
            NodeOrText::AppendText(text) => {
                if let Some(neighbour) = some(neighbour)
                    && let Kind::Text(words) = &mut self.nodes.borrow_mut()[neighbour].kind
                {
                    words.push_str(&text);
                    return;
                }
                self.add(Kind::Text(text.to_string()))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let node = &mut nodes[id as Id];
        (node.parent, node.previous, node.next) = (parent, neighbour, sibling);
        match some(neighbour) {
            Some(neighbour) => nodes[neighbour].next = id,
            None => nodes[parent as Id].first = id,
        }
        match some(sibling) {
            Some(sibling) => nodes[sibling].previous = id,
            None => nodes[parent as Id].last = id,
        }
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = ();
    type ElemName<'a> = &'a QualName;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: DOCUMENT as u32, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        target.name.as_deref().expect("internal error: only elements are asked for their names")
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let local = name.local.clone();
        let attributes = attributes.into_iter().map(|one| (one.name.local, one.value)).collect();
        let id = self.add(Kind::Element { name: local, attributes });
        Handle { id, name: Some(Rc::new(name)) }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle { id: self.add(Kind::Other), name: None }
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle { id: self.add(Kind::Other), name: None }
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.link(parent.id, NONE, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        if some(self.nodes.borrow()[element.id as Id].parent).is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, _: &Handle) -> Handle {
        // Hangs nowhere, so that nothing of a template is read.
        Handle { id: self.add(Kind::Other), name: None }
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = self.nodes.borrow()[sibling.id as Id].parent;
        if some(parent).is_some() {
            self.link(parent, sibling.id, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, more: Vec<Attribute>) {
        if let Kind::Element { attributes, .. } = &mut self.nodes.borrow_mut()[target.id as Id].kind {
            for one in more {
                if !attributes.iter().any(|(name, _)| *name == one.name.local) {
                    attributes.push((one.name.local, one.value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.unlink(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        loop {
            let first = self.nodes.borrow()[node.id as Id].first;
            let Some(child) = some(first) else { break };
            let handle = Handle { id: child as u32, name: None };
            self.link(new_parent.id, NONE, NodeOrText::AppendNode(handle));
        }
    }
}

/// Drops start tags that stand too deep, and their end tags, before the tree builder sees them.
struct Flatten {
    builder: TreeBuilder<Handle, Sink>,
    open: RefCell<Vec<LocalName>>,
    dropped: RefCell<Vec<LocalName>>,
    flattened: Cell<usize>,
}

impl Flatten {
    fn new(builder: TreeBuilder<Handle, Sink>) -> Self {
        let (open, dropped) = (RefCell::default(), RefCell::default());
        Flatten { builder, open, dropped, flattened: Cell::new(0) }
    }

    /// True when the tag may pass.
    fn passes(&self, tag: &Tag) -> bool {
        if ends_by_itself(&tag.name) || tag.self_closing {
            return true;
        }
        let (mut open, mut dropped) = (self.open.borrow_mut(), self.dropped.borrow_mut());
        match tag.kind {
            TagKind::StartTag if open.len() >= limits::HTML_MAX_DEPTH => {
                self.flattened.set(self.flattened.get() + 1);
                // Bounded too: an end tag that finds no start tag does no harm.
                if dropped.len() < limits::HTML_MAX_DEPTH {
                    dropped.push(tag.name.clone());
                }
                false
            }
            TagKind::StartTag => {
                open.push(tag.name.clone());
                true
            }
            TagKind::EndTag => {
                if dropped.last() == Some(&tag.name) {
                    dropped.pop();
                    return false;
                }
                if let Some(at) = open.iter().rposition(|name| *name == tag.name) {
                    open.truncate(at);
                    dropped.clear();
                }
                true
            }
        }
    }
}

impl TokenSink for Flatten {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        match &token {
            Token::TagToken(tag) if !self.passes(tag) => TokenSinkResult::Continue,
            Token::ParseError(_) | Token::CommentToken(_) => TokenSinkResult::Continue,
            _ => self.builder.process_token(token, line),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Void elements, and elements that the next of their kind ends: they do not nest by being left open.
fn ends_by_itself(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("area")
            | local_name!("base")
            | local_name!("br")
            | local_name!("col")
            | local_name!("embed")
            | local_name!("hr")
            | local_name!("img")
            | local_name!("input")
            | local_name!("link")
            | local_name!("meta")
            | local_name!("param")
            | local_name!("source")
            | local_name!("track")
            | local_name!("wbr")
            | local_name!("p")
            | local_name!("li")
            | local_name!("dt")
            | local_name!("dd")
            | local_name!("option")
            | local_name!("optgroup")
            | local_name!("tr")
            | local_name!("td")
            | local_name!("th")
            | local_name!("thead")
            | local_name!("tbody")
            | local_name!("tfoot")
            | local_name!("colgroup")
            | local_name!("html")
            | local_name!("head")
            | local_name!("body")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(page: &str) -> String {
        Tree::parse(page).words(DOCUMENT)
    }

    #[test]
    fn a_page_becomes_a_tree() {
        let tree =
            Tree::parse("<!doctype html><title>T</title><p>Un <b>deux</b><p>trois<table>x<tr><td>q</table>");
        assert_eq!(tree.words(DOCUMENT), "T Un deux trois x q");
        let paragraph = tree.subtree(DOCUMENT).find(|id| tree.is(*id, &local_name!("p"))).unwrap();
        assert_eq!(tree.words(paragraph), "Un deux");
        assert_eq!(tree.ancestors(paragraph).count(), 3);
        assert_eq!(
            words("<p>un <b>deux<p>trois</b> quatre</p><a>cinq<a>six"),
            "un deux trois quatre cinqsix"
        );
        assert_eq!(words("<p>a</p><script>var b = '<p>c';</script><template>d</template>e"), "a e");
    }

    #[test]
    fn sixty_thousand_divs_are_flattened() {
        let deep = format!("{}fond{}fin", "<div>".repeat(60_000), "</div>".repeat(60_000));
        let tree = Tree::parse(&deep);
        assert!(tree.flattened > 59_000);
        assert_eq!(tree.words(DOCUMENT), "fond fin");
        for tag in ["b", "font color=x", "table", "ul><li", "p><span", "svg", "select", "dl><dd><section"] {
            let tree = Tree::parse(&format!("<{tag}>").repeat(20_000));
            assert!(
                tree.subtree(DOCUMENT).map(|id| tree.ancestors(id).count()).max().unwrap()
                    < 3 * limits::HTML_MAX_DEPTH,
                "{tag}"
            );
        }
    }

    #[test]
    fn nodes_are_bounded() {
        let many = "<i>x</i>".repeat(limits::HTML_MAX_NODES);
        let tree = Tree::parse(&many);
        assert!(tree.cut && tree.len() < limits::HTML_MAX_NODES + CHUNK);
    }
}
