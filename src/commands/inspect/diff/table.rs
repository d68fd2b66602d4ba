//! The table output of `kit diff`.

use std::fmt::Write;
use std::io;

use super::{metrics, notebook, owners, patch};
use crate::commands::inspect::or_none;
use crate::output::{Colours, counted, one_line};
use kit_core::digest::Digest;
use kit_core::oci::{Annotations, Manifest};
use kit_core::ops::{
    Compared, Concern, Difference, FieldDiff, FileChange, FileDiff, LayerRow, NumbersDiff, ParentDiff, RowsDiff,
    TableDiff, TensorChange, TensorDiff, TensorsDiff,
};
use kit_core::progress::human;

/// The parts of the output that depend on options and on the terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Set if all areas were compared, so that those without changes can be named.
    pub(super) is_complete: bool,
    /// Set if the documents and layers are shown as `KitOps` prints them.
    pub(super) has_layers: bool,
    pub(super) colours: Colours,
}

/// Writes the differences between the ModelKits called `names`: first the fields and files, then the documents and
/// layers.
pub(super) fn write(
    out: &mut dyn io::Write,
    names: (&str, &str),
    difference: &Difference,
    style: Style,
) -> io::Result<()> {
    let Style { is_complete, has_layers, colours } = style;
    let mut put = |text: &str| write!(out, "{}", colours.changed_lines(text));
    if difference.is_none() {
        return put("ModelKits are identical\n");
    }
    put(&format!("{} → {}    {}\n", names.0, names.1, concerns(difference)))?;
    let width = width(difference);
    match difference.fields.as_deref() {
        None => put(&format!("{:<width$}{UNKNOWN_FIELDS}\n", "Kitfile", width = width + 6))?,
        Some([]) => {}
        Some(fields) => {
            put("Kitfile\n")?;
            fields.iter().try_for_each(|field| put(&show_field(field, width)))?;
        }
    }
    if !difference.parents.is_empty() {
        put("Parents\n")?;
        difference.parents.iter().try_for_each(|parent| put(&show_parent(parent, width)))?;
    }
    if !difference.files.is_empty() {
        put(&format!("{:<width$}{}\n", "Files", counts(&difference.files), width = width + 6))?;
        difference.files.iter().try_for_each(|file| put(&show_file(file, width)))?;
    }
    let owners = owners::rows(difference);
    if !owners.is_empty() {
        put("Owners\n")?;
        let width = owners.iter().map(|(owner, _)| owner.len()).max().unwrap_or_default().min(48);
        owners.iter().try_for_each(|(owner, changes)| put(&format!("    {owner:<width$}  {changes}\n")))?;
    }
    metrics::lines(names, &difference.metrics).iter().try_for_each(|line| put(&format!("{line}\n")))?;
    if is_complete {
        put(&format!("No change: {}\n", unconcerned(difference)))?;
    }
    if has_layers {
        write!(out, "\n{}", documents(names, difference))?;
    }
    let mut patches = difference.files.iter().flat_map(patch::escaped);
    patches.try_for_each(|patch| write!(out, "\n{}", colours.patch(&patch)))
}

/// The affected areas.
pub(super) fn concerns(difference: &Difference) -> String {
    let words: Vec<_> = difference.concerns().into_iter().map(Concern::word).collect();
    format!("concerns: {}", if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
}

fn unconcerned(difference: &Difference) -> String {
    let concerned = difference.concerns();
    let others = Concern::ALL.into_iter().filter(|concern| !concerned.contains(concern));
    let words: Vec<_> = others.map(Concern::word).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The width of the column of names; at most 48, so that one long name does not move all other columns.
fn width(difference: &Difference) -> usize {
    let fields = difference.fields.iter().flatten().map(|field| field.path.len());
    let parents = difference.parents.iter().map(|parent| parent.reference.len());
    let files = difference.files.iter().map(|file| file.path.as_str().len());
    fields.chain(parents).chain(files).max().unwrap_or_default().min(48)
}

/// The text for Kitfiles that differ if one side is a lock.
pub(super) const UNKNOWN_FIELDS: &str =
    "differs; the fields are unknown, since a lock contains only the digest of the Kitfile";

fn show_field(field: &FieldDiff, width: usize) -> String {
    let (mark, words) = match (&field.before, &field.after) {
        (Some(before), Some(after)) => ('~', format!("{} → {}", value(before), value(after))),
        (Some(before), None) => ('-', value(before)),
        (None, after) => ('+', after.as_ref().map_or_else(String::new, value)),
    };
    format!("  {mark} {:<width$}  {words}\n", one_line(&field.path))
}

fn show_parent(parent: &ParentDiff, width: usize) -> String {
    let (mark, words) = match (parent.before, parent.after) {
        (Some(_), Some(_)) => ('~', format!("{} → {}", short(parent.before), short(parent.after))),
        (before @ Some(_), None) => ('-', short(before)),
        (None, after) => ('+', short(after)),
    };
    format!("  {mark} {:<width$}  {words}\n", one_line(&parent.reference))
}

/// Shortens a digest to its first twelve digits.
pub(crate) fn short(digest: Option<Digest>) -> String {
    digest.map_or_else(String::new, |digest| format!("sha256:{}…", &digest.hex()[..12]))
}

/// Formats a value of the Kitfile in one line.
pub(crate) fn value(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    one_line(&text)
}

/// Counts the files of each kind.
pub(crate) fn counts(files: &[FileDiff]) -> String {
    let count = |is_meant: fn(&FileChange) -> bool| files.iter().filter(|file| is_meant(&file.change)).count();
    let all = [
        (count(|change| matches!(change, FileChange::Changed)), "changed"),
        (count(|change| matches!(change, FileChange::Added)), "added"),
        (count(|change| matches!(change, FileChange::Removed)), "removed"),
        (count(|change| matches!(change, FileChange::Moved(_))), "moved"),
        (count(|change| matches!(change, FileChange::Mode)), "with another mode"),
        (count(|change| matches!(change, FileChange::NotCompared)), "unread"),
    ];
    let words = all.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    words.collect::<Vec<_>>().join(", ")
}

pub(crate) fn show_file(file: &FileDiff, width: usize) -> String {
    let mark = match file.change {
        FileChange::Added => '+',
        FileChange::Removed => '-',
        FileChange::NotCompared => '?',
        FileChange::Changed | FileChange::Moved(_) | FileChange::Mode => '~',
    };
    let mut text = format!("  {mark} {:<width$}  {}\n", one_line(file.path.as_str()), describe(file).join("   "));
    if let Some(tensors) = &file.content.tensors {
        text.extend(tensors.changes.iter().take(TENSORS).map(show_tensor));
        if tensors.changes.len() > TENSORS {
            put(&mut text, format_args!("      … and {} more\n", tensors.changes.len() - TENSORS));
        }
    }
    text.extend(file.content.notebook.as_deref().map(notebook::lines));
    text
}

/// The maximum number of tensors listed for a file; the JSON output has all of them.
const TENSORS: usize = 20;

/// Describes the changes of a file, beginning with its size.
pub(crate) fn describe(file: &FileDiff) -> Vec<String> {
    let mut words = Vec::new();
    match (&file.before, &file.after) {
        (Some(before), Some(after)) if before.size != after.size => {
            words.push(format!("{} → {}", human(before.size), human(after.size)));
        }
        (_, Some(state)) | (Some(state), None) => words.push(human(state.size)),
        (None, None) => {}
    }
    if let FileChange::Moved(from) = &file.change {
        words.push(format!("moved from {}", one_line(from.as_str())));
    }
    if let (Some(before), Some(after)) = (&file.before, &file.after)
        && before.mode != after.mode
    {
        words.push(format!("mode {:04o} → {:04o}", before.mode, after.mode));
    }
    if file.change == FileChange::NotCompared {
        words.push("same size, content not read".to_owned());
    }
    words.extend(file.content.tensors.as_deref().map(tensors));
    words.extend(file.content.notebook.as_deref().map(notebook::describe).unwrap_or_default());
    match (&file.content.table, &file.content.text) {
        (Some(table), _) => words.extend(rows_and_columns(table)),
        (None, Some(text)) => words.push(format!("+{} −{}", text.added, text.removed)),
        (None, None) => {}
    }
    words
}

fn rows_and_columns(table: &TableDiff) -> Vec<String> {
    let counts = match (table.rows_before, table.rows_after) {
        (before, after) if before == after => counted(after, "row"),
        (before, after) => format!("{before} → {}", counted(after, "row")),
    };
    let shared = if table.has_other_columns() { " in the shared columns" } else { "" };
    let rows = match table.rows {
        Some(_) if table.has_rows_reordered => format!(", reordered{shared}"),
        Some(RowsDiff { added: 0, removed: 0 }) if table.has_other_columns() => format!(", equal{shared}"),
        Some(rows) => format!(", +{} −{}{shared}", rows.added, rows.removed),
        None => String::new(),
    };
    let columns = |sign: char, names: &[String]| -> Vec<String> {
        let more = names.len().saturating_sub(COLUMNS);
        let more = (more > 0).then(|| format!("{sign}{more} more"));
        names.iter().take(COLUMNS).map(|name| format!("{sign}{}", one_line(name))).chain(more).collect()
    };
    let columns = [columns('+', &table.columns_added), columns('−', &table.columns_removed)].concat();
    let columns = if table.has_columns_reordered { vec!["reordered".to_owned()] } else { columns };
    let columns = (!columns.is_empty()).then(|| format!("columns {}", columns.join(" ")));
    std::iter::once(counts + &rows).chain(columns).collect()
}

/// The maximum number of columns listed; the JSON output has all of them.
const COLUMNS: usize = 5;

fn tensors(tensors: &TensorsDiff) -> String {
    let TensorsDiff { total, changes, is_compared, unread_bytes } = tensors;
    let rest = if *is_compared { "" } else { ", according to the headers" };
    let unread = unread_bytes.map(|bytes| format!("; no statistics: {} is over --read-limit", human(bytes)));
    format!("{} of {} changed{rest}{}", changes.len(), counted(*total, "tensor"), unread.unwrap_or_default())
}

fn show_tensor(tensor: &TensorDiff) -> String {
    let kind = |tensor: &kit_core::tensors::Tensor| format!("{} {:?}", one_line(tensor.element_type), tensor.shape);
    let (mark, words) = match (tensor.change, tensor.before().as_deref(), tensor.after()) {
        (TensorChange::Retyped | TensorChange::Reshaped, Some(before), Some(after)) => {
            ('~', format!("{} → {}", kind(before), kind(after)))
        }
        (TensorChange::Removed, before, _) => ('-', before.map_or_else(String::new, kind)),
        (TensorChange::Added, _, after) => ('+', after.map_or_else(String::new, kind)),
        (_, _, after) => ('~', after.map_or_else(String::new, kind)),
    };
    let numbers = tensor.numbers.as_deref().map(|numbers| format!("   {}", apart(numbers))).unwrap_or_default();
    format!("      {mark} {}  {words}{numbers}\n", one_line(tensor.name()))
}

fn apart(numbers: &NumbersDiff) -> String {
    let relative = numbers.relative.map(|relative| format!(", relative {} %", rounded(100.0 * relative)));
    let others = (numbers.without_difference > 0).then(|| format!(", {} not finite", numbers.without_difference));
    format!("max |Δ| {}{}{}", rounded(numbers.largest), relative.unwrap_or_default(), others.unwrap_or_default())
}

/// Rounds to two significant digits, but keeps all digits before the decimal point.
fn rounded(number: f64) -> String {
    let digits = [0.001, 0.01, 0.1, 1.0, 10.0].iter().rev().take_while(|limit| number < **limit).count();
    match number {
        0.0 => "0".to_owned(),
        0.0001..1e6 => format!("{number:.digits$}"),
        _ => format!("{number:.1e}"),
    }
}

fn documents(names: (&str, &str), difference: &Difference) -> String {
    let (first, second) = (&difference.first, &difference.second);
    let text_of = |side: &Compared, of: fn(&Manifest) -> String| {
        side.inspected.as_ref().map_or_else(|| UNKNOWN.to_owned(), |inspected| of(&inspected.modelkit.manifest))
    };
    let both = |of| (text_of(first, of), text_of(second, of));
    let configs = both(|manifest| manifest.config.digest.to_string());
    let annotations = both(|manifest| show(&manifest.annotations));
    let mut text = String::new();
    section(&mut text, "Comparing", &pair(names.0, names.1));
    section(&mut text, "Manifests", &pair(&first.manifest.to_string(), &second.manifest.to_string()));
    section(&mut text, "Configurations", &configurations(&configs.0, &configs.1));
    section(&mut text, "Annotations", &annotation_lines(&annotations.0, &annotations.1));
    section(&mut text, "Shared Layers", &layers(&difference.shared));
    section(&mut text, &format!("Unique Layers to ModelKit1 ({})", names.0), &layers(&difference.only_first));
    section(&mut text, &format!("Unique Layers to ModelKit2 ({})", names.1), &layers(&difference.only_second));
    text
}

/// The placeholder for documents that a lock does not contain.
const UNKNOWN: &str = "<not in a lock>";

/// The number of characters of a digest that are shown (`KitOps`).
const DIGEST: usize = 17;

/// The width of the rules between sections (`KitOps`).
const RULE: usize = 39;

fn section(text: &mut String, heading: &str, body: &str) {
    let gap = if text.is_empty() { "" } else { "\n" };
    put(text, format_args!("{gap}{heading}:\n{}\n{body}", "-".repeat(RULE)));
}

fn pair(first: &str, second: &str) -> String {
    format!("ModelKit1: {first}\nModelKit2: {second}\n")
}

/// The lines of `KitOps`, which its SDKs parse.
fn configurations(first: &str, second: &str) -> String {
    let cut = |digest: &str| if digest == UNKNOWN { digest.to_owned() } else { digest[..DIGEST].to_owned() };
    let (one, other) = (cut(first), cut(second));
    if first == second && first != UNKNOWN {
        return format!("  Configs are identical (Digest: {one})\n");
    }
    format!("Configs differ:\n  ModelKit1 Config Digest: {one}\n  ModelKit2 Config Digest: {other}\n")
}

/// The line of `KitOps`, followed by the annotations.
fn annotation_lines(first: &str, second: &str) -> String {
    if first == second && first != UNKNOWN {
        return format!("  Annotations are identical \n{first}\n");
    }
    format!("  Annotations does not match\n{}", pair(first, second))
}

fn show(annotations: &Annotations) -> String {
    let pairs: Vec<_> = annotations.iter().map(|(key, value)| one_line(&format!("{key}={value}"))).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(", ") }
}

fn layers(rows: &[LayerRow]) -> String {
    if rows.is_empty() {
        return "<none>\n".to_owned();
    }
    let mut text = format!("{:<9} | {:<18} | {:<10} | Path\n", "Type", "Digest", "Size");
    for row in rows {
        let word = one_line(row.media_type.rsplit('.').nth(2).unwrap_or(&row.media_type));
        let digest = row.digest.to_string();
        writeln!(
            text,
            "{word:<9} | {:<18} | {:<10} | {}",
            &digest[..DIGEST],
            row.size.map_or_else(|| "?".to_owned(), human),
            or_none(&one_line(&row.path))
        )
        .expect("writing to a string does not fail");
    }
    text
}

pub(super) fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_are_enough() {
        for (number, expected) in [
            (0.0, "0"),
            (0.0312, "0.031"),
            (4.125, "4.1"),
            (0.5, "0.50"),
            (100.0, "100"),
            (0.000_123, "0.00012"),
            (0.000_012_3, "1.2e-5"),
            (65_504_000.0, "6.6e7"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(rounded(number), expected);
        }
    }
}
