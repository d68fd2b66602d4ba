//! Notebooks: secrets in cells and their outputs, without pictures and other binary outputs, whose text is random.

use std::io::{self, Read};

use super::finding::{Level, Place};
use super::findings::Findings;
use super::json::{Receiver, walk};
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::text::add_secrets;
use crate::limits;

/// The number of bytes of the text of a cell that are searched at a time.
const SEARCHED_BYTES: usize = 1024 * 1024;

/// The number of bytes at the end of a text that are searched with the next part, too.
const OVERLAP_BYTES: usize = 2048;

/// Scans notebooks, by name.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if !member.has_extension(&["ipynb"]) {
        return Ok(Outcome::Open);
    }
    if member.size > limits::SCANNED_JSON_BYTES {
        scan.findings.limit("bytes in a notebook");
        return Ok(Outcome::Whole);
    }
    member.reader.rewind()?;
    let mut notebook = Notebook::new(&mut scan.findings);
    let is_json = walk(member.reader.take(member.size), &mut notebook)?;
    notebook.search();
    if !is_json {
        scan.findings.add(Level::Medium, "json-broken", member.file_name(), None);
    }
    // What is not JSON is searched as a text, too.
    Ok(if is_json { Outcome::Whole } else { Outcome::Open })
}

/// Searches the texts of a notebook, one after the other.
struct Notebook<'a> {
    findings: &'a mut Findings,
    /// The number of objects and arrays around the current place.
    depth: usize,
    /// The depth of the array of cells, while it is being read.
    cells: Option<usize>,
    /// The number of the cell.
    cell: u64,
    /// The depth of the member `outputs` of a cell, while its value is being read.
    outputs: Option<usize>,
    /// The name of the last member.
    is_cells: bool,
    /// The strings since the last member.
    text: String,
}

impl<'a> Notebook<'a> {
    fn new(findings: &'a mut Findings) -> Self {
        let text = String::new();
        Self { findings, depth: 0, cells: None, cell: 0, outputs: None, is_cells: false, text }
    }

    /// Searches the text since the last member.
    fn search(&mut self) {
        if !self.text.is_empty() {
            let is_output = self.outputs.is_some();
            let place = self.cells.map(|_| Place::Cell { number: self.cell, is_output });
            add_secrets(self.text.as_bytes(), self.findings, |_| place);
            self.text.clear();
        }
    }

    /// Searches a part of a long text, and keeps its end.
    fn search_part(&mut self) {
        let mut end = self.text.len() - OVERLAP_BYTES;
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let rest = self.text.split_off(end);
        self.text.push_str(&rest);
        self.search();
        self.text = rest;
    }
}

impl Receiver for Notebook<'_> {
    fn open(&mut self) {
        if self.is_cells && self.cells.is_none() {
            self.cells = Some(self.depth);
        } else if self.cells.is_some_and(|cells| cells + 1 == self.depth) {
            self.cell += 1;
        }
        self.is_cells = false;
        self.depth += 1;
    }

    fn key(&mut self, key: &str) -> bool {
        self.search();
        self.is_cells = key == "cells";
        if self.cells.is_some_and(|cells| cells + 2 == self.depth) {
            self.outputs = (key == "outputs").then_some(self.depth);
        }
        !is_binary(key)
    }

    fn text(&mut self, text: &str) {
        self.is_cells = false;
        self.text.push_str(text);
        if self.text.len() > SEARCHED_BYTES {
            self.search_part();
        }
    }

    fn literal(&mut self, _: Option<bool>) {
        self.is_cells = false;
    }

    fn close(&mut self) {
        self.depth -= 1;
        if self.outputs.is_some_and(|outputs| self.depth <= outputs) {
            self.search();
            self.outputs = None;
        }
        if self.cells.is_some_and(|cells| self.depth <= cells + 1) {
            self.search();
        }
        if self.cells == Some(self.depth) {
            self.cells = None;
        }
    }
}

/// Returns true for the name of an output or an attachment with binary content: its media type, or the name that
/// notebooks had before version 4.
fn is_binary(key: &str) -> bool {
    const TYPES: [&str; 5] = ["application/pdf", "application/octet-stream", "png", "jpeg", "pdf"];
    TYPES.contains(&key) || ["image/", "audio/", "video/"].iter().any(|start| key.starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::scan::{Rules, scan_file};

    fn found(text: &str) -> Vec<String> {
        let report = scan_file(&mut Cursor::new(text), text.len() as u64, "a.ipynb", &Rules::default()).unwrap();
        report.findings.iter().map(|found| format!("{} {} {:?}", found.rule, found.detail, found.place)).collect()
    }

    #[test]
    fn secrets_are_found_in_cells_and_outputs_and_not_in_pictures() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        let (start, end) = token.split_at(20);
        let found_in = |place: &str| vec![format!("secret a GitHub token {place}")];
        let output = |mime: &str| {
            format!(
                r#"{{"cells": [{{}}, {{"outputs": [{{"data": {{"{mime}": ["{start}", "{end}"]}}}}], "source": []}}]}}"#
            )
        };
        let cell = |number, is_output| found_in(&format!("Some(Cell {{ number: {number}, is_output: {is_output} }})"));
        assert_eq!(found(&output("text/html")), cell(2, true));
        assert_eq!(found(&output("image/png")), [""; 0]);
        assert_eq!(
            found(&format!(r#"{{"cells": [{{"source": "x = '{token}'"}}], "metadata": {{}}}}"#)),
            cell(1, false)
        );
        assert_eq!(found(&format!(r#"{{"metadata": {{"a": 1, "b": "{token}"}}, "cells": []}}"#)), found_in("None"));
        let old = format!(r#"{{"worksheets": [{{"cells": [{{"outputs": [], "input": "{token}"}}]}}]}}"#);
        assert_eq!(found(&old), cell(1, false));
        let long = format!(r#"{{"cells": [{{"source": ["{}", "{start}", "{end}"]}}]}}"#, "x ".repeat(1 << 19));
        assert_eq!(found(&long), cell(1, false));
    }

    #[test]
    fn a_broken_notebook_is_searched_as_a_text() {
        let text = format!(r#"{{"cells": [oops AKIA{}"#, "Q7".repeat(8));
        assert_eq!(found(&text), ["json-broken a.ipynb None", "secret an AWS access key Some(Line(1))"]);
    }
}
