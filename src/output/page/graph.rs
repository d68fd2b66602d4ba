//! A graph of boxes: the sources on the left, and what is made from them on the right.

use super::html::{Element, Html, element};

/// A box.
pub(crate) struct GraphNode {
    /// The line above the name.
    pub(crate) role: String,
    /// The name.
    pub(crate) name: String,
    /// The line below the name.
    pub(crate) note: String,
}

/// A line from a box to one that it is made from, by the numbers of the boxes.
pub(crate) struct GraphEdge {
    /// The box that is made.
    pub(crate) from: usize,
    /// The box that it is made from.
    pub(crate) to: usize,
    /// True if the relation is only declared.
    pub(crate) is_dashed: bool,
}

const BOX_WIDTH: f64 = 272.0;
const BOX_HEIGHT: f64 = 66.0;
const COLUMN: f64 = 340.0;
const ROW: f64 = 84.0;
const MARGIN: f64 = 6.0;
/// The scale below which the graph is scrolled instead.
const SMALLEST: f64 = 0.75;
/// The letters that fit into a box.
const LETTERS: usize = 29;
const ROLE_LETTERS: usize = 36;

/// Draws the graph. The first box is the result; `description` says in words what is drawn.
pub(crate) fn graph(title: &str, description: &str, nodes: &[GraphNode], edges: &[GraphEdge]) -> Html {
    let mut layout = Layout { edges, places: vec![None; nodes.len()], next_row: 0.0 };
    layout.place(0, 0);
    let columns = layout.places.iter().flatten().map(|(column, _)| *column).max().unwrap_or_default();
    let (width, height) =
        (left(columns, 0) + BOX_WIDTH + MARGIN, layout.next_row * ROW - ROW + BOX_HEIGHT + 2.0 * MARGIN);
    let place = |node: usize| {
        let (column, row) = layout.places.get(node).copied().flatten()?;
        Some((left(columns, column), MARGIN + row * ROW))
    };
    let lines = edges.iter().filter_map(|edge| Some(connection(place(edge.to)?, place(edge.from)?, edge.is_dashed)));
    let boxes = nodes.iter().enumerate().filter_map(|(index, node)| Some(shape(node, place(index)?, index == 0)));
    let picture = element("svg")
        .class("graph")
        .with("role", "img")
        .with("viewBox", format_args!("0 0 {width:.0} {height:.0}"))
        .with("style", format_args!("max-width:{width:.0}px;min-width:{:.0}px", width * SMALLEST))
        .add(element("title").text(title))
        .add(element("desc").text(description))
        .all(lines.collect::<Vec<_>>())
        .all(boxes.collect::<Vec<_>>());
    let frame = element("div").class("scroll").with("tabindex", 0).with("role", "group").with("aria-label", title);
    frame.add(picture).into()
}

/// The places of the boxes: column and row.
struct Layout<'a> {
    edges: &'a [GraphEdge],
    places: Vec<Option<(usize, f64)>>,
    next_row: f64,
}

impl Layout<'_> {
    /// Places a box and everything that it is made from, and returns its row. A box with several sources is beside the
    /// middle of them.
    fn place(&mut self, node: usize, column: usize) -> f64 {
        // A box is placed before its sources, because they may form a circle.
        self.places[node] = Some((column, self.next_row));
        let edges = self.edges;
        let mut rows = Vec::new();
        for edge in edges.iter().filter(|edge| edge.from == node) {
            if self.places.get(edge.to).is_some_and(Option::is_none) {
                rows.push(self.place(edge.to, column + 1));
            }
        }
        let row = if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            f64::midpoint(*first, *last)
        } else {
            self.next_row += 1.0;
            self.next_row - 1.0
        };
        self.places[node] = Some((column, row));
        row
    }
}

/// The left side of a column: the result is on the right.
#[allow(clippy::cast_precision_loss, reason = "there are only a few columns")]
fn left(columns: usize, column: usize) -> f64 {
    MARGIN + (columns - column) as f64 * COLUMN
}

fn connection((x1, y1): (f64, f64), (x2, y2): (f64, f64), is_dashed: bool) -> Element {
    let (x1, y1, y2) = (x1 + BOX_WIDTH, y1 + BOX_HEIGHT / 2.0, y2 + BOX_HEIGHT / 2.0);
    let (end, bend) = (x2 - 7.0, f64::midpoint(x1, x2));
    let path = format!("M{x1:.0} {y1:.0}C{bend:.0} {y1:.0} {bend:.0} {y2:.0} {end:.0} {y2:.0}");
    let head = format!("M{:.0} {:.0}L{:.0} {y2:.0}L{:.0} {:.0}", x2 - 8.0, y2 - 4.5, x2 - 1.0, x2 - 8.0, y2 + 4.5);
    let line = element("path").class(if is_dashed { "edge dashed" } else { "edge" }).with("d", path);
    element("g").add(line).add(element("path").class("head").with("d", head))
}

fn shape(node: &GraphNode, (x, y): (f64, f64), is_result: bool) -> Element {
    let text = |class: &'static str, down: f64, text: &str, letters: usize| {
        let place = element("text").class(class).with("x", x + 14.0).with("y", y + down);
        place.text(&shortened(text, letters))
    };
    let rect =
        element("rect").with("x", x).with("y", y).with("width", BOX_WIDTH).with("height", BOX_HEIGHT).with("rx", 8);
    element("g")
        .class(if is_result { "node result" } else { "node" })
        .add(element("title").text(&node.name))
        .add(rect)
        .add(text("role", 19.0, &node.role, ROLE_LETTERS))
        .add(text("name", 38.0, &node.name, LETTERS))
        .add(text("note", 55.0, &node.note, LETTERS))
}

/// Shortens a text to its last names, which end with the tag of a reference, or else to its beginning and its end.
pub(super) fn shortened(text: &str, letters: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= letters {
        return text.to_owned();
    }
    let mut names = text.match_indices('/').map(|(at, _)| &text[at..]);
    if let Some(end) = names.find(|end| end.chars().count() < letters && end.len() > 2) {
        return format!("…{end}");
    }
    let (head, tail) = (letters / 2 - 1, letters - letters / 2);
    all[..head].iter().chain(&['…']).chain(&all[all.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> GraphNode {
        GraphNode { role: "base model".to_owned(), name: name.to_owned(), note: String::new() }
    }

    #[test]
    fn circles_and_shared_sources_are_drawn_once() {
        let edge = |from, to| GraphEdge { from, to, is_dashed: from == 1 };
        let nodes = ["result", "base", "<data>"].map(node);
        let edges = [edge(0, 1), edge(0, 2), edge(1, 2), edge(1, 0)];
        let graph = graph("Lineage", "words", &nodes, &edges).into_string();
        assert_eq!((graph.matches("<rect").count(), graph.matches("edge dashed").count()), (3, 2));
        assert!(graph.contains("&lt;data&gt;") && !graph.contains("<data>"), "{graph}");
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shortened(&"a".repeat(30), 20), format!("{}…{}", "a".repeat(9), "a".repeat(10)));
        assert_eq!(shortened("registry.example/team/project/sentiment:v2", 20), "…/sentiment:v2");
        assert_eq!(shortened("short", 20), "short");
    }
}
