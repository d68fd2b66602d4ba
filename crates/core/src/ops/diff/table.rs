//! Compares the columns and rows of two versions of a table: a file with values separated by commas or tabs and the
//! names of its columns in the first row.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};

use super::rows::{Order, Surplus};
use crate::limits;
use crate::relative_path::RelativePath;

/// The differences between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDiff {
    /// The columns that only the second has.
    pub columns_added: Vec<String>,
    /// The columns that only the first has.
    pub columns_removed: Vec<String>,
    /// The number of rows of the first, without the names of columns.
    pub rows_before: u64,
    /// The number of rows of the second.
    pub rows_after: u64,
    /// True if both have the same columns in another order.
    pub has_columns_reordered: bool,
    /// The rows that differ in the columns that both have; `None` if they share no column, if a column occurs twice, or
    /// if too many rows differ.
    pub rows: Option<RowsDiff>,
    /// True if both have the same rows, as far as they are compared, in another order.
    pub has_rows_reordered: bool,
}

impl TableDiff {
    /// Returns true if only one of the two has some of the columns, so that only parts of the rows are compared.
    pub fn has_other_columns(&self) -> bool {
        !self.columns_added.is_empty() || !self.columns_removed.is_empty()
    }
}

/// The numbers of rows that differ, regardless of their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsDiff {
    /// The number of rows that only the second has.
    pub added: u64,
    /// The number of rows that only the first has.
    pub removed: u64,
}

/// Returns the byte between values, if `path` is the name of a table.
pub(super) fn delimiter(path: &RelativePath) -> Option<u8> {
    match path.file_name()?.rsplit_once('.')?.1 {
        "csv" => Some(b','),
        "tsv" | "tab" => Some(b'\t'),
        _ => None,
    }
}

/// Compares two tables. Returns `None` if one of them is not a table.
///
/// Both are read row by row in parallel, so that equal rows need no memory, however many there are.
pub(super) fn compare(before: impl Read, after: impl Read, delimiter: u8) -> io::Result<Option<TableDiff>> {
    match compare_records(Records::new(before, delimiter), Records::new(after, delimiter)) {
        Ok(found) => Ok(Some(found)),
        Err(Failure::NotATable) => Ok(None),
        Err(Failure::Read(error)) => Err(error),
    }
}

fn compare_records(mut before: Records<impl Read>, mut after: Records<impl Read>) -> Result<TableDiff, Failure> {
    let delimiter = before.delimiter;
    let (columns, others) = (before.columns()?, after.columns()?);
    let shared = Shared::of(&columns, &others);
    let (mut surplus, mut order) = (shared.is_some().then(Surplus::default), Order::default());
    let (mut rows_before, mut rows_after) = (0, 0);
    let (mut one_key, mut other_key) = (Vec::new(), Vec::new());
    loop {
        let (one, other) = (before.next()?, after.next()?);
        rows_before += u64::from(one.is_some());
        rows_after += u64::from(other.is_some());
        if one.is_none() && other.is_none() {
            break;
        }
        let Some(shared) = &shared else { continue };
        let one = one.map(|row| shared.key(row, delimiter, &shared.before, &mut one_key));
        let other = other.map(|row| shared.key(row, delimiter, &shared.after, &mut other_key));
        if one != other {
            order.note(one, other);
            surplus = surplus.and_then(|surplus| surplus.with(one, -1)?.with(other, 1));
        }
    }
    let only_in = |columns: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<_> = others.iter().collect();
        columns.iter().filter(|column| !others.contains(column)).cloned().collect()
    };
    let (columns_added, columns_removed) = (only_in(&others, &columns), only_in(&columns, &others));
    let has_columns_reordered = columns != others && columns_added.is_empty() && columns_removed.is_empty();
    // Of a large table in another order, too many rows differ to count them, but their sum is the same.
    let has_rows_reordered = rows_before == rows_after && order.is_only_difference();
    let none = RowsDiff { added: 0, removed: 0 };
    let rows = if has_rows_reordered { Some(none) } else { surplus.map(|surplus| surplus.count()) };
    let has_rows_reordered = has_rows_reordered && shared.is_some();
    Ok(TableDiff {
        columns_added,
        columns_removed,
        rows_before,
        rows_after,
        has_columns_reordered,
        rows,
        has_rows_reordered,
    })
}

/// The columns that both tables have.
struct Shared {
    /// True if both have these columns only, in the same order.
    is_everything: bool,
    /// Their positions in the first.
    before: Vec<usize>,
    /// Their positions in the second, in the order of the first.
    after: Vec<usize>,
}

impl Shared {
    /// Returns `None` if there are none, or if it is not clear which column is which, because a name occurs twice.
    fn of(before: &[String], after: &[String]) -> Option<Self> {
        let positions: HashMap<_, _> = after.iter().zip(0..).collect();
        let names: HashSet<_> = before.iter().collect();
        let is_everything = before == after;
        if !is_everything && (positions.len() < after.len() || names.len() < before.len()) {
            return None;
        }
        let found = before.iter().zip(0..).filter_map(|(name, position)| Some((position, *positions.get(name)?)));
        let (before, after): (Vec<_>, Vec<_>) = found.unzip();
        (is_everything || !before.is_empty()).then_some(Self { is_everything, before, after })
    }

    /// Returns the part of `row` to compare: the values at `positions`, written to `key`, or all of it.
    fn key<'a>(&self, row: &'a [u8], delimiter: u8, positions: &[usize], key: &'a mut Vec<u8>) -> &'a [u8] {
        if self.is_everything {
            return row;
        }
        let values = fields(row, delimiter);
        key.clear();
        for position in positions {
            let value = values.get(*position).map_or(&[][..], Vec::as_slice);
            key.extend_from_slice(&value.len().to_le_bytes());
            key.extend_from_slice(value);
        }
        key
    }
}

/// The reason why a file is not compared as a table.
#[derive(Debug)]
enum Failure {
    Read(io::Error),
    /// The file is empty, or a row or the list of columns is too long for a table.
    NotATable,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// The rows of a table, one after the other.
struct Records<R> {
    reader: BufReader<R>,
    delimiter: u8,
    record: Vec<u8>,
}

impl<R: Read> Records<R> {
    fn new(source: R, delimiter: u8) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, source), delimiter, record: Vec::new() }
    }

    /// Reads the names of the columns from the first row.
    fn columns(&mut self) -> Result<Vec<String>, Failure> {
        let delimiter = self.delimiter;
        let names = self.next()?.map(|record| values(record, delimiter));
        names.filter(|names| names.len() <= limits::DIFF_COLUMNS).ok_or(Failure::NotATable)
    }

    /// Reads the next row, without the end of the line. Empty lines do not count as rows.
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.record.clear();
        let mut place = Place::Start;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let is_over = buffer.is_empty();
            let end = buffer.iter().position(|byte| place.ends_record(*byte, self.delimiter));
            self.record.extend_from_slice(&buffer[..end.unwrap_or(buffer.len())]);
            let read = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(read);
            if self.record.len() > limits::DIFF_RECORD_BYTES {
                return Err(Failure::NotATable);
            }
            if end.is_none() && !is_over {
                continue;
            }
            if self.record.last() == Some(&b'\r') {
                self.record.pop();
            }
            if !self.record.is_empty() || is_over {
                return Ok((!self.record.is_empty()).then_some(&self.record[..]));
            }
            place = Place::Start;
        }
    }
}

/// The position of a reader in a row (RFC 4180, 2; quotes that do not begin a value are part of it).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The beginning of a value.
    Start,
    /// Inside a value without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that ends the value, or is the first of two that stand for a quote in it.
    Closed,
}

impl Place {
    /// Advances over `byte`. Returns true if it ends the row.
    fn ends_record(&mut self, byte: u8, delimiter: u8) -> bool {
        *self = match (*self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Start | Self::Closed, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, b'\n') => return true,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        };
        false
    }
}

/// Returns the names of the columns in `record`.
fn values(record: &[u8], delimiter: u8) -> Vec<String> {
    let record = record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record);
    fields(record, delimiter).into_iter().map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
}

/// Returns the values in `record`, without quotes.
fn fields(record: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let (mut values, mut place) = (vec![Vec::new()], Place::Start);
    for byte in record {
        let before = place;
        place.ends_record(*byte, delimiter);
        match (before, place) {
            (_, Place::Start) => values.push(Vec::new()),
            (Place::Start, Place::Quoted) | (Place::Quoted, Place::Closed) => {}
            _ => values.last_mut().expect("the list begins with one value").push(*byte),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare_csv(before: &str, after: &str) -> Option<TableDiff> {
        compare(before.as_bytes(), after.as_bytes(), b',').unwrap()
    }

    fn check(before: &str, after: &str, (rows_before, rows_after): (u64, u64), (added, removed): (u64, u64)) {
        let rows = Some(RowsDiff { added, removed });
        let found = compare_csv(before, after).unwrap();
        assert_eq!((found.rows_before, found.rows_after, found.rows), (rows_before, rows_after, rows), "{after:?}");
        assert!(!found.has_other_columns() && !found.has_columns_reordered, "{after:?}");
    }

    #[test]
    fn rows_are_matched_regardless_of_order() {
        check("a,b\n1,2\n", "a,b\n1,2\n3,4\n", (1, 2), (1, 0));
        check("a,b\n1,2\n3,4\n", "a,b\n0,0\n1,2\n3,4", (2, 3), (1, 0));
        check("a\n1\n2\n3\n", "a\n3\n2\n1\n", (3, 3), (0, 0));
        check("a\n1\n1\n1\n", "a\n1\n2\n", (3, 2), (1, 2));
        check("a,b\r\n1,2\r\n\r\n", "a,b\n\n1,2\n", (1, 1), (0, 0));
        check("a,b\n1,\"x\ny\"\n", "a,b\n1,\"x\ny\"\"\n\"\n", (1, 1), (1, 1));
        check("a,b\n1,5\"\n2,6\"\n", "a,b\n1,5\"\n", (2, 1), (0, 1));
    }

    #[test]
    fn columns_are_matched_by_name() {
        let found = compare_csv("\u{feff}id,\"the \"\"text\"\"\",old\n1,2,3\n", "id,\"the \"\"text\"\"\",\"new,er\"\n")
            .unwrap();
        let expected = TableDiff {
            columns_added: vec!["new,er".to_owned()],
            columns_removed: vec!["old".to_owned()],
            rows_before: 1,
            rows_after: 0,
            has_columns_reordered: false,
            rows: Some(RowsDiff { added: 0, removed: 1 }),
            has_rows_reordered: false,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_are_compared_in_the_columns_that_both_have() {
        let rows = |before, after| {
            let found = compare_csv(before, after).unwrap();
            found.rows.map(|rows| (rows.added, rows.removed, found.has_rows_reordered))
        };
        let before = "id,text\n1,\"a,b\"\n2,c\n";
        for (after, expected) in [
            ("id,text,label\n1,\"a,b\",x\n2,c,y\n", Some((0, 0, false))),
            ("id,text,label\n2,c,y\n1,\"a,b\",x\n", Some((0, 0, true))),
            ("label,id,text\nx,1,\"a,b\"\ny,2,d\n", Some((1, 1, false))),
            ("text,id\n\"a,b\",1\nc,2\n", Some((0, 0, false))),
            ("id\n1\n2\n3\n", Some((1, 0, false))),
            ("id,text,more\n1,\"a,b\"\n2,c,\n", Some((0, 0, false))),
            // No column in common, and columns whose names are ambiguous.
            ("x,y\n1,2\n", None),
            ("id,id,text\n1,1,c\n", None),
        ] {
            assert_eq!(rows(before, after), expected, "{after}");
        }
        assert!(compare_csv(before, "text,id\n").unwrap().has_columns_reordered);
    }

    #[test]
    fn rows_in_another_order_are_the_same_rows() {
        let table = |rows: &mut dyn Iterator<Item = usize>| {
            format!("a\n{}", rows.map(|row| row.to_string()).collect::<Vec<_>>().join("\n"))
        };
        let size = 2 * limits::DIFF_ROWS;
        let found = compare_csv(&table(&mut (0..size)), &table(&mut (0..size).rev())).unwrap();
        assert_eq!((found.rows, found.has_rows_reordered), (Some(RowsDiff { added: 0, removed: 0 }), true));
        for (after, expected) in [("a\n2\n1\n", true), ("a\n1\n2\n", false), ("a\n2\n2\n", false)] {
            assert_eq!(compare_csv("a\n1\n2\n", after).unwrap().has_rows_reordered, expected, "{after}");
        }
    }

    #[test]
    fn files_that_are_not_tables_are_not_compared() {
        assert_eq!(compare_csv("", "a\n"), None);
        assert_eq!(compare_csv("a\n", &"b".repeat(limits::DIFF_RECORD_BYTES + 1)), None);
        assert_eq!(compare_csv("a\n1\n", &format!("a\n\"{}", "\n".repeat(limits::DIFF_RECORD_BYTES + 1))), None);
        assert_eq!(compare_csv("a\n", &",".repeat(limits::DIFF_COLUMNS)), None);
    }

    #[test]
    fn rows_that_all_differ_are_only_counted() {
        let table = |from: usize| {
            (from..=from + limits::DIFF_ROWS / 2).map(|row| row.to_string()).collect::<Vec<_>>().join("\n")
        };
        let found = compare_csv(&format!("a\n{}", table(0)), &format!("a\n{}", table(limits::DIFF_ROWS))).unwrap();
        assert_eq!((found.rows, found.rows_before), (None, limits::DIFF_ROWS as u64 / 2 + 1));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_tables_add_up(before in "[ab\",\r\n]{0,30}", after in "[ab\",\r\n]{0,30}") {
            let (before, after) = (format!("a\n{before}"), format!("a\n{after}"));
            let (there, back) = (compare_csv(&before, &after).unwrap(), compare_csv(&after, &before).unwrap());
            let RowsDiff { added, removed } = there.rows.unwrap();
            proptest::prop_assert_eq!(there.rows_before + added, there.rows_after + removed);
            proptest::prop_assert_eq!(back.rows, Some(RowsDiff { added: removed, removed: added }));
            let itself = compare_csv(&before, &before).unwrap();
            proptest::prop_assert_eq!(itself.rows, Some(RowsDiff { added: 0, removed: 0 }));
        }
    }
}
