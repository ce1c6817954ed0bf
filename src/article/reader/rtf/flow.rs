//! Paragraphs and tables of RTF: cells and rows are told by their ends alone.

use super::super::office::Paragraphs;

/// A text in the making.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The paragraph that is being written.
    pub(super) line: String,
    cell: Paragraphs,
    row: Vec<Paragraphs>,
    rows: Vec<Vec<Paragraphs>>,
    done: Paragraphs,
}

impl Flow {
    /// Ends a paragraph. One outside of a table ends the table before it.
    pub(super) fn paragraph(&mut self, in_table: bool, heading: bool) {
        let line = std::mem::take(&mut self.line);
        if in_table {
            self.cell.add(&line, heading);
        } else {
            self.end_table();
            self.done.add(&line, heading);
        }
    }

    /// Adds paragraphs of a text box.
    pub(super) fn append(&mut self, paragraphs: Paragraphs, in_table: bool) {
        if in_table { self.cell.append(paragraphs) } else { self.done.append(paragraphs) }
    }

    pub(super) fn cell(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.cell.add(&line, false);
        self.row.push(std::mem::take(&mut self.cell));
    }

    pub(super) fn row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }

    fn end_table(&mut self) {
        // A row that is not ended, and a cell that is not.
        if !self.row.is_empty() {
            self.row();
        }
        self.done.table(std::mem::take(&mut self.rows));
        self.done.append(std::mem::take(&mut self.cell));
    }

    pub(super) fn finish(mut self) -> Paragraphs {
        self.paragraph(false, false);
        self.done
    }
}
