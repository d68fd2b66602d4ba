//! The report as Markdown, in the form of a model card.

use super::facts::{Fact, facts, metric_name, metrics, section_word, standing, version_name};
use super::model_card::front_matter;
use crate::commands::inspect::diff::{describe_file, field_value};
use crate::commands::inspect::lineage::mermaid;
use crate::commands::trust::predicate_word;
use crate::output::one_line;
use crate::output::page::chart_number;
use kit_core::ops::{Recall, Report, ReportedChanges, ReportedPart, SignedDocument, Version};
use kit_core::progress::human;

/// The most rows of a table.
const ROWS: usize = 100;

/// Renders the report.
pub(super) fn render(report: &Report) -> String {
    let fact = |Fact { label, value, note, .. }: &Fact| [(*label).to_owned(), plain(value), plain(note)];
    let metric = |(path, value): (&String, &f64)| [plain(metric_name(path)), chart_number(*value)];
    let unknown = report.unknown.iter().map(|fact| [plain(&fact.what), plain(&fact.reason)]);
    let signed = report.signed.iter().map(signed);
    [
        head(report),
        table("", ["Fact", "Value", ""], facts(report).iter().map(fact)),
        table("Parts", ["Part", "Type", "Files", "Size"], report.parts.iter().map(part)),
        table("Metrics", ["Metric", "Value"], metrics(report).iter().map(metric)),
        lineage(report),
        table("Versions", ["Version", "Packed", "Size", "Digest"], report.history.iter().map(version)),
        report.changes.as_ref().map(changes).unwrap_or_default(),
        table("Licences", ["Part", "Licence", "File"], report.licenses.iter().filter_map(license)),
        table("Signatures and attestations", ["Type", "Result", "Signer or reason"], signed),
        table("Not known", ["Fact", "Reason"], unknown),
    ]
    .concat()
}

/// The head of the card, the name, the recall, the description and the digest.
fn head(report: &Report) -> String {
    let recall = report.recall.as_ref().map(banner).unwrap_or_default();
    let words: Vec<_> = report.inspected.modelkit.config.kitfile.package.description.split_whitespace().collect();
    let description = if words.is_empty() { String::new() } else { format!("\n{}\n", plain(&words.join(" "))) };
    let digest = code(&report.inspected.descriptor.digest.to_string());
    format!("{}\n# {}\n{recall}{description}\n{digest}\n", front_matter(report), plain(&report.name))
}

fn lineage(report: &Report) -> String {
    let is_alone = report.lineage.edges.is_empty();
    if is_alone { String::new() } else { format!("\n## Lineage\n\n{}", mermaid(&report.lineage)) }
}

fn banner(recall: &Recall) -> String {
    let word = if recall.is_verified { "This ModelKit was recalled" } else { "An unverified recall is attached" };
    let instead = recall.instead.as_ref().map(|instead| format!(" Use instead: {}.", code(instead)));
    format!("\n> **{word}:** {}.{}\n", plain(&recall.reason), instead.unwrap_or_default())
}

/// A table under a heading; nothing without rows.
fn table<const N: usize>(title: &str, columns: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return String::new();
    }
    let heading = if title.is_empty() { String::new() } else { format!("\n## {title}\n") };
    let line = |cells: &[String; N]| format!("| {} |\n", cells.join(" | "));
    let head = line(&columns.map(str::to_owned));
    let more = if rows.len() > ROWS { format!("\nand {} more\n", rows.len() - ROWS) } else { String::new() };
    let body: String = rows.iter().take(ROWS).map(line).collect();
    format!("{heading}\n{head}|{}\n{body}{more}", "---|".repeat(N))
}

fn part(part: &ReportedPart) -> [String; 4] {
    let name = if part.name.is_empty() { &part.path } else { &part.name };
    let files = part.files.map_or_else(|| "–".to_owned(), |files| files.to_string());
    [code(name), section_word(part.section).to_owned(), files, part.size.map_or_else(|| "–".to_owned(), human)]
}

fn version(version: &Version) -> [String; 4] {
    let time = version.record.as_ref().and_then(|record| record.time);
    let time = time.map_or_else(|| "–".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string());
    let digest = format!("`{}`", &version.descriptor.digest.hex()[..12]);
    [plain(&version_name(version)), time, human(version.size), digest]
}

fn changes(changes: &ReportedChanges) -> String {
    let difference = &changes.difference;
    let value = |side: &Option<serde_json::Value>| side.as_ref().map_or_else(String::new, |it| code(&field_value(it)));
    let field = |field: &kit_core::ops::FieldDiff| [code(&field.path), value(&field.before), value(&field.after)];
    let file = |file: &kit_core::ops::FileDiff| {
        [code(file.path.as_str()), file.change.word().to_owned(), plain(&describe_file(file).join(", "))]
    };
    let fields = table("", ["Kitfile", "Before", "Now"], difference.fields.iter().flatten().map(field));
    let files = table("", ["File", "Change", ""], difference.files.iter().map(file));
    let none = if fields.is_empty() && files.is_empty() { "\nNo differences.\n" } else { "" };
    format!("\n## Changes since {}\n{none}{fields}{files}", plain(&changes.since))
}

fn license(part: &serde_json::Value) -> Option<[String; 3]> {
    let text = part["text"].as_str();
    let file = part["file"]["path"].as_str();
    text.or(file)?;
    Some([plain(part["part"].as_str()?), plain(text.unwrap_or("–")), file.map_or_else(|| "–".to_owned(), code)])
}

fn signed(document: &SignedDocument) -> [String; 3] {
    let (_, word, who) = standing(&document.standing);
    let kind = document.predicate_type.as_deref().map_or_else(|| "unknown".to_owned(), predicate_word);
    [code(&kind), word.to_owned(), plain(&who)]
}

/// Formats untrusted text as code, so that it is shown literally.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", one_line(text).replace('`', "'").replace('|', "\\|")) }
}

/// Escapes everything in untrusted text that is markup in Markdown (`CommonMark` 0.31, "Backslash escapes").
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in one_line(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '|' | '~' | '$' | '@' => escaped.extend(['\\', letter]),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(plain("a|b <script> [x](y) `c` \n# d"), "a\\|b &lt;script> \\[x\\](y) \\`c\\` \\\\n\\# d");
        assert_eq!(code("a`b|c"), "`a'b\\|c`");
    }

    #[test]
    fn a_table_without_rows_has_no_heading() {
        assert_eq!(table("Parts", ["a"], []), "");
        assert_eq!(table("Parts", ["a"], [["b".to_owned()]]), "\n## Parts\n\n| a |\n|---|\n| b |\n");
    }
}
