//! The versions of the repository, with their metrics plotted.

use std::collections::BTreeMap;

use super::super::facts::{capitalized, metric_name, metrics, version_name};
use super::blocks::{Kind, Section, digest, moment, none, or_none, path_name, table, with_note};
use crate::output::page::{Element, Html, Series, chart_number, element, line_chart};
use kit_core::ops::{LayerCount, Report, Version};
use kit_core::progress::human;

/// The most versions that are shown.
const VERSIONS: usize = 30;
/// The most metrics that are plotted and listed.
const PLOTS: usize = 11;
const METRICS: usize = 40;

pub(super) fn section(report: &Report) -> Option<Section> {
    let metrics = metrics(report);
    if report.history.is_empty() && metrics.is_empty() {
        return None;
    }
    let shown = &report.history[..report.history.len().min(VERSIONS)];
    let section = Section::new("history", "History").add_under("Metrics", metric_table(report, &metrics));
    let section = match plots(shown, &metrics) {
        Some(plots) => section.add(plots),
        None => section,
    };
    Some(section.add_under("Versions", (!shown.is_empty()).then(|| versions(report, shown))))
}

/// The values of this version and of the one that it is compared with.
fn metric_table(report: &Report, metrics: &BTreeMap<String, f64>) -> Option<Html> {
    let before = report.history.first().and_then(|version| version.before);
    let before = before.and_then(|digest| report.history.iter().find(|version| version.descriptor.digest == digest));
    let before_name = before.map_or_else(|| "Before".to_owned(), version_name);
    let columns = [
        ("Metric", Kind::Text),
        ("This version", Kind::Number),
        (&before_name, Kind::Number),
        ("Change", Kind::Number),
    ];
    let number = |value: f64| Html::text(&chart_number(value));
    let rows = metrics.iter().take(METRICS).map(|(name, value)| {
        let old = before.and_then(|version| version.declared_metrics.get(name)).copied();
        let change = old.filter(|old| (old - value).abs() > f64::EPSILON).map(|old| change(value - old));
        [path_name(metric_name(name)), number(*value), old.map_or_else(none, number), change.unwrap_or_else(none)]
    });
    (!metrics.is_empty()).then(|| table("Metrics", columns, rows))
}

/// A difference with its sign. Which direction is better depends on the metric.
fn change(difference: f64) -> Html {
    let sign = if difference > 0.0 { "+" } else { "−" };
    Html::text(&format!("{sign}{}", chart_number(difference.abs())))
}

/// A chart of each metric and of the size, if there are several versions.
fn plots(shown: &[Version], metrics: &BTreeMap<String, f64>) -> Option<Html> {
    if shown.len() < 2 {
        return None;
    }
    let of = |title: &str, unit, value: &dyn Fn(&Version) -> Option<f64>| {
        let points = shown.iter().rev().map(|version| (version_name(version), value(version))).collect();
        line_chart(&Series { title: title.to_owned(), unit, points })
    };
    let of_metrics = metrics
        .keys()
        .take(PLOTS)
        .filter(|name| shown.iter().filter(|version| version.declared_metrics.contains_key(*name)).count() > 1);
    let of_metrics =
        of_metrics.map(|name| of(metric_name(name), None, &|version| version.declared_metrics.get(name).copied()));
    let (unit, divisor) = unit(shown.iter().map(|version| version.size).max().unwrap_or_default());
    #[allow(clippy::cast_precision_loss, reason = "a picture needs three digits")]
    let size = of("Size of the layers", Some(unit), &|version| Some(version.size as f64 / divisor as f64));
    Some(element("div").class("plots").all(of_metrics.collect::<Vec<_>>()).add(size).into())
}

/// The unit for sizes up to `largest`, and its number of bytes.
fn unit(largest: u64) -> (&'static str, u64) {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    UNITS.into_iter().find(|(_, bytes)| largest >= *bytes).unwrap_or(("bytes", 1))
}

fn versions(report: &Report, shown: &[Version]) -> Html {
    let columns = [
        ("Version", Kind::Text),
        ("Packed", Kind::Text),
        ("Size", Kind::Number),
        ("Changes", Kind::Text),
        ("Author", Kind::Extra),
        ("Digest", Kind::Extra),
    ];
    let table = table("Versions", columns, shown.iter().map(row));
    match report.history.len() - shown.len() {
        0 => table,
        more => {
            let more: Element = element("p").class("more").text(&format!("and {more} older versions: see `kit log`"));
            [table, more.into()].into_iter().collect()
        }
    }
}

fn row(version: &Version) -> [Html; 6] {
    let record = version.record.as_ref();
    let commit = record.and_then(|record| record.commit.as_ref());
    let commit = commit.map(|commit| format!("commit {}", commit.id.chars().take(10).collect::<String>()));
    let name = element("b").text(&version_name(version));
    let others = version.tags.iter().skip(1).cloned().collect::<Vec<_>>().join(", ");
    [
        with_note(name, &others),
        with_note(moment(record.and_then(|record| record.time)), &commit.unwrap_or_default()),
        Html::text(&human(version.size)),
        with_note(Html::text(&changes(version)), &promoted(version)),
        author(version.author.as_deref().unwrap_or_default()),
        digest(&version.descriptor.digest),
    ]
}

/// The author without the address in angle brackets, which is in the title.
fn author(author: &str) -> Html {
    let name = author.split('<').next().unwrap_or_default().trim();
    if name.is_empty() { or_none(author) } else { element("span").with("title", author).text(name).into() }
}

/// A kind of change, and the number of layers that it concerns.
type Verb = (&'static str, fn(&LayerCount) -> usize);

/// The kinds of layers that were changed, added and removed.
fn changes(version: &Version) -> String {
    if version.before.is_none() {
        return "first known version".to_owned();
    }
    let verbs: [Verb; 3] = [("changed", |it| it.changed), ("added", |it| it.added), ("removed", |it| it.removed)];
    let words = verbs.into_iter().filter_map(|(verb, count)| {
        let kinds = version.layers.iter().filter(|it| count(it) > 0);
        let kinds =
            kinds.map(|it| if count(it) == 1 { it.kind.to_owned() } else { format!("{} {}", count(it), it.kind) });
        let kitfile = (verb == "changed" && version.kitfile_changed).then(|| "Kitfile".to_owned());
        let kinds: Vec<_> = kinds.chain(kitfile).collect();
        (!kinds.is_empty()).then(|| format!("{verb}: {}", kinds.join(", ")))
    });
    let words = words.collect::<Vec<_>>().join("; ");
    if words.is_empty() { "none".to_owned() } else { capitalized(&words) }
}

/// The last promotion, which is not signed.
fn promoted(version: &Version) -> String {
    let Some(promotion) = version.promotions.first() else { return String::new() };
    let time = promotion.time.map(|time| time.strftime(" on %Y-%m-%d").to_string()).unwrap_or_default();
    let word = if promotion.is_rollback { "rolled back to as" } else { "promoted to" };
    format!("{word} {}{time}", promotion.target)
}
