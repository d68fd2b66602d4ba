//! The frame of the page: contents, sections in their order, and the end.

use jiff::Timestamp;

use super::blocks::Section;
use super::{changes, history, licenses, lineage, model, parts, scan, summary, trust};
use crate::output::page::{Element, Html, document, element};
use kit_core::VERSION;
use kit_core::ops::Report;

/// Renders the page; `time` is the time of the report.
pub(in super::super) fn page(report: &Report, time: Timestamp) -> String {
    let sections: Vec<Section> = [
        Some(parts::section(report)),
        model::section(report),
        lineage::section(report),
        history::section(report),
        changes::section(report),
        Some(licenses::section(report)),
        Some(trust::section(report)),
        Some(scan::section(report)),
        trust::attached(report),
        unknown(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    let contents = sections.iter().map(|section| {
        let link = element("a").with("href", format_args!("#{}", section.id)).text(section.title);
        element("li").add(link)
    });
    let contents = element("nav").with("aria-label", "Contents").add(element("ul").all(contents));
    let main = element("main").with("id", "report").all(sections);
    let body = element("body")
        .add(element("a").class("skip").with("href", "#report").text("Skip to the report"))
        .add(summary::header(report))
        .add(element("div").class("columns").add(contents).add(main))
        .add(end(report, time));
    document(&format!("{} · ModelKit report", report.name), body)
}

/// The facts that are not known.
fn unknown(report: &Report) -> Option<Section> {
    if report.unknown.is_empty() {
        return None;
    }
    let rows = report.unknown.iter().flat_map(|fact| {
        let reason = fact.reason.strip_suffix('.').unwrap_or(&fact.reason);
        [element("dt").text(&fact.what), element("dd").text(reason)]
    });
    let list = element("dl").class("unknown").all(rows);
    Some(Section::new("unknown", "Not known").lead("This report does not contain:").add(list))
}

fn end(report: &Report, time: Timestamp) -> Element {
    let time = time.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let line = format!("Made by kit {VERSION} on {time}, from the documents of ");
    let digest = element("code").text(&report.inspected.descriptor.digest.to_string());
    let note = "Names, descriptions and unsigned records are the words of the people who packed the ModelKit.";
    let first: Html = element("p").text(&line).add(digest).text(".").into();
    element("footer").add(first).add(element("p").text(note))
}
