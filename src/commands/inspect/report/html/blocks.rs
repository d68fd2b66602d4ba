//! The blocks that sections consist of: headings, tables, lists of facts, badges, digests.

use jiff::Timestamp;

use super::super::facts::Tone;
use crate::output::page::{Element, Html, element};
use kit_core::digest::Digest;

/// A section of the page.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    content: Vec<Html>,
}

impl Section {
    pub(super) fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, content: Vec::new() }
    }

    /// Adds a sentence that introduces the section.
    pub(super) fn lead(self, text: &str) -> Self {
        self.add(element("p").class("lead").text(text))
    }

    /// Adds a part of the section.
    pub(super) fn add(mut self, part: impl Into<Html>) -> Self {
        self.content.push(part.into());
        self
    }

    /// Adds a part under a heading, unless there is nothing to show.
    pub(super) fn add_under(self, heading: &str, part: Option<Html>) -> Self {
        match part {
            Some(part) => self.add(element("h3").text(heading)).add(part),
            None => self,
        }
    }
}

impl From<Section> for Html {
    fn from(Section { id, title, content }: Section) -> Self {
        element("section").with("id", id).add(element("h2").text(title)).all(content).into()
    }
}

/// The kind of a column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A number, aligned to the right.
    Number,
    /// A text that is left out on small screens.
    Extra,
}

impl Kind {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Number => Some("number"),
            Self::Extra => Some("extra"),
        }
    }
}

/// A table with these columns. The first cell of a row names the row.
pub(super) fn table<const N: usize>(
    label: &str,
    columns: [(&str, Kind); N],
    rows: impl IntoIterator<Item = [Html; N]>,
) -> Html {
    let classed = |cell: Element, kind: Kind| match kind.class() {
        Some(class) => cell.class(class),
        None => cell,
    };
    let heading = |(title, kind): (&str, Kind)| classed(element("th").with("scope", "col").text(title), kind);
    let head = element("thead").add(element("tr").all(columns.map(heading)));
    let row = |cells: [Html; N]| {
        let cells = cells.into_iter().zip(columns).enumerate().map(|(index, (cell, (_, kind)))| {
            let begin = if index == 0 { element("th").with("scope", "row") } else { element("td") };
            classed(begin, kind).add(cell)
        });
        element("tr").all(cells.collect::<Vec<_>>())
    };
    let body = element("tbody").all(rows.into_iter().map(row));
    let table = element("table").add(head).add(body);
    let frame = element("div").class("scroll").with("tabindex", 0).with("role", "group").with("aria-label", label);
    frame.add(table).into()
}

/// A list of names and values, without values that are not known.
pub(super) fn facts_list(facts: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Option<Html> {
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let rows: Vec<_> = known
        .map(|(name, value)| element("div").add(element("dt").text(name)).add(element("dd").add(breakable(&value))))
        .collect();
    (!rows.is_empty()).then(|| element("dl").class("facts").all(rows).into())
}

/// Content that is shown on request, below its summary; shown at once, without the summary, if it is short.
pub(super) fn details(summary: &str, is_short: bool, content: impl Into<Html>) -> Html {
    if is_short {
        return content.into();
    }
    element("details").add(element("summary").text(summary)).add(content).into()
}

/// A word with the colour and the sign of its meaning.
pub(super) fn badge(tone: Tone, word: &str) -> Element {
    let (class, sign) = match tone {
        Tone::Good => ("badge good", "✓"),
        Tone::Caution => ("badge caution", "!"),
        Tone::Bad => ("badge bad", "✕"),
        Tone::Neutral => ("badge", "·"),
    };
    element("span").class(class).add(element("i").with("aria-hidden", "true").text(sign)).text(word)
}

/// The beginning of a digest; the whole is its title.
pub(super) fn digest(digest: &Digest) -> Html {
    element("code").class("digest").with("title", digest).text(&digest.hex()[..12]).into()
}

/// A name that may be broken after its separators.
pub(super) fn breakable(name: &str) -> Html {
    let parts = name.split_inclusive(['/', ':', '.', '_']).flat_map(|part| [Html::text(part), Html::markup("<wbr>")]);
    parts.collect()
}

/// A path or another name with separators, as code.
pub(super) fn path_name(name: &str) -> Html {
    element("span").class("path").add(breakable(name)).into()
}

/// A text as code.
pub(super) fn code(text: &str) -> Html {
    element("code").text(text).into()
}

/// A text with a note below it.
pub(super) fn with_note(text: impl Into<Html>, note: &str) -> Html {
    let note = (!note.is_empty()).then(|| element("small").text(note));
    [text.into()].into_iter().chain(note.map(Html::from)).collect()
}

/// A time in UTC, or a sign that there is none.
pub(super) fn moment(time: Option<Timestamp>) -> Html {
    let Some(time) = time else { return none() };
    let text = time.strftime("%Y-%m-%d %H:%M").to_string();
    element("time").class("date").with("datetime", time).text(&text).into()
}

/// A sign for a value that does not exist.
pub(super) fn none() -> Html {
    element("span").class("none").text("–").into()
}

/// The text, or a sign that there is none.
pub(super) fn or_none(text: &str) -> Html {
    if text.is_empty() { none() } else { Html::text(text) }
}
