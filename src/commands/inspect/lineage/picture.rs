//! The forms of a lineage: a tree, and the languages of Graphviz and of Mermaid. The names in it are untrusted.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::output::one_line;
use kit_core::ops::{Edge, EdgeKind, Lineage, Node, Proof};

/// The word for a relation, such as `base model`.
pub(crate) fn word(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Parent => "parent",
        EdgeKind::BaseModel => "base model",
        EdgeKind::Dataset => "dataset",
        EdgeKind::Original => "subset of",
    }
}

/// The words for the proof of a relation.
pub(crate) fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Declared => "declared",
        Proof::Verified => "verified by digest",
    }
}

/// Draws the tree from the first node. The nodes below a repeated node are shown only once.
pub(super) fn tree(lineage: &Lineage) -> String {
    let Some(root) = lineage.nodes.first() else { return String::new() };
    let mut tree = Tree { lineage, text: format!("{}\n", shown(root)), seen: HashSet::from([0]) };
    tree.show_below(0, "");
    tree.text
}

struct Tree<'a> {
    lineage: &'a Lineage,
    text: String,
    seen: HashSet<usize>,
}

impl Tree<'_> {
    fn show_below(&mut self, node: usize, indent: &str) {
        let lineage = self.lineage;
        let edges: Vec<&Edge> = lineage.edges.iter().filter(|edge| edge.from == node).collect();
        for (index, edge) in edges.iter().enumerate() {
            let is_last = index + 1 == edges.len();
            let (branch, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
            let is_new = self.seen.insert(edge.to);
            let has_children = lineage.edges.iter().any(|other| other.from == edge.to);
            let again = if is_new || !has_children { "" } else { " (see above)" };
            let (word, node) = (word(edge.kind), shown(&lineage.nodes[edge.to]));
            put(&mut self.text, format_args!("{indent}{branch}{word} {node}  {}{again}\n", proof(edge.proof)));
            if is_new {
                self.show_below(edge.to, &format!("{indent}{below}"));
            }
        }
    }
}

fn shown(node: &Node) -> String {
    let name = one_line(&node.name);
    node.digest.map_or_else(|| name.clone(), |digest| format!("{name}  sha256:{}", &digest.hex()[..12]))
}

/// Draws a graph for Graphviz; edges that are only declared are dashed (graphviz.org, "DOT Language").
pub(super) fn dot(lineage: &Lineage) -> String {
    let quoted = |text: &str| one_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (index, node) in lineage.nodes.iter().enumerate() {
        let digest = node.digest.map(|digest| format!("\\nsha256:{}", &digest.hex()[..12])).unwrap_or_default();
        put(&mut text, format_args!("  n{index} [label=\"{}{digest}\"];\n", quoted(&node.name)));
    }
    for Edge { from, to, kind, proof: how } in &lineage.edges {
        let style = if *how == Proof::Declared { ", style=dashed" } else { "" };
        let label = format!("{}, {}", word(*kind), proof(*how));
        put(&mut text, format_args!("  n{from} -> n{to} [label=\"{label}\"{style}];\n"));
    }
    text + "}\n"
}

/// Draws a flowchart for Mermaid (mermaid.js.org, "Flowcharts"), in a fenced code block for Markdown.
pub(crate) fn mermaid(lineage: &Lineage) -> String {
    let mut text = "```mermaid\nflowchart LR\n".to_owned();
    for (index, node) in lineage.nodes.iter().enumerate() {
        let digest = node.digest.map(|digest| format!("<br/>sha256:{}", &digest.hex()[..12])).unwrap_or_default();
        put(&mut text, format_args!("  n{index}[\"{}{digest}\"]\n", entities(&node.name)));
    }
    for Edge { from, to, kind, proof: how } in &lineage.edges {
        let arrow = if *how == Proof::Declared { "-.->" } else { "-->" };
        put(&mut text, format_args!("  n{from} {arrow}|\"{}, {}\"| n{to}\n", word(*kind), proof(*how)));
    }
    text + "```\n"
}

/// Replaces every character that could end the text or the fence, or be markup, by an entity: Mermaid has entities but
/// no escapes ("Entity codes to escape characters").
fn entities(text: &str) -> String {
    let mut escaped = String::new();
    for letter in one_line(text).chars() {
        if letter.is_alphanumeric() || " .:/@_-".contains(letter) {
            escaped.push(letter);
        } else {
            put(&mut escaped, format_args!("#{};", u32::from(letter)));
        }
    }
    escaped
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use kit_core::digest::Digest;

    fn lineage() -> Lineage {
        let node = |name: &str, digest: Option<&[u8]>| Node { name: name.to_owned(), digest: digest.map(Digest::of) };
        let edge = |from, to, kind, proof| Edge { from, to, kind, proof };
        let nodes = vec![
            node("sentiment:v2", Some(b"2")),
            node("base:v1", Some(b"1")),
            node("s3://bucket/\"]; evil\\\n```", None),
        ];
        let edges = vec![
            edge(0, 1, EdgeKind::BaseModel, Proof::Verified),
            edge(0, 2, EdgeKind::Dataset, Proof::Declared),
            edge(1, 2, EdgeKind::Dataset, Proof::Declared),
            edge(1, 0, EdgeKind::Parent, Proof::Declared),
        ];
        Lineage { nodes, edges }
    }

    fn check(form: fn(&Lineage) -> String, expected: &Expect) {
        expected.assert_eq(&form(&lineage()));
    }

    #[test]
    fn each_form_shows_everything_and_obeys_no_name() {
        check(
            tree,
            &expect![[r#"
            sentiment:v2  sha256:d4735e3a265e
            ├── base model base:v1  sha256:6b86b273ff34  verified by digest
            │   ├── dataset s3://bucket/"]; evil\\n```  declared
            │   └── parent sentiment:v2  sha256:d4735e3a265e  declared (see above)
            └── dataset s3://bucket/"]; evil\\n```  declared
        "#]],
        );
        check(
            dot,
            &expect![[r#"
            digraph lineage {
              rankdir=LR;
              node [shape=box];
              n0 [label="sentiment:v2\nsha256:d4735e3a265e"];
              n1 [label="base:v1\nsha256:6b86b273ff34"];
              n2 [label="s3://bucket/\"]; evil\\\\n```"];
              n0 -> n1 [label="base model, verified by digest"];
              n0 -> n2 [label="dataset, declared", style=dashed];
              n1 -> n2 [label="dataset, declared", style=dashed];
              n1 -> n0 [label="parent, declared", style=dashed];
            }
        "#]],
        );
        check(
            mermaid,
            &expect![[r#"
            ```mermaid
            flowchart LR
              n0["sentiment:v2<br/>sha256:d4735e3a265e"]
              n1["base:v1<br/>sha256:6b86b273ff34"]
              n2["s3://bucket/#34;#93;#59; evil#92;#92;n#96;#96;#96;"]
              n0 -->|"base model, verified by digest"| n1
              n0 -.->|"dataset, declared"| n2
              n1 -.->|"dataset, declared"| n2
              n1 -.->|"parent, declared"| n0
            ```
        "#]],
        );
    }
}
