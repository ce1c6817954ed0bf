//! What a record rests on, and what rests on it: as a picture, and as a list.

use std::collections::{BTreeMap, HashMap};

use crate::record::Lineage;
use crate::record::lineage::{Direction, End, Hop, Mark, Node};
use crate::view::json_word;

use super::row::Opened;
use super::timeline::unresolved_words;
use super::words::Words;
use super::{Fault, Read};

/// Hops from the record, on either side.
const DEPTH_MAX: usize = 4;
/// Documents in one column.
const COLUMN_MAX: usize = 8;
/// Documents on one side of the list.
const LIST_MAX: usize = 60;
const BOX: (f64, f64) = (176.0, 52.0);
const GAP: (f64, f64) = (72.0, 16.0);
const MARGIN: f64 = 8.0;
/// Characters of a line in a box.
const LINE_CHARS: usize = 24;

/// A document in the picture.
pub(super) struct Drawn {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text_x: String,
    pub(super) first_y: String,
    pub(super) second_y: String,
    pub(super) record: Option<u64>,
    pub(super) name: String,
    pub(super) title: String,
    /// `here`, `bad`, `open`, `plain` or `unknown`.
    pub(super) tone: &'static str,
}

/// One line of the list: a hop, and where it leads.
pub(super) struct Listed {
    pub(super) depth: usize,
    pub(super) relation: String,
    pub(super) record: Option<u64>,
    pub(super) title: Option<String>,
    /// What became of it.
    pub(super) marks: Vec<String>,
    pub(super) by: u64,
    /// For one that is further away: from which record.
    pub(super) from: Option<u64>,
}

/// The picture and the list.
pub(super) struct Graph {
    pub(super) width: String,
    pub(super) height: String,
    pub(super) boxes: Vec<Drawn>,
    /// Paths of the edges, as SVG has them.
    pub(super) edges: Vec<String>,
    pub(super) on: Vec<Listed>,
    pub(super) under: Vec<Listed>,
    /// Documents that are left out, of both sides.
    pub(super) left_out: usize,
}

impl Graph {
    pub(super) const BOX_WIDTH: f64 = BOX.0;
    pub(super) const BOX_HEIGHT: f64 = BOX.1;

    /// Draws what is said of the registration at `index`; `None` where nothing is.
    pub(super) fn of(read: &Read<'_>, w: &Words, index: u64) -> Result<Option<Self>, Fault> {
        let lineage = Lineage::of(&read.known.standings);
        let Some(root) = lineage.node(index) else { return Ok(None) };
        let mut drawing = Drawing { read, w, lineage: &lineage, titles: HashMap::new() };
        let (on, on_columns, on_left) = drawing.side(root, Direction::On)?;
        let (under, under_columns, under_left) = drawing.side(root, Direction::Under)?;
        if on.is_empty() && under.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<Vec<Node>> = under_columns.into_iter().rev().collect();
        let middle = columns.len();
        columns.push(vec![root]);
        columns.extend(on_columns);
        let mut graph = drawing.draw(&columns, middle, index)?;
        (graph.on, graph.under, graph.left_out) = (on, under, on_left + under_left);
        Ok(Some(graph))
    }
}

struct Drawing<'d> {
    read: &'d Read<'d>,
    w: &'d Words,
    lineage: &'d Lineage<'d>,
    titles: HashMap<u64, Option<String>>,
}

type Side = (Vec<Listed>, Vec<Vec<Node>>, usize);

impl Drawing<'_> {
    fn title(&mut self, record: u64) -> Result<Option<String>, Fault> {
        if let Some(title) = self.titles.get(&record) {
            return Ok(title.clone());
        }
        let title = Opened::read(self.read, record)?.title(120);
        self.titles.insert(record, title.clone());
        Ok(title)
    }

    /// Lists one side, nearest first, and parts it into columns.
    fn side(&mut self, root: Node, direction: Direction) -> Result<Side, Fault> {
        let lineage = self.lineage;
        let reach = lineage.reach([root], direction);
        let (mut list, mut columns, mut left_out) = (Vec::new(), Vec::<Vec<Node>>::new(), 0);
        for node in reach.nodes().iter().copied().filter(|node| *node != root) {
            let depth = reach.distance(node).unwrap_or(usize::MAX);
            if depth > DEPTH_MAX || list.len() >= LIST_MAX {
                left_out += 1;
                continue;
            }
            let path = lineage.path(&reach, node, 1);
            let Some(hop) = path.last() else { continue };
            list.push(self.listed(node, hop, direction, depth)?);
            columns.resize(columns.len().max(depth), Vec::new());
            if columns[depth - 1].len() < COLUMN_MAX {
                columns[depth - 1].push(node);
            }
        }
        Ok((list, columns, left_out))
    }

    fn listed(&mut self, node: Node, hop: &Hop, direction: Direction, depth: usize) -> Result<Listed, Fault> {
        let record = self.lineage.document(node).map(|document| document.record());
        let title = match (record, self.lineage.end(node)) {
            (Some(record), _) => self.title(record)?,
            (None, End::Unresolved(unresolved)) => Some(unresolved_words(unresolved)),
            (None, End::Document(_)) => None,
        };
        let (topic, near) = match direction {
            Direction::On => ("relation", hop.from),
            Direction::Under => ("relationFrom", hop.to),
        };
        let marks = self.lineage.marks(node, (self.read.app.now)());
        let from = self.lineage.document(near).map(|document| document.record());
        Ok(Listed {
            depth,
            relation: self.w.word(topic, &json_word(&hop.relation)),
            record,
            title,
            marks: marks.iter().take(3).map(|mark| self.w.word("fate", &json_word(&mark.fate))).collect(),
            by: hop.by,
            from: from.filter(|_| depth > 1),
        })
    }

    fn draw(&mut self, columns: &[Vec<Node>], middle: usize, index: u64) -> Result<Graph, Fault> {
        let tallest = columns.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let height = tallest * (BOX.1 + GAP.1) - GAP.1 + 2.0 * MARGIN;
        let width = columns.len() as f64 * (BOX.0 + GAP.0) - GAP.0 + 2.0 * MARGIN;
        let mut places: BTreeMap<Node, (f64, f64)> = BTreeMap::new();
        let mut boxes = Vec::new();
        for (number, column) in columns.iter().enumerate() {
            let own = column.len() as f64 * (BOX.1 + GAP.1) - GAP.1;
            for (row, node) in column.iter().enumerate() {
                let x = MARGIN + number as f64 * (BOX.0 + GAP.0);
                let y = (height - own) / 2.0 + row as f64 * (BOX.1 + GAP.1);
                places.entry(*node).or_insert((x, y));
                boxes.push(self.drawn(*node, x, y, (number == middle).then_some(index))?);
            }
        }
        let mut edges = Vec::new();
        for (node, (x, y)) in &places {
            for hop in self.lineage.hops(*node, Direction::On) {
                let Some((to_x, to_y)) = places.get(&hop.to) else { continue };
                // What rests on something stands to its left.
                let (from_x, middle_y, to_middle) = (x + BOX.0, y + BOX.1 / 2.0, to_y + BOX.1 / 2.0);
                let bend = ((to_x - from_x) / 2.0).max(24.0);
                edges.push(format!(
                    "M{from_x:.0} {middle_y:.0}C{:.0} {middle_y:.0} {:.0} {to_middle:.0} {to_x:.0} {to_middle:.0}",
                    from_x + bend,
                    to_x - bend
                ));
            }
        }
        let (width, height) = (format!("{width:.0}"), format!("{height:.0}"));
        Ok(Graph { width, height, boxes, edges, on: Vec::new(), under: Vec::new(), left_out: 0 })
    }

    fn drawn(&mut self, node: Node, x: f64, y: f64, here: Option<u64>) -> Result<Drawn, Fault> {
        let record = here.or_else(|| self.lineage.document(node).map(|document| document.record()));
        let (name, title) = match (record, self.lineage.end(node)) {
            (Some(record), _) => {
                let title = self.title(record)?;
                (
                    self.w.t1("record.number", record),
                    title.unwrap_or_else(|| self.w.t("record.untitled").into()),
                )
            }
            (None, End::Unresolved(unresolved)) => {
                (self.w.t("graph.unregistered").to_owned(), unresolved_words(unresolved))
            }
            (None, End::Document(_)) => (String::new(), String::new()),
        };
        let marks: Vec<Mark> = self.lineage.marks(node, (self.read.app.now)());
        let tone = match () {
            () if here.is_some() => "here",
            () if record.is_none() => "unknown",
            () if marks.iter().any(|mark| mark.fate.is_grave()) => "bad",
            () if !marks.is_empty() => "open",
            () => "plain",
        };
        Ok(Drawn {
            x: format!("{x:.0}"),
            y: format!("{y:.0}"),
            text_x: format!("{:.0}", x + BOX.0 / 2.0),
            first_y: format!("{:.0}", y + 21.0),
            second_y: format!("{:.0}", y + 39.0),
            record,
            name,
            title: super::shown(&title, LINE_CHARS),
            tone,
        })
    }
}
