//! Tables with headings and columns as wide as their content.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::fit::cut;
use super::streams::Output;
use super::text::one_line;
use kit_core::digest::Digest;

/// Spaces between columns (as in `KitOps`).
const GAP: usize = 3;

/// Renders `rows` under `headings`, left-aligned and without trailing spaces.
pub(crate) fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = Vec::new();
    write(&mut text, headings, rows.iter().map(|row| row.each_ref().map(|cell| Cow::Borrowed(cell.as_str()))))
        .expect("writing to a vector does not fail");
    String::from_utf8(text).expect("the cells are UTF-8")
}

/// Writes `rows` under `headings` like [`render`]. Iterates twice, first for the widths of the columns, so that the
/// rows of a long table need not be in memory.
///
/// Cells contain untrusted text: line breaks and control characters are escaped, so each row is one line.
pub(crate) fn write<'a, const N: usize>(
    out: &mut dyn Write,
    headings: [&str; N],
    rows: impl Iterator<Item = [Cow<'a, str>; N]> + Clone,
) -> io::Result<()> {
    let mut widths = headings.map(UnicodeWidthStr::width);
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = one_line(&cell).width().max(*width);
        }
    }
    write_line(out, &headings.map(Cow::Borrowed), &widths)?;
    rows.into_iter().try_for_each(|row| write_line(out, &row.map(|cell| Cow::Owned(one_line(&cell))), &widths))
}

fn write_line<const N: usize>(out: &mut dyn Write, cells: &[Cow<'_, str>; N], widths: &[usize]) -> io::Result<()> {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width + GAP - cell.width()));
    }
    writeln!(out, "{}", text.trim_end())
}

/// The width that a table has to fit, and the columns that may lose something for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit<'a> {
    /// The width of the terminal.
    pub(crate) columns: usize,
    /// The headings of columns that are cut, and left out if that is not enough, the least important first.
    pub(crate) optional: &'a [&'a str],
    /// The headings of columns that are cut before an optional one is left out.
    pub(crate) cut: &'a [&'a str],
    /// The headings of columns that are cut if the table is still too wide.
    pub(crate) last: &'a [&'a str],
}

/// Renders `rows` under `headings` to fit the terminal of `output`, or with whole cells if it has none.
pub(crate) fn for_output<const N: usize>(
    output: &Output,
    headings: [&str; N],
    rows: &[[String; N]],
    (optional, last): (&[&str], &[&str]),
) -> String {
    match output.result_columns() {
        Some(columns) => fit(headings, rows, Fit { columns, optional, cut: &[], last }),
        None => render(headings, rows),
    }
}

/// The digest for a table: on a terminal its first twelve digits, which identify it in practice.
pub(crate) fn digest(output: &Output, digest: &Digest) -> String {
    if output.result_columns().is_some() { digest.hex()[..12].to_owned() } else { digest.to_string() }
}

/// Renders `rows` under `headings` for a terminal. Columns in which no row has a value are left out.
pub(crate) fn fit<const N: usize>(headings: [&str; N], rows: &[[String; N]], fit: Fit<'_>) -> String {
    let cells: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let is_shown = |column: &usize| cells.is_empty() || cells.iter().any(|row| !is_empty(&row[*column]));
    let width = |column: usize| cells.iter().map(|row| row[column].width()).chain([headings[column].width()]).max();
    let widths = (0..N).filter(is_shown).map(|column| Column { column, width: width(column).unwrap_or_default() });
    let columns = fitted(&headings, &widths.collect::<Vec<_>>(), fit);
    let mut text = String::new();
    for line in [headings.map(str::to_owned)].iter().chain(&cells) {
        let padded = columns.iter().map(|Column { column, width }| padded_at_end(&line[*column], *width));
        text.extend([padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end(), "\n"]);
    }
    text
}

#[derive(Clone, Copy)]
struct Column {
    /// The position among all columns.
    column: usize,
    width: usize,
}

/// Leaves out as few columns as possible, and makes others narrower, so that `all` fit.
fn fitted(headings: &[&str], all: &[Column], fit: Fit<'_>) -> Vec<Column> {
    let mut columns = all.to_vec();
    for left_out in 0..=fit.optional.len() {
        let (gone, kept) = fit.optional.split_at(left_out);
        columns = all.to_vec();
        columns.retain(|column| !gone.contains(&headings[column.column]));
        if narrow(headings, &mut columns, &[kept, fit.cut].concat(), fit.columns) {
            return columns;
        }
    }
    narrow(headings, &mut columns, fit.last, fit.columns);
    columns
}

/// Makes the columns named `cut` narrower, one after another, until all fit into `width`. Returns true if they do.
fn narrow(headings: &[&str], columns: &mut [Column], cut: &[&str], width: usize) -> bool {
    let gaps = GAP * columns.len().saturating_sub(1);
    let total = |columns: &[Column]| columns.iter().map(|column| column.width).sum::<usize>() + gaps;
    for name in cut {
        let excess = total(columns).saturating_sub(width);
        if let Some(column) = columns.iter_mut().find(|column| headings[column.column] == *name) {
            let narrowest = name.width().max(NARROWEST).min(column.width);
            column.width = column.width.saturating_sub(excess).max(narrowest);
        }
    }
    total(columns) <= width
}

/// The width that a cut column keeps.
const NARROWEST: usize = 8;

/// Returns true for the cells that stand for a missing value.
fn is_empty(cell: &str) -> bool {
    matches!(cell, "" | "-" | "<none>")
}

/// Pads `cell` to `width` columns, or cuts its end.
fn padded_at_end(cell: &str, width: usize) -> String {
    let cell = cut(cell, width, |_| 0);
    format!("{cell}{:padding$}", "", padding = width - cell.width().min(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["é".to_owned(), "2".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(render(["A", "B"], &rows), "A      B\né      2\nlong\n");
        assert_eq!(render(["A", "B"], &[]), "A   B\n");
        assert_eq!(render(["A"], &[["one\ntwo\u{1b}[31m".to_owned()]]), "A\none\\ntwo\\u{1b}[31m\n");
    }

    #[test]
    fn columns_are_cut_and_left_out_until_the_table_fits() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        let rows = [
            row(["registry.example/a", "<none>", "Ada of the Analytical Engine", "v1"]),
            row(["b", "-", "数据数据数据数据数据", "v2"]),
        ];
        let headings = ["REPOSITORY", "NAME", "MAINTAINER", "TAG"];
        for (columns, expected) in [
            (
                120,
                "REPOSITORY           MAINTAINER                     TAG\n\
                 registry.example/a   Ada of the Analytical Engine   v1\n\
                 b                    数据数据数据数据数据           v2\n",
            ),
            (
                39,
                "REPOSITORY           MAINTAINER     TAG\n\
                 registry.example/a   Ada of the …   v1\n\
                 b                    数据数据数…    v2\n",
            ),
            (30, "REPOSITORY           TAG\nregistry.example/a   v1\nb                    v2\n"),
            (18, "REPOSITORY     TAG\nregistry.ex…   v1\nb              v2\n"),
        ] {
            let fitting = Fit { columns, optional: &["MAINTAINER"], cut: &[], last: &["REPOSITORY"] };
            assert_eq!(fit(headings, &rows, fitting), expected);
        }
        let fitting = Fit { columns: 33, optional: &["MAINTAINER"], cut: &["REPOSITORY"], last: &[] };
        let expected = "REPOSITORY       MAINTAINER   TAG\n\
                        registry.exam…   Ada of th…   v1\n\
                        b                数据数据…    v2\n";
        assert_eq!(fit(headings, &rows, fitting), expected);
        let fitting = Fit { columns: 80, optional: &[], cut: &[], last: &[] };
        assert_eq!(fit(headings, &[], fitting), "REPOSITORY   NAME   MAINTAINER   TAG\n");
    }
}
