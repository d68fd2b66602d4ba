//! Checks of datasets whose data stays elsewhere, with the messages of KitOps.

use super::document::{Dataset, Kitfile};
use super::entries::{Entry, Section};
use crate::problem::Problem;
use crate::relative_path::RelativePath;

/// The scheme of objects in an object store.
const S3: &str = "s3://";

/// All problems of remote datasets.
pub(super) fn problems(kitfile: &Kitfile) -> Vec<Problem> {
    let datasets = kitfile.datasets.iter().enumerate();
    let of_each = datasets.filter_map(|(index, dataset)| {
        let (field, message) = problem(dataset)?;
        Some(Problem::of(format!("datasets[{index}].{field}"), message))
    });
    of_each.chain(within_remote(kitfile)).collect()
}

fn problem(Dataset { remote_path, remote_hash, .. }: &Dataset) -> Option<(&'static str, String)> {
    let is_web = ["https://", "http://"].iter().any(|scheme| remote_path.starts_with(scheme));
    let has_reference = Dataset { remote_path: remote_path.clone(), ..Dataset::default() }.reference().is_some();
    match (&**remote_path, &**remote_hash) {
        ("", "") => None,
        ("", _) => Some(("remoteHash", "remote hash is only applicable when remotePath is set".to_owned())),
        // Without the ETag of the object, nothing shows that it has changed.
        (path, "") if path.starts_with(S3) => {
            Some(("remotePath", format!("remoteHash is required when remote dataset paths are used ({path})")))
        }
        (path, _) if path.starts_with(S3) || is_web || has_reference => None,
        (path, _) => {
            let supported = "only S3 URLs, HTTP URLs and ModelKit references are supported for remote dataset paths";
            Some(("remotePath", format!("{supported} ({path})")))
        }
    }
}

/// Entries whose files would be mixed with those of a dataset that is another ModelKit, unless that has no folder of
/// its own.
fn within_remote(kitfile: &Kitfile) -> Vec<Problem> {
    let kits = kitfile.datasets.iter().filter(|dataset| dataset.reference().is_some());
    let folders: Vec<RelativePath> =
        kits.filter_map(|dataset| dataset.path.parse().ok()).filter(|path: &RelativePath| !path.is_root()).collect();
    let is_within = |entry: &Entry<'_>| {
        entry.relative_path().is_ok_and(|path| folders.iter().any(|folder| path.starts_with(folder)))
    };
    let entries = kitfile.entries().into_iter().filter(is_within);
    let message = |entry: &Entry<'_>| {
        format!("{} uses a path ({}) that is within the path for a remote dataset", owner(entry), entry.path)
    };
    entries.map(|entry| Problem::of(format!("{}.path", entry.place()), message(&entry))).collect()
}

/// The name of KitOps for an entry in messages.
fn owner(entry: &Entry<'_>) -> String {
    let Entry { section, index, name, .. } = entry;
    match section {
        Section::Model => format!("model {name}"),
        Section::ModelPart => format!("modelpart {name}"),
        Section::Code => format!("code layer {index}"),
        Section::Dataset => format!("dataset layer {index}"),
        Section::Docs => format!("docs layer {index}"),
        Section::Prompt => format!("prompt layer {index}"),
        Section::McpServer => format!("mcpServer layer {index}"),
    }
}

/// Warnings about hashes without an effect.
pub(super) fn warnings(kitfile: &Kitfile) -> impl Iterator<Item = Problem> + '_ {
    let datasets = kitfile.datasets.iter().enumerate();
    let ignored = datasets.filter(|(_, dataset)| !dataset.remote_hash.is_empty() && dataset.reference().is_some());
    ignored.map(|(index, Dataset { remote_path, .. })| {
        let message = format!("remoteHash is ignored for ModelKit references in datasets ({remote_path})");
        Problem::of(format!("datasets[{index}].remoteHash"), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(problems: impl IntoIterator<Item = Problem>) -> Vec<String> {
        problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect()
    }

    #[test]
    fn remote_datasets_have_an_address_and_a_hash() {
        for (dataset, expected) in [
            (r#"{"path":"a"}"#, None),
            (r#"{"path":"a","remotePath":"s3://b/k","remoteHash":"e"}"#, None),
            (r#"{"path":"a","remotePath":"https://x/y"}"#, None),
            (r#"{"path":"a","remotePath":"r.io/team/data:v1"}"#, None),
            (
                r#"{"path":"a","remoteHash":"e"}"#,
                Some("remoteHash: remote hash is only applicable when remotePath is set"),
            ),
            (
                r#"{"path":"a","remotePath":"s3://b/k"}"#,
                Some("remotePath: remoteHash is required when remote dataset paths are used (s3://b/k)"),
            ),
            (
                r#"{"path":"a","remotePath":"gs://b/k","remoteHash":"e"}"#,
                Some(
                    "remotePath: only S3 URLs, HTTP URLs and ModelKit references are supported for remote dataset \
                     paths (gs://b/k)",
                ),
            ),
        ] {
            let kitfile: Kitfile = serde_json::from_str(&format!(r#"{{"datasets":[{dataset}]}}"#)).unwrap();
            let expected: Vec<_> = expected.iter().map(|expected| format!("datasets[0].{expected}")).collect();
            assert_eq!(shown(problems(&kitfile)), expected, "{dataset}");
        }
    }

    #[test]
    fn nothing_is_packed_within_a_dataset_that_is_a_modelkit() {
        let json = r#"{"datasets":[{"path":"data","remotePath":"base:v1","remoteHash":"e"},{"path":"data/more"}],
            "code":[{"path":"data2"}],"docs":[{"path":"data"}]}"#;
        let kitfile: Kitfile = serde_json::from_str(json).unwrap();
        let rest = "that is within the path for a remote dataset";
        let expected = [
            format!("datasets[1].path: dataset layer 1 uses a path (data/more) {rest}"),
            format!("docs[0].path: docs layer 0 uses a path (data) {rest}"),
        ];
        assert_eq!(shown(problems(&kitfile)), expected);
        let ignored = "datasets[0].remoteHash: remoteHash is ignored for ModelKit references in datasets (base:v1)";
        assert_eq!(shown(warnings(&kitfile)), [ignored]);
    }
}
