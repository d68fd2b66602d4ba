//! Notebooks without their outputs: an edit of the text that leaves all other bytes as they are.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::json::{Member, items, members, whole};

/// The metadata of a notebook that an execution writes: the state of widgets, and the signature of format 3.
const NOTEBOOK_METADATA: [&str; 2] = ["signature", "widgets"];

/// The metadata of a cell that an execution or the user interface writes: those that nbstripout removes by default.
const CELL_METADATA: [&str; 6] = ["ExecuteTime", "collapsed", "execution", "heading_collapsed", "hidden", "scrolled"];

/// Returns true for the metadata of a cell that say nothing about its content.
pub(super) fn is_volatile(key: &str) -> bool {
    CELL_METADATA.contains(&key)
}

/// Returns the text of a notebook without outputs, execution counts, and the metadata that an execution writes; `None`
/// if it is not a notebook of format 3 or 4.
///
/// All other bytes stay the same: indentation, the order of members, the final line feed. A notebook without outputs is
/// returned unchanged, and equal code gives equal bytes.
pub fn without_outputs(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let notebook = members(text, &whole(text));
    let mut edits = Vec::new();
    let mut is_notebook = false;
    for member in &notebook {
        match &*member.key {
            "metadata" => remove(text, &member.value, &NOTEBOOK_METADATA, &mut edits),
            "cells" => is_notebook |= strip_cells(text, member, &mut edits),
            "worksheets" => {
                for sheet in items(text, &member.value) {
                    for member in members(text, &sheet).iter().filter(|member| member.key == "cells") {
                        is_notebook |= strip_cells(text, member, &mut edits);
                    }
                }
            }
            _ => {}
        }
    }
    is_notebook.then(|| edited(text, &edits))
}

/// The place of bytes, and those that replace them.
type Edit = (Range<usize>, &'static str);

/// Strips the cells; returns false if the member is not an array.
fn strip_cells(text: &str, cells: &Member<'_>, edits: &mut Vec<Edit>) -> bool {
    for cell in items(text, &cells.value) {
        for Member { key, value, .. } in members(text, &cell) {
            match &*key {
                "outputs" => replace(text, value, "[]", edits),
                "execution_count" | "prompt_number" => replace(text, value, "null", edits),
                "metadata" => remove(text, &value, &CELL_METADATA, edits),
                _ => {}
            }
        }
    }
    text.get(cells.value.clone()).is_some_and(|cells| cells.starts_with('['))
}

fn replace(text: &str, place: Range<usize>, with: &'static str, edits: &mut Vec<Edit>) {
    let is_empty_list = with == "[]" && items(text, &place).is_empty();
    if !is_empty_list && text.get(place.clone()) != Some(with) {
        edits.push((place, with));
    }
}

/// Removes the members called `names` from the object at `place`, each with the comma that separates it from the rest.
fn remove(text: &str, place: &Range<usize>, names: &[&str], edits: &mut Vec<Edit>) {
    let members = members(text, place);
    let is_removed = |member: &Member<'_>| names.contains(&&*member.key);
    if !members.is_empty() && members.iter().all(is_removed) {
        edits.push((place.clone(), "{}"));
        return;
    }
    let mut kept: Option<&Member<'_>> = None;
    for (index, member) in members.iter().enumerate() {
        if !is_removed(member) {
            kept = Some(member);
            continue;
        }
        edits.push(match (kept, members.get(index + 1)) {
            (Some(_), _) => (members[index - 1].value.end..member.value.end, ""),
            (None, Some(next)) => (member.start..next.start, ""),
            (None, None) => continue,
        });
    }
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for (place, with) in edits {
        result.push_str(text.get(at..place.start).unwrap_or_default());
        result.push_str(with);
        at = place.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let stripped = without_outputs(text).unwrap();
        assert_eq!(stripped, expected);
        assert_eq!(without_outputs(&stripped).as_deref(), Some(expected), "a second time");
    }

    #[test]
    fn outputs_and_counts_are_removed_and_nothing_else() {
        check(
            r#"{"cells": [
 {"cell_type":"code","id":"a","execution_count": 3,"metadata":{"tags":["parameters"]},"outputs":[{"x":"]"}],
  "source":["é = 1\n"]},
 {"cell_type":"markdown","source":"outputs","metadata": {}}],"nbformat":4, "nbformat_minor":5}
"#,
            r#"{"cells": [
 {"cell_type":"code","id":"a","execution_count": null,"metadata":{"tags":["parameters"]},"outputs":[],
  "source":["é = 1\n"]},
 {"cell_type":"markdown","source":"outputs","metadata": {}}],"nbformat":4, "nbformat_minor":5}
"#,
        );
    }

    #[test]
    fn metadata_of_an_execution_is_removed_with_its_comma() {
        for (metadata, expected) in [
            (r#"{"collapsed": true}"#, "{}"),
            (r#"{ "collapsed": true, "a": 1 }"#, r#"{ "a": 1 }"#),
            (r#"{"a": 1, "scrolled": false}"#, r#"{"a": 1}"#),
            (r#"{"a": 1, "scrolled": 1, "execution": {"t": [","]}, "b": 2}"#, r#"{"a": 1, "b": 2}"#),
            (r#"{"scrolled": 1, "hidden": 1, "b": 2, "ExecuteTime": {}}"#, r#"{"b": 2}"#),
            ("{}", "{}"),
        ] {
            let notebook = |metadata: &str| format!(r#"{{"cells": [{{"metadata": {metadata}, "outputs": [ ]}}]}}"#);
            check(&notebook(metadata), &notebook(expected));
        }
        check(r#"{"metadata": {"widgets": {}, "k": 1}, "cells": []}"#, r#"{"metadata": {"k": 1}, "cells": []}"#);
    }

    #[test]
    fn notebooks_of_format_3_are_stripped() {
        check(
            r#"{"worksheets": [{"cells": [{"prompt_number": 7, "outputs": [1], "input": ["x"]}]}], "nbformat": 3}"#,
            r#"{"worksheets": [{"cells": [{"prompt_number": null, "outputs": [], "input": ["x"]}]}], "nbformat": 3}"#,
        );
    }

    #[test]
    fn other_texts_are_not_stripped() {
        for text in ["", "{}", "[]", r#"{"cells": {}}"#, r#"{"cells": [}"#, r#"{"cells": []} x"#, "\u{feff}{}"] {
            assert_eq!(without_outputs(text), None, "{text}");
        }
        let deep = format!(r#"{{"cells": [{}1{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(without_outputs(&deep).is_none_or(|stripped| stripped == deep));
    }

    proptest::proptest! {
        #[test]
        fn what_is_stripped_stays_valid(keys in proptest::collection::vec("[a-c]|scrolled|hidden|execution", 0..7)) {
            let members: Vec<_> = keys.iter().enumerate().map(|(n, key)| format!("\"{key}\" : {n}")).collect();
            let text = format!(r#"{{"cells":[{{"metadata":{{ {} }}}}]}}"#, members.join(" , "));
            let stripped = without_outputs(&text).unwrap();
            let value: serde_json::Value = serde_json::from_str(&stripped).unwrap();
            let mut expected: Vec<_> = keys.iter().filter(|key| !is_volatile(key)).collect();
            let mut kept: Vec<_> = value["cells"][0]["metadata"].as_object().unwrap().keys().collect();
            expected.sort();
            kept.sort();
            expected.dedup();
            proptest::prop_assert_eq!(kept, expected);
        }
    }
}
