//! Tests of statements of models: the exact bytes that are written, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::relative_path::RelativePath;
use crate::trust::{Bundle, Statement};

fn path(text: &str) -> RelativePath {
    text.parse().unwrap()
}

fn payload_of(case: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/trust/oms");
    let bundle = fs_err::read(format!("{folder}/{case}.sig")).unwrap();
    Bundle::read(&bundle).unwrap().envelope.payload
}

/// A statement whose subject is the digest of the list.
fn statement(serialization: &Value, resources: &[(&str, &str, &[u8])]) -> Result<ModelStatement, ModelStatementError> {
    let root: Vec<u8> = resources.iter().flat_map(|(.., content)| *Digest::of(content).bytes()).collect();
    let resource = |(name, algorithm, content): &(&str, &str, &[u8])| {
        let digest = Digest::of(content).hex();
        json!({ "name": name, "algorithm": algorithm, "digest": digest })
    };
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "net", "digest": { "sha256": Digest::of(&root).hex() } }],
        "predicateType": MODEL_SIGNATURE,
        "predicate": {
            "serialization": serialization,
            "resources": resources.iter().map(resource).collect::<Vec<_>>(),
        },
    });
    ModelStatement::read(Statement::read(statement.to_string().as_bytes()).unwrap())
}

fn by_files(resources: &[(&str, &str, &[u8])]) -> Result<ModelStatement, ModelStatementError> {
    statement(&json!({ "method": "files", "hash_type": "sha256", "allow_symlinks": false }), resources)
}

fn by_shards(size: &Value, names: &[&str]) -> Result<ModelStatement, ModelStatementError> {
    let resources: Vec<_> = names.iter().map(|name| (*name, "sha256-sharded-4", &b"part"[..])).collect();
    let method = json!({ "method": "shards", "hash_type": "sha256", "allow_symlinks": false, "shard_size": size });
    statement(&method, &resources)
}

#[test]
fn a_statement_has_the_bytes_that_other_tools_accept() {
    let payload = payload_of("kit-form");
    let read = ModelStatement::read(Statement::read(&payload).unwrap()).unwrap();
    let mut files: BTreeMap<_, _> = read.files().map(|(path, file)| (path.clone(), file.sha256().unwrap())).collect();
    assert_eq!(files.len(), 9);
    files.insert(path("Kitfile"), Digest::of(b"ignored"));
    files.insert(path(".git/HEAD"), Digest::of(b"ignored"));
    let written = model_statement("sentiment", &files, &default_ignored(None)).unwrap().to_bytes();
    assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(payload).unwrap());
    let nothing = BTreeMap::from([(path("Kitfile"), Digest::of(b"ignored"))]);
    assert_eq!(model_statement("net", &nothing, &default_ignored(None)), Err(ModelStatementError::NoFiles));
}

#[test]
fn each_file_has_one_plain_name() {
    for name in ["", ".", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a/./b", "a\0"] {
        let refused = by_files(&[(name, "sha256", b"")]).unwrap_err();
        assert_eq!(refused, ModelStatementError::Name(name.to_owned()));
    }
    let twice = by_files(&[("a", "sha256", b"1"), ("a", "sha256", b"1")]).unwrap_err();
    assert_eq!(twice, ModelStatementError::Twice(path("a")));
    let other = by_files(&[("a", "sha512", b"1")]).unwrap_err().to_string();
    assert_eq!(other, "it lists `a` with the algorithm `sha512`, not `sha256`");
    assert_eq!(by_files(&[]), Err(ModelStatementError::NoFiles));
}

#[test]
fn ignored_paths_are_below_the_folder() {
    for ignored in ["", ".", "./", "a/..", "..", "/a"] {
        let method =
            json!({ "method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": [ignored] });
        let refused = statement(&method, &[("a", "sha256", b"1")]).unwrap_err();
        assert_eq!(refused, ModelStatementError::Ignored(ignored.to_owned()));
    }
}

#[test]
fn parts_follow_each_other() {
    let signed = by_shards(&json!(4.0), &["a:4:8", "a:0:4", "b:c:0:4"]).unwrap();
    let files: BTreeMap<_, _> = signed.files().collect();
    let matches = |content: &[u8]| files[&path("a")].matches(&mut &*content).unwrap();
    assert_eq!(files.keys().map(|path| path.as_str()).collect::<Vec<_>>(), ["a", "b:c"]);
    assert!(matches(b"partpart"));
    for wrong in [&b""[..], b"part", b"partpar", b"partparT", b"partpart!", b"partpartpart"] {
        assert!(!matches(wrong), "{wrong:?}");
    }
    for (size, names) in [
        (json!(4), &["a:4:8"][..]),
        (json!(4), &["a:0:4", "a:0:4"]),
        (json!(4), &["a:0:4", "a:8:12"]),
        (json!(4), &["a:0:3", "a:2:6"]),
        (json!(4), &["a:0:5"]),
        (json!(4), &["a:4:0"]),
        (json!(4), &["a:0:0"]),
        (json!(4), &["a:+0:4"]),
        (json!(4), &["a:0:18446744073709551616"]),
        (json!(4), &["a"]),
        (json!(4), &["../a:0:4"]),
        (json!(0), &["a:0:4"]),
        (json!(-4), &["a:0:4"]),
        (json!(4.5), &["a:0:4"]),
        (Value::Null, &["a:0:4"]),
    ] {
        by_shards(&size, names).expect_err(&format!("{size} {names:?}"));
    }
}

#[test]
fn names_are_compared_with_a_folder() {
    let signed = by_files(&[("a", "sha256", b"1"), ("b", "sha256", b"2"), ("c", "sha256", b"3")]).unwrap();
    let found: Vec<_> = [
        ("a", FoundKind::File(1)),
        ("b", FoundKind::Link),
        (".git/HEAD", FoundKind::File(1)),
        ("model.sig", FoundKind::File(1)),
        ("x", FoundKind::File(0)),
        ("y", FoundKind::Link),
        ("z", FoundKind::Special),
    ]
    .map(|(name, kind)| FoundFile { path: path(name), kind })
    .into();
    let compare = |unsigned| signed.compare_names(&found, &[path("model.sig")], unsigned);
    let all = compare(UnsignedFiles::Refused);
    assert_eq!(all.to_read.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a"]);
    let words: Vec<_> = all.differences.iter().map(|(path, difference)| (path.as_str(), difference.word())).collect();
    let listed = [("b", "symbolic link"), ("c", "missing")];
    let others = [("x", "unsigned"), ("y", "symbolic link"), ("z", "not a file")];
    assert_eq!(words, [&listed[..], &others].concat());
    assert_eq!(compare(UnsignedFiles::Ignored).differences.len(), 2);
}

proptest::proptest! {
    #[test]
    fn names_and_numbers_of_any_form_do_not_panic(name in "[a/.:0-9-]{0,12}", size in "-?[0-9]{0,3}[.]?[0-9]{0,2}") {
        if let Ok(size) = serde_json::from_str::<Value>(&size) {
            by_shards(&size, &[&name]).map(drop).unwrap_or_default();
        }
        if let Ok(signed) = by_files(&[(&name, "sha256", b"")]) {
            proptest::prop_assert_eq!(signed.files().next().unwrap().0.as_str(), name);
        }
    }
}
