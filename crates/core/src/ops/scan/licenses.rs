//! The licences of the parts of a ModelKit, as the Kitfile and the licence files beside the parts state them.

use std::io::{self, Read, Seek, SeekFrom};

use serde_json::{Value, json};
use spdx::{Expression, ParseMode};

use crate::draft::{detect_license, spdx_license};
use crate::kitfile::Kitfile;
use crate::limits;
use crate::relative_path::RelativePath;

/// The identifiers of the SPDX list, also deprecated ones, which Kitfiles contain.
const MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// A licence file, and the SPDX identifier of the licence in it, if its text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LicenseFile {
    path: RelativePath,
    license: Option<&'static str>,
}

/// Reads a file of `size` bytes if it has the name of a licence file.
pub(crate) fn license_file(
    content: &mut (impl Read + Seek),
    size: u64,
    path: &RelativePath,
) -> io::Result<Option<LicenseFile>> {
    if size > limits::LICENSE_BYTES || !path.file_name().is_some_and(is_license_name) {
        return Ok(None);
    }
    content.seek(SeekFrom::Start(0))?;
    let mut text = Vec::new();
    content.take(limits::LICENSE_BYTES).read_to_end(&mut text)?;
    let license = detect_license(&String::from_utf8_lossy(&text));
    Ok(Some(LicenseFile { path: path.clone(), license }))
}

/// Returns true for `LICENSE`, `license.txt`, `COPYING` and the like.
pub(crate) fn is_license_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.split_once('.').map_or(name.as_str(), |(stem, _)| stem);
    ["license", "licence", "copying", "unlicense"].contains(&stem)
}

/// Returns the licences of all parts in the order of the Kitfile: the text in the Kitfile, the same as an SPDX
/// expression if it is one, and the nearest licence file in the folder of the part or above it.
pub(crate) fn licenses(kitfile: &Kitfile, files: &[LicenseFile]) -> Vec<Value> {
    let Kitfile { package, model, code, datasets, docs, .. } = kitfile;
    let mut all = vec![license("package", "", &package.license, files)];
    if let Some(model) = model {
        all.push(license("model", &model.path, &model.license, files));
        let parts = model.parts.iter().enumerate();
        all.extend(parts.map(|(at, part)| license(&format!("model.parts[{at}]"), &part.path, &part.license, files)));
    }
    all.extend(code.iter().enumerate().map(|(at, it)| license(&format!("code[{at}]"), &it.path, &it.license, files)));
    all.extend(datasets.iter().enumerate().map(|(at, dataset)| {
        let mut license = license(&format!("datasets[{at}]"), &dataset.path, &dataset.license, files);
        if dataset.is_remote() {
            license["remotePath"] = dataset.remote_path.as_str().into();
        }
        license
    }));
    all.extend(docs.iter().enumerate().map(|(at, docs)| license(&format!("docs[{at}]"), &docs.path, "", files)));
    all
}

fn license(part: &str, path: &str, text: &str, files: &[LicenseFile]) -> Value {
    let text = text.trim();
    let file = path.parse().ok().and_then(|path| nearest(&path, files));
    let file = file.map(|file| json!({ "path": file.path.as_str(), "license": file.license }));
    json!({
        "part": part,
        "text": (!text.is_empty()).then_some(text),
        "expression": expression(text),
        "file": file,
    })
}

/// Returns `text` as an SPDX expression. Names of the Hugging Face hub are identifiers without regard to case.
fn expression(text: &str) -> Option<String> {
    let text = spdx_license(text);
    Expression::parse_mode(&text, MODE).is_ok().then_some(text)
}

/// Returns the licence file in the folder `path` or in the nearest folder above it.
fn nearest<'f>(path: &RelativePath, files: &'f [LicenseFile]) -> Option<&'f LicenseFile> {
    let folder_of = |file: &LicenseFile| file.path.parent().unwrap_or_else(RelativePath::root);
    let above = files.iter().filter(|file| path.starts_with(&folder_of(file)));
    above.max_by_key(|file| folder_of(file).components().count())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::kitfile;

    #[test]
    fn licences_are_expressions_or_texts_with_the_nearest_file() {
        let free = "This is free and unencumbered software released into the public domain.";
        let file = |path: &str, text: &str| {
            license_file(&mut Cursor::new(text), text.len() as u64, &path.parse().unwrap()).unwrap()
        };
        let files: Vec<_> = [file("LICENSE", "own terms"), file("m/license.txt", free), file("m/notes.txt", free)]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(files.len(), 2);
        let kitfile = "manifestVersion: 1.0.0\npackage:\n  name: p\n  license: apache-2.0\nmodel:\n  path: m/w.bin\n  \
                       license: llama3.1\ndatasets:\n- path: d\n  license: MIT OR Zlib\n";
        let found = licenses(&kitfile::parse(kitfile).unwrap(), &files);
        let own = json!({ "path": "LICENSE", "license": null });
        let beside = json!({ "path": "m/license.txt", "license": "Unlicense" });
        assert_eq!(
            found,
            [
                json!({ "part": "package", "text": "apache-2.0", "expression": "Apache-2.0", "file": own }),
                json!({ "part": "model", "text": "llama3.1", "expression": null, "file": beside }),
                json!({ "part": "datasets[0]", "text": "MIT OR Zlib", "expression": "MIT OR Zlib", "file": own }),
            ]
        );
    }
}
