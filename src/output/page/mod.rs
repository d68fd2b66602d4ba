//! Pages in HTML: elements whose texts are always escaped, diagrams, and the style sheet.
//!
//! A page has no scripts and requests nothing, so that it can be sent as a file and opened anywhere.

mod bar;
mod chart;
mod document;
mod graph;
mod html;

pub(crate) use bar::{Share, share_bar};
pub(crate) use chart::{Series, line_chart, number as chart_number};
pub(crate) use document::document;
pub(crate) use graph::{GraphEdge, GraphNode, graph};
pub(crate) use html::{Element, Html, element};
