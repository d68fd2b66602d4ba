//! Versions for tests, made of documents.

use super::comparison::{Comparison, reasons};
use super::profile::Profile;

/// A version with these documents.
pub(super) fn profile(documents: &[(&str, &str)]) -> Profile {
    let documents = documents.iter().map(|(path, text)| (path.parse().unwrap(), (*text).to_owned())).collect();
    Profile { documents, ..Profile::default() }
}

/// The reasons between two versions, as lines.
pub(super) fn compared(before: &[(&str, &str)], after: &[(&str, &str)]) -> String {
    let (before, after) = (profile(before), profile(after));
    let (fields, files) = (Vec::new(), Vec::new());
    let comparison = Comparison {
        before: &before,
        after: &after,
        fields,
        files,
        parameters: None,
        minimums: &[],
        evaluated: Vec::new(),
    };
    let line = |reason: &super::Reason| format!("{} {}: {}", reason.fact.word(), reason.level.word(), reason.text);
    reasons(&comparison).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn documents_are_facts() {
    let check = |name: &str, before: &str, after: &str, expected: &str| {
        assert_eq!(compared(&[(name, before)], &[(name, after)]), expected, "{name} {before} {after}");
        assert_eq!(compared(&[(name, before)], &[(name, before)]), "");
        assert_eq!(compared(&[(name, before)], &[(&format!("moved/{name}"), after)]), expected);
    };
    let config = "m/config.json";
    check(
        config,
        r#"{"id2label":{"0":"a","1":"b"}}"#,
        r#"{"id2label":{"0":"a","1":"c"}}"#,
        "labels breaking: 1: b → c",
    );
    check(config, r#"{"id2label":{"0":"a"}}"#, r#"{"id2label":{"0":"a","1":"b"}}"#, "labels changed: new labels 1: b");
    check(
        config,
        r#"{"max_position_embeddings":4096}"#,
        r#"{"max_position_embeddings":2048}"#,
        "context length breaking: 4096 → 2048 tokens",
    );
    check(
        config,
        r#"{"architectures":["A"]}"#,
        r#"{"architectures":["B"],"max_position_embeddings":1}"#,
        "architecture breaking: A → B\ncontext length changed: none → 1 tokens",
    );
    check(
        config,
        "{}",
        r#"{"auto_map":{"AutoModel":"m.M"}}"#,
        "remote code breaking: the model needs code of its own: {\"AutoModel\":\"m.M\"}",
    );
    let tokenizer = "tokenizer.json";
    let vocabulary = |vocabulary: &str| format!(r#"{{"model":{{"vocab":{vocabulary}}}}}"#);
    let before = vocabulary(r#"{"a":0,"b":1}"#);
    let other = "tokenizer breaking: 1 token has another number or none, such as `b`";
    check(tokenizer, &before, &vocabulary(r#"{"a":0,"b":2}"#), other);
    check(tokenizer, &before, &vocabulary(r#"{"a":0,"b":1,"c":2}"#), "tokenizer changed: 1 token added");
    check(tokenizer, &before, "not JSON", "tokenizer breaking: the vocabulary differs");
    check(
        "tokenizer_config.json",
        r#"{"eos_token":"</s>","chat_template":"x"}"#,
        r#"{"eos_token":{"content":"<end>"}}"#,
        "special tokens breaking: eos_token: </s> → <end>\nchat template breaking: the chat template was removed",
    );
    check("requirements.txt", "a==1\n", "a==2\nb==1\n", "packages changed: a 1 → 2, b none → 1");
    check("python_env.yaml", "python: 3.10.1\n", "python: 3.11.0\n", "python breaking: 3.10.1 → 3.11.0");
    let mlmodel = |inputs: &str, outputs: &str| format!("signature:\n  inputs: '{inputs}'\n  outputs: '{outputs}'\n");
    check(
        "MLmodel",
        &mlmodel(r#"[{"type":"double","name":"x"}]"#, r#"[{"type":"long"}]"#),
        &mlmodel(r#"[{"type":"string","name":"x"},{"type":"long","name":"y"}]"#, r#"[{"type":"long"}]"#),
        "signature breaking: inputs: the type of `x` is string, before it was double\n\
         signature breaking: inputs: `y` (long) is new",
    );
}

proptest::proptest! {
    #[test]
    fn any_documents_are_compared(before in "[\\[{}\\]\",:a0\n=. -]{0,60}", after in "\\PC{0,60}") {
        for name in ["config.json", "tokenizer.json", "MLmodel", "requirements.txt", "uv.lock"] {
            compared(&[(name, &before)], &[(name, &after)]);
        }
    }
}
