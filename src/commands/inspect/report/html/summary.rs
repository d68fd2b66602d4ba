//! The top of the page: name, description, recall and the most important facts.

use super::super::facts::{Fact, Tone, facts};
use super::blocks::breakable;
use crate::output::page::{Element, Html, element};
use kit_core::ops::{Recall, Report};

/// The longest description that is shown at the top.
const DESCRIPTION: usize = 600;

pub(super) fn header(report: &Report) -> Html {
    let kitfile = &report.inspected.modelkit.config.kitfile;
    let package = &kitfile.package;
    let of_model = kitfile.model.as_ref().map_or("", |model| &model.description);
    let description = if package.description.is_empty() { of_model } else { &package.description };
    let mut header = element("header").add(element("p").class("kind").text(&kind(report)));
    header = header.add(element("h1").add(breakable(&report.name)));
    if !description.is_empty() {
        header = header.add(element("p").class("description").text(&shortened(description)));
    }
    let digest = element("code").text(&report.inspected.descriptor.digest.to_string());
    header = header.add(element("p").class("identity").add(digest).add(authors(&package.authors)));
    if let Some(recall) = &report.recall {
        header = header.add(banner(recall));
    }
    let facts = facts(report);
    header.add(element("dl").class("cards").with("aria-label", "Summary").all(facts.iter().map(card))).into()
}

/// The name and the version in the Kitfile, above the name of the ModelKit.
fn kind(report: &Report) -> String {
    let package = &report.inspected.modelkit.config.kitfile.package;
    let words = [package.name.as_str(), package.version.as_str()];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "ModelKit".to_owned() } else { format!("ModelKit · {}", words.join(" ")) }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.trim().chars().take(DESCRIPTION).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

fn authors(authors: &[String]) -> Html {
    if authors.is_empty() { Html::default() } else { element("span").text(&authors.join(", ")).into() }
}

/// The recall, before everything else.
fn banner(recall: &Recall) -> Element {
    let title =
        if recall.is_verified { "This ModelKit was recalled." } else { "A recall of this ModelKit is attached." };
    let mut banner = element("div").class(if recall.is_verified { "banner bad" } else { "banner caution" });
    banner = banner.with("role", "note").add(element("strong").text(title));
    banner = banner.add(element("p").text(&recall.reason));
    if let Some(instead) = &recall.instead {
        banner = banner.add(element("p").text("Use instead: ").add(element("code").text(instead)));
    }
    let by = [recall.recaller.as_deref().map(|by| format!("by {by}")), recall.recalled_on.clone()];
    let mut notes: Vec<_> = by.into_iter().flatten().collect();
    if !recall.is_verified {
        notes.push("its signature was not verified".to_owned());
    }
    banner.add(element("small").text(&notes.join(" · ")))
}

fn card(fact: &Fact) -> Html {
    let Fact { label, value, note, tone } = fact;
    let (class, sign) = match tone {
        Tone::Good => ("card good", Some("✓")),
        Tone::Caution => ("card caution", Some("!")),
        Tone::Bad => ("card bad", Some("✕")),
        Tone::Neutral => ("card", None),
    };
    let sign = sign.map(|sign| element("i").with("aria-hidden", "true").text(sign));
    let value = element("dd").class("value").all(sign).text(value);
    element("div")
        .class(class)
        .add(element("dt").text(label))
        .add(value)
        .add(element("dd").class("note").with("title", note).text(note))
        .into()
}
