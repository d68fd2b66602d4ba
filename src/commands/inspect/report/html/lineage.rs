//! The lineage, drawn.

use super::blocks::Section;
use crate::commands::inspect::lineage::{proof, word};
use crate::output::page::{GraphEdge, GraphNode, graph};
use kit_core::ops::{Edge, Lineage, Proof, Report};

/// The most artifacts that are drawn.
const DRAWN: usize = 40;

pub(super) fn section(report: &Report) -> Option<Section> {
    let lineage = &report.lineage;
    if lineage.edges.is_empty() {
        return None;
    }
    let drawn = lineage.nodes.len().min(DRAWN);
    let nodes: Vec<_> = (0..drawn).map(|index| node(lineage, index)).collect();
    let is_drawn = |edge: &&Edge| edge.from < drawn && edge.to < drawn;
    let edge = |edge: &Edge| GraphEdge { from: edge.from, to: edge.to, is_dashed: edge.proof == Proof::Declared };
    let edges: Vec<_> = lineage.edges.iter().filter(is_drawn).map(edge).collect();
    let lead = "What the model is built from. Solid lines are verified by digest; dashed lines are only declared.";
    let section = Section::new("lineage", "Lineage").lead(lead);
    let section = section.add(graph("Lineage", &described(lineage, drawn), &nodes, &edges));
    Some(match lineage.nodes.len() - drawn {
        0 => section,
        more => section.lead(&format!("{more} more are not drawn: see `kit lineage`.")),
    })
}

fn node(lineage: &Lineage, index: usize) -> GraphNode {
    let node = &lineage.nodes[index];
    let edge = lineage.edges.iter().find(|edge| edge.to == index).filter(|_| index > 0);
    GraphNode {
        role: edge
            .map_or_else(|| "this ModelKit".to_owned(), |edge| format!("{}, {}", word(edge.kind), proof(edge.proof))),
        name: node.name.clone(),
        note: node.digest.map_or_else(String::new, |digest| format!("sha256:{}", &digest.hex()[..12])),
    }
}

/// The lineage in words.
fn described(lineage: &Lineage, drawn: usize) -> String {
    let name = |index: usize| &lineage.nodes[index].name;
    let is_drawn = |edge: &&Edge| edge.from < drawn && edge.to < drawn;
    let words = lineage.edges.iter().filter(is_drawn).map(|edge| {
        format!("{} has the {} {}, {}", name(edge.from), word(edge.kind), name(edge.to), proof(edge.proof))
    });
    words.collect::<Vec<_>>().join("; ")
}
