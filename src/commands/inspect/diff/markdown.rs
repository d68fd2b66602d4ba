//! The Markdown output of `kit diff`, for a comment on a pull request.

use std::io;

use super::owners;
use super::patch;
use super::table::{UNKNOWN_FIELDS, concerns, counts, describe, short, value};
use crate::output::one_line;
use kit_core::ops::{Difference, FieldDiff, FileDiff, ParentDiff};

/// Writes a line with the affected areas, followed by tables of fields and files.
pub(super) fn write(out: &mut dyn io::Write, names: (&str, &str), difference: &Difference) -> io::Result<()> {
    writeln!(out, "**{} → {}** · {}", code(names.0), code(names.1), concerns(difference))?;
    match difference.fields.as_deref() {
        None => writeln!(out, "\nKitfile: {UNKNOWN_FIELDS}")?,
        Some([]) => {}
        Some(fields) => {
            write!(out, "\n| Kitfile | before | after |\n|---|---|---|\n")?;
            fields.iter().try_for_each(|field| write!(out, "{}", field_row(field)))?;
        }
    }
    if !difference.parents.is_empty() {
        write!(out, "\n| Parent | before | after |\n|---|---|---|\n")?;
        difference.parents.iter().try_for_each(|parent| write!(out, "{}", parent_row(parent)))?;
    }
    if !difference.files.is_empty() {
        let counts = counts(&difference.files);
        write!(out, "\n{counts}\n\n| File | change | |\n|---|---|---|\n")?;
        difference.files.iter().try_for_each(|file| write!(out, "{}", file_row(file)))?;
    }
    let owners = owners::rows(difference);
    if !owners.is_empty() {
        write!(out, "\n| Owner | changes |\n|---|---|\n")?;
        owners.iter().try_for_each(|(owner, changes)| writeln!(out, "| {owner} | {} |", escape(changes)))?;
    }
    write!(out, "{}", metric_rows(names, difference))?;
    difference.files.iter().flat_map(patch::escaped).try_for_each(|patch| write!(out, "{}", fenced(&patch)))
}

/// The metrics on data that both versions were evaluated on, and a line if there is none.
fn metric_rows((first, second): (&str, &str), difference: &Difference) -> String {
    let mut text = String::new();
    if difference.metrics.is_incomparable() {
        text.push_str("\nMetrics: not comparable, because the versions were evaluated on different data\n");
    }
    for on_data in &difference.metrics.both {
        let data = code(&on_data.data.name);
        text.extend(["\n| Metric on ", &data, " | ", &code(first), " | ", &code(second), " |\n|---|---|---|\n"]);
        text.extend(on_data.metrics.iter().map(|metric| {
            let value = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            format!("| {} | {} | {} |\n", code(&metric.name), value(metric.before), value(metric.after))
        }));
    }
    text
}

/// Puts the patch into a fence that is longer than any in the text, so that the text cannot close it (`CommonMark`
/// 0.31, "Fenced code blocks").
fn fenced(patch: &str) -> String {
    let longest = patch.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    format!("\n{fence}diff\n{patch}{fence}\n")
}

fn field_row(field: &FieldDiff) -> String {
    let cell = |side: &Option<serde_json::Value>| side.as_ref().map_or_else(String::new, |side| code(&value(side)));
    format!("| {} | {} | {} |\n", code(&field.path), cell(&field.before), cell(&field.after))
}

fn parent_row(parent: &ParentDiff) -> String {
    format!("| {} | {} | {} |\n", code(&parent.reference), short(parent.before), short(parent.after))
}

fn file_row(file: &FileDiff) -> String {
    let change = file.change.word();
    format!("| {} | {change} | {} |\n", code(file.path.as_str()), escape(&describe(file).join(", ")))
}

/// Formats untrusted text as code, so that it is shown literally and cannot add markup.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", escape(text)) }
}

fn escape(text: &str) -> String {
    one_line(text).replace('`', "'").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fence_in_a_text_ends_the_block() {
        assert_eq!(fenced("+a\n"), "\n```diff\n+a\n```\n");
        assert_eq!(fenced("+````\n+<b>\n"), "\n`````diff\n+````\n+<b>\n`````\n");
    }
}
