//! XML → a small tree, within limits. No entity but the five of XML and character references is expanded: a document type
//! with entities of its own stays without effect.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::article::{ReadError, decode};
use crate::base::limits;

/// An element. Names are local names: prefixes are dropped.
#[derive(Debug, Default)]
pub(in crate::article) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
}

/// What an element holds.
#[derive(Debug)]
pub(in crate::article) enum Node {
    Element(Element),
    Text(String),
}

impl Drop for Element {
    /// Takes deep trees apart without recursion.
    fn drop(&mut self) {
        let mut left = std::mem::take(&mut self.children);
        while let Some(node) = left.pop() {
            if let Node::Element(mut element) = node {
                left.append(&mut element.children);
            }
        }
    }
}

impl Element {
    /// Returns an attribute by its local name.
    pub(in crate::article) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the child elements.
    pub(in crate::article) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Returns the first child element of this name.
    pub(in crate::article) fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|element| element.name == name)
    }

    /// Returns the elements of this name anywhere below, in document order.
    pub(in crate::article) fn all<'e>(&'e self, name: &'e str) -> Vec<&'e Element> {
        let mut found = Vec::new();
        let mut stack: Vec<&Element> = vec![self];
        while let Some(element) = stack.pop() {
            if element.name == name {
                found.push(element);
            }
            let children: Vec<&Element> = element.elements().collect();
            stack.extend(children.into_iter().rev());
        }
        found
    }

    /// Returns all text below, white space made single spaces.
    pub(in crate::article) fn text(&self) -> String {
        super::html::squeeze(&self.raw_text())
    }

    /// Returns all text below as it stands.
    pub(in crate::article) fn raw_text(&self) -> String {
        let mut out = String::new();
        let mut stack: Vec<&Node> = self.children.iter().rev().collect();
        while let Some(node) = stack.pop() {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Element(element) => stack.extend(element.children.iter().rev()),
            }
        }
        out
    }

    /// Writes the element as XML: what an entry of XHTML is read from.
    pub(in crate::article) fn inner_markup(&self) -> String {
        enum Step<'e> {
            Open(&'e Node),
            Close(&'e str),
        }
        let mut out = String::new();
        let mut stack: Vec<Step<'_>> = self.children.iter().rev().map(Step::Open).collect();
        while let Some(step) = stack.pop() {
            match step {
                Step::Close(name) => out.push_str(&format!("</{name}>")),
                Step::Open(Node::Text(text)) => {
                    out.push_str(&quick_xml::escape::partial_escape(text.as_str()))
                }
                Step::Open(Node::Element(element)) => {
                    out.push_str(&format!("<{}>", element.name));
                    stack.push(Step::Close(&element.name));
                    stack.extend(element.children.iter().rev().map(Step::Open));
                }
            }
        }
        out
    }
}

/// Parses a document; `format` names it in errors. Costs one pass.
///
/// # Errors
/// [`ReadError::Damaged`], [`ReadError::LimitPassed`].
pub(in crate::article) fn parse(bytes: &[u8], format: &'static str) -> Result<Element, ReadError> {
    let text = decode::decode_page(bytes, None)?.text;
    parse_text(&text, format)
}

/// Parses a document that is decoded already.
///
/// # Errors
/// As [`parse`].
pub(in crate::article) fn parse_text(text: &str, format: &'static str) -> Result<Element, ReadError> {
    let damaged = |reason: String| ReadError::Damaged { format: format.into(), reason: reason.into() };
    let limit = |what: &'static str, limit: usize| ReadError::LimitPassed {
        format: format.into(),
        what: what.into(),
        limit: limit as u64,
    };
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut stack = vec![Element::default()];
    let mut nodes = 0;
    loop {
        nodes += 1;
        if nodes > limits::XML_MAX_NODES {
            return Err(limit("elements", limits::XML_MAX_NODES));
        }
        match reader.read_event().map_err(|error| damaged(error.to_string()))? {
            Event::Start(start) => {
                nodes += count_attributes(&start);
                if stack.len() > limits::XML_MAX_DEPTH {
                    return Err(limit("nesting", limits::XML_MAX_DEPTH));
                }
                stack.push(element(&start));
            }
            Event::Empty(start) => {
                nodes += count_attributes(&start);
                push(&mut stack, Node::Element(element(&start)));
            }
            Event::End(end) => {
                let name = end.local_name().as_ref().to_owned();
                close(&mut stack, &name);
            }
            Event::Text(text) => push_text(&mut stack, &text.into_inner()),
            Event::CData(text) => push_text(&mut stack, &text.into_inner()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let name = reference.into_inner();
                let named = || super::html::decode_entities(&format!("&{name};"));
                push_text(&mut stack, &character.unwrap_or_else(named));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    while stack.len() > 1 {
        let name = stack.last().map(|last| last.name.clone()).unwrap_or_default();
        close(&mut stack, &name);
    }
    let mut top = stack.pop().unwrap_or_default();
    let root = top.children.iter().position(|node| matches!(node, Node::Element(_)));
    match root.map(|at| top.children.swap_remove(at)) {
        Some(Node::Element(root)) => Ok(root),
        _ => Err(damaged("it has no element".into())),
    }
}

/// What the attributes of an element count for: one of five bytes takes twenty times as much memory.
fn count_attributes(start: &BytesStart<'_>) -> usize {
    start.attributes().with_checks(false).take(ATTRIBUTES_MAX).count()
}

/// Attributes of one element that are kept.
const ATTRIBUTES_MAX: usize = 200;

fn element(start: &BytesStart<'_>) -> Element {
    let mut all = start.attributes();
    let attributes = all.with_checks(false).flatten().map(|attribute| {
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = attribute.value.as_ref().to_owned();
        (name, super::html::decode_entities(&value))
    });
    Element {
        name: start.local_name().as_ref().to_owned(),
        attributes: attributes.take(ATTRIBUTES_MAX).collect(),
        children: Vec::new(),
    }
}

fn push(stack: &mut [Element], node: Node) {
    if let Some(last) = stack.last_mut() {
        last.children.push(node);
    }
}

fn push_text(stack: &mut [Element], text: &str) {
    let Some(last) = stack.last_mut() else { return };
    match last.children.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => last.children.push(Node::Text(text.to_owned())),
    }
}

/// Closes the nearest open element of this name, and what was left open in it; ignores an end without a start.
fn close(stack: &mut Vec<Element>, name: &str) {
    let Some(at) = stack.iter().rposition(|element| element.name == name).filter(|at| *at > 0) else {
        return;
    };
    while stack.len() > at {
        if let Some(done) = stack.pop() {
            push(stack, Node::Element(done));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let root = parse(
            b"<?xml version='1.0'?><a:x b='1 &amp; 2'><y>un &#233; <z>d</z></y><![CDATA[<&>]]></a:x>",
            "XML",
        )
        .unwrap();
        assert_eq!((root.name.as_str(), root.attribute("b")), ("x", Some("1 & 2")));
        assert_eq!(root.child("y").unwrap().text(), "un é d");
        assert_eq!(root.raw_text(), "un é d<&>");
        assert_eq!(root.inner_markup(), "<y>un é <z>d</z></y>&lt;&amp;&gt;");
    }

    #[test]
    fn entities_are_not_expanded_and_depth_is_bounded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>";
        assert_eq!(parse(bomb.as_bytes(), "XML").unwrap().text(), "&b;");
        let deep = "<d>".repeat(limits::XML_MAX_DEPTH + 2);
        assert!(matches!(parse(deep.as_bytes(), "XML"), Err(ReadError::LimitPassed { .. })));
        assert!(parse("<d>".repeat(limits::XML_MAX_DEPTH).as_bytes(), "XML").is_ok());
    }

    #[test]
    fn damaged_documents_are_named() {
        for text in ["", "no xml", "<a", "<a b=></a", "<!--"] {
            if let Err(error) = parse(text.as_bytes(), "XML") {
                assert!(
                    matches!(error, ReadError::Damaged { .. } | ReadError::Empty { .. }),
                    "{text}: {error}"
                );
            }
        }
    }

    #[test]
    fn attributes_are_bounded() {
        let many: String = (0..ATTRIBUTES_MAX + 1).map(|n| format!(" a{n}=''")).collect();
        let root = parse(format!("<x{many}/>").as_bytes(), "XML").unwrap();
        assert_eq!(root.attributes.len(), ATTRIBUTES_MAX);
        let all = format!(
            "<r>{}</r>",
            format!("<x{many}/>").repeat(limits::XML_MAX_NODES / (ATTRIBUTES_MAX + 1) + 1)
        );
        assert!(matches!(parse(all.as_bytes(), "XML"), Err(ReadError::LimitPassed { .. })));
        let long = format!("<x a='{}'/>", "é".repeat(1 << 20));
        assert_eq!(parse(long.as_bytes(), "XML").unwrap().attribute("a").map(str::len), Some(2 << 20));
    }
}
