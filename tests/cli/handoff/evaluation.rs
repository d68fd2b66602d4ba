//! Evaluations: attaching results, and comparing the metrics of versions that were evaluated on the same data.

use serde_json::{Value, json};

use crate::trust::scene::{key, kit};
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";

/// Two versions of a project with a dataset, `sample:v1` and `sample:v2`.
fn scene() -> Sandbox {
    let sandbox = Sandbox::packed();
    sandbox.write("project/weights/model.bin", "other weights\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox
}

/// Attaches these results to a version.
fn evaluate(sandbox: &Sandbox, name: &str, results: &str, args: &[&str]) -> Run {
    sandbox.write("results.json", results);
    let key = key("test-cosign.key");
    kit(sandbox, &[&["attach", name, "--result", "results.json", "--key", &key], args].concat())
}

/// The predicate of the newest test result of a version.
fn predicate(sandbox: &Sandbox, name: &str) -> Value {
    kit(sandbox, &["attest", name, "--key", &key("test-cosign.pub"), "--get", "test-result"]).ok().json()
}

#[test]
fn the_result_is_a_signed_test_result_about_the_model_and_the_data() {
    let sandbox = scene();
    let minimum = ["--minimum", "accuracy=0.9", "--minimum", "test.f1=0.8"];
    let results = r#"{"test": {"accuracy": 0.93, "f1": 0.7}}"#;
    let run = evaluate(&sandbox, "sample:v1", results, &[&["--data", "project/data"], &minimum[..]].concat());
    run.ok().says("FAILED: 2 metrics on data (sha256:");
    let found = predicate(&sandbox, "sample:v1");
    // LC_ALL=C find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum
    let data = "5f5263b5af3983838ca942bcb14bb35cae526b8ca6c7e6a4ce7d9ee4d8db4f78";
    let file = kit_testkit::registry::sha256(results.as_bytes()).replace("sha256:", "");
    let expected = json!({
        "result": "FAILED",
        "configuration": [
            { "name": "data", "digest": { "sha256": data }, "annotations": { "ml.kitops.modelkit.role": "data" } },
            { "name": "results.json", "digest": { "sha256": file } },
        ],
        "passedTests": ["accuracy >= 0.9"],
        "failedTests": ["test.f1 >= 0.8"],
        "metrics": { "test.accuracy": 0.93, "test.f1": 0.7 },
        "minimums": { "accuracy": 0.9, "test.f1": 0.8 },
    });
    assert_eq!(found, expected);
    // Bound to this version: the other one has no such attestation.
    let key = key("test-cosign.pub");
    kit(&sandbox, &["attest", "sample:v2", "--key", &key, "--get", "test-result"]).fails();
}

#[test]
fn a_dataset_of_the_modelkit_has_the_digest_of_its_files() {
    let sandbox = scene();
    let digest = |data: &str| {
        evaluate(&sandbox, "sample:v1", r#"{"a": 1}"#, &["--data", data]).ok().says("PASSED: 1 metric on");
        predicate(&sandbox, "sample:v1")["configuration"][0]["digest"]["sha256"].as_str().unwrap().to_owned()
    };
    let folder = digest("project/data");
    assert_eq!(digest("datasets:training"), folder);
    assert_eq!(digest("datasets:data/"), folder);
    let given = format!("sha256:{}", "7".repeat(64));
    assert_eq!(digest(&given), "7".repeat(64));
    let file = digest("project/data/train.csv");
    assert_eq!(file, kit_testkit::registry::sha256(b"a,b\n1,2\n").replace("sha256:", ""));
}

#[test]
fn a_wrong_result_is_refused_before_anything_is_written() {
    let sandbox = scene();
    let check = |results: &str, args: &[&str], code: i32, words: &str| {
        evaluate(&sandbox, "sample:v1", results, args).exits(code).says(words);
    };
    let data = ["--data", "project/data"];
    check("{}", &data, 1, "contains no numbers");
    check(r#"{"acc": NaN}"#, &data, 1, "not valid JSON");
    check(r#"{"acc": 1}"#, &["--data", "none"], 4, "cannot determine the digest of the data in");
    check(r#"{"acc": 1}"#, &["--data", "datasets:none"], 4, "is not a dataset of the ModelKit");
    check(r#"{"acc": 1}"#, &[&data[..], &["--minimum", "f1=1"]].concat(), 1, "the results have no metric `f1`");
    check(r#"{"acc": 1}"#, &[], 2, "--data");
    check(r#"{"acc": 1}"#, &[&data[..], &["--type", "a/b"]].concat(), 2, "--type");
    sandbox.kit(&["attach", "sample:v1", "project/README.md"]).exits(2).says("--type");
    assert_eq!(
        sandbox.kit(&["referrers", "sample:v1", "--type", "application/vnd.dev.sigstore.bundle.v0.3+json"]).ok().stdout,
        ""
    );
}

#[test]
fn diff_compares_metrics_on_the_same_data_only() {
    let sandbox = scene();
    let diff = |args: &[&str]| sandbox.kit(&[&["diff", "sample:v1", "sample:v2"], args].concat()).ok();
    assert!(!diff(&[]).stdout.contains("Metrics") && diff(&["--format", "json"]).json()["metrics"].is_null());
    evaluate(&sandbox, "sample:v1", r#"{"accuracy": 0.9, "loss": 0.5, "f1": 0.8}"#, &["--data", "project/data"]).ok();
    let only = "Metrics\n    only sample:v1 on data (sha256:5f5263b5af39…): accuracy 0.9, f1 0.8, loss 0.5\n";
    assert!(diff(&[]).stdout.contains(only), "{}", diff(&[]).stdout);
    evaluate(&sandbox, "sample:v2", r#"{"accuracy": 0.5}"#, &["--data", "project/data/train.csv"]).ok();
    diff(&[]).prints("    not comparable: evaluated on different data\n");
    assert_eq!(diff(&["--format", "json"]).json()["metrics"]["comparable"], false);
    diff(&["--format", "markdown"]).prints("Metrics: not comparable");
    evaluate(&sandbox, "sample:v2", r#"{"accuracy": 0.93, "loss": 0.5, "bleu": 3}"#, &["--data", "datasets:training"])
        .ok();
    let shown = "\
Metrics
    on datasets:training (sha256:5f5263b5af39…)
  ~ accuracy  0.9 → 0.93 (+0.03)
  + bleu      3
  - f1        0.8
    loss      0.5
    only sample:v2 on train.csv (sha256:";
    let run = diff(&[]);
    assert!(run.stdout.contains(shown) && !run.stdout.contains("not comparable"), "{}", run.stdout);
    let metrics = diff(&["--format", "json"]).json()["metrics"].clone();
    let expected = json!({ "name": "accuracy", "before": 0.9, "after": 0.93, "difference": 0.03 });
    assert_eq!((&metrics["comparable"], &metrics["both"][0]["metrics"][0]), (&json!(true), &expected));
    diff(&["--format", "markdown"]).prints("| `accuracy` | 0.9 | 0.93 |");
    assert!(!diff(&["--only", "code"]).stdout.contains("Metrics"));
}

#[test]
fn log_shows_the_metrics_of_each_version() {
    let sandbox = scene();
    evaluate(&sandbox, "sample:v1", r#"{"accuracy": 0.9, "loss": 0.5}"#, &["--data", "project/data"]).ok();
    evaluate(&sandbox, "sample:v2", r#"{"accuracy": 0.5}"#, &["--data", "project/data/train.csv"]).ok();
    let log = || sandbox.kit(&["log", "sample"]).ok();
    log()
        .prints("  metrics on data: accuracy 0.9, loss 0.5\n")
        .prints("  metrics on train.csv: accuracy 0.5 (not comparable: evaluated on other data than before)\n");
    evaluate(&sandbox, "sample:v2", r#"{"accuracy": 0.88, "loss": 0.5}"#, &["--data", "project/data"]).ok();
    let run = log().prints("  metrics on data: accuracy 0.88 (-0.02), loss 0.5\n");
    assert!(!run.stdout.contains("not comparable"), "{}", run.stdout);
    let versions = sandbox.kit(&["log", "sample", "--format", "json"]).ok().json();
    assert_eq!(versions[0]["metrics"]["both"][0]["metrics"][0]["difference"], -0.02);
    assert_eq!(versions[1]["metrics"]["onlySecond"][0]["data"]["name"], "data");
}

#[test]
fn verdicts_use_the_metrics_and_the_minimums_of_evaluations() {
    let sandbox = scene();
    let data = ["--data", "project/data"];
    let with_minimum = [&data[..], &["--minimum", "accuracy=0.9"]].concat();
    evaluate(&sandbox, "sample:v1", r#"{"test": {"accuracy": 0.95}}"#, &with_minimum).ok();
    evaluate(&sandbox, "sample:v2", r#"{"test": {"accuracy": 0.85}}"#, &data).ok();
    let args = ["diff", "sample:v1", "sample:v2", "--for", "app", "--exit-code"];
    let run = sandbox.kit(&args);
    assert_eq!(run.code, Some(20), "{}", run.stdout);
    let run = run.prints("evaluation[data].test.accuracy").prints("0.85 is below the minimum of 0.9");
    assert!(run.stdout.contains("0.95 → 0.85"), "{}", run.stdout);
    // A minimum on the command line is compared with the evaluation as well.
    evaluate(&sandbox, "sample:v2", r#"{"test": {"accuracy": 0.97}}"#, &data).ok();
    sandbox.kit(&[&args[..5], &["--minimum", "f1=0.5"]].concat()).ok().prints("metric `f1`: neither");
    let run = sandbox.kit(&[&args[..5], &["--minimum", "accuracy=0.99"]].concat()).ok();
    run.prints("0.97 is below the minimum of 0.99");
}

#[test]
fn without_evaluations_a_comparison_costs_no_further_request() {
    let (sandbox, registry) = (scene(), FakeRegistry::start());
    for tag in ["v1", "v2"] {
        let target = format!("{}/team/sample:{tag}", registry.host());
        sandbox.kit(&["push", &format!("sample:{tag}"), &target, PLAIN]).ok();
    }
    let name = |tag: &str| format!("{}/team/sample:{tag}", registry.host());
    let compare = || {
        registry.forget_requests();
        let mut command = sandbox.command(&["diff", &name("v1"), &name("v2"), "--remote", PLAIN]);
        let run = sandbox.run(command.env("KIT_HOME", sandbox.path("other")));
        (run.ok(), registry.requests().len())
    };
    let (_, without) = compare();
    let referrers = registry.requests_of("GET", "/referrers/").len();
    assert_eq!(referrers, 2, "one list for each side: {:?}", registry.log());
    evaluate(&sandbox, &name("v1"), r#"{"a": 1}"#, &["--data", "project/data", "--remote", PLAIN]).ok();
    let (run, with) = compare();
    run.prints("only ");
    assert_eq!(with, without + 2, "{:?}", registry.log());
}
