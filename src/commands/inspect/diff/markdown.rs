//! The Markdown output of `kit diff`, for a comment on a pull request.

use super::patch;
use super::table::{UNKNOWN_FIELDS, concerns, counts, describe, put, short, value};
use crate::output::one_line;
use kit_core::ops::{Difference, FieldDiff, FileDiff, ParentDiff};

/// Renders a line with the affected areas, followed by tables of fields and files.
pub(super) fn render(names: (&str, &str), difference: &Difference) -> String {
    let mut text = format!("**{} → {}** · {}\n", code(names.0), code(names.1), concerns(difference));
    match difference.fields.as_deref() {
        None => put(&mut text, format_args!("\nKitfile: {UNKNOWN_FIELDS}\n")),
        Some([]) => {}
        Some(fields) => {
            text += "\n| Kitfile | before | after |\n|---|---|---|\n";
            text.extend(fields.iter().map(field_row));
        }
    }
    if !difference.parents.is_empty() {
        text += "\n| Parent | before | after |\n|---|---|---|\n";
        text.extend(difference.parents.iter().map(parent_row));
    }
    if !difference.files.is_empty() {
        let counts = counts(&difference.files);
        put(&mut text, format_args!("\n{counts}\n\n| File | change | |\n|---|---|---|\n"));
        text.extend(difference.files.iter().map(file_row));
    }
    text.extend(difference.files.iter().filter_map(patch::escaped).map(|patch| fenced(&patch)));
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
