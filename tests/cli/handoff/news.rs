//! `kit news`: one part for each owner, in four formats.

use expect_test::expect;
use serde_json::json;

use super::story;
use kit_testkit::sandbox::Sandbox;

const ARGS: [&str; 4] = ["news", "sentiment:v2", "--since", "sentiment:v1"];

#[test]
fn markdown_has_a_part_for_each_owner() {
    let sandbox = story::versions();
    let run = sandbox.kit(&ARGS).ok();
    expect![[r#"
        ## `sentiment:v2` since `sentiment:v1`

        - app: **breaking**
        - sre: **breaking**
        - data: changed
        - security: **breaking**

        ### @app: breaking

        - **breaking** labels in `weights/config.json`: `1: positive → neutral; new labels 2: positive`
        - changed: `weights/config.json`

        ### @ml: breaking

        - **breaking** tensors in `weights/model.safetensors`: `1 tensor: head.weight [64, 4] → [96, 4]`
        - **breaking** memory in `weights/model.safetensors`: `1.0 KiB → 1.5 KiB (+512 B, +50 %)`
        - changed weights in `weights/model.safetensors`: `1 file with other bytes`
        - changed metrics in `model.parameters.metrics.accuracy`: `0.91 → 0.87`
        - changed: `model.parameters.metrics.accuracy`
        - changed: `weights/model.safetensors`

        ### legal@example.com: breaking

        - **breaking** licence in `package.license`: `MIT → CC-BY-NC-4.0`
        - changed: `package.license`

        ### role:sre: breaking

        - **breaking** memory in `weights/model.safetensors`: `1.0 KiB → 1.5 KiB (+512 B, +50 %)`
        - changed tensors in `weights/model.safetensors`: `1 tensor: head.weight [64, 4] → [96, 4]`
        - changed packages in `requirements.txt`: `torch 2.3.0 → 2.4.0`
        - changed: `requirements.txt`
        - changed: `weights/model.safetensors`
    "#]]
    .assert_eq(&run.stdout);
    let digest = sandbox.kit(&["inspect", "sentiment:v1", "--format", "json"]).ok().json()["digest"].clone();
    let since = sandbox.kit(&["news", "sentiment:v2", "--since", digest.as_str().unwrap()]).ok().stdout;
    assert_eq!(since.lines().skip(1).collect::<Vec<_>>(), run.stdout.lines().skip(1).collect::<Vec<_>>());
    sandbox.kit(&["news", "sentiment:v1", "--since", "sentiment:v1"]).ok().prints("Nothing changed.");
}

#[test]
fn json_has_everything() {
    let data = story::versions().kit(&[&ARGS[..], &["--format", "json"]].concat()).ok().json();
    let owners: Vec<_> = data["parts"].as_array().unwrap().iter().map(|part| part["owner"].clone()).collect();
    assert_eq!(owners, [json!("@app"), json!("@ml"), json!("legal@example.com"), json!("role:sre")]);
    assert_eq!(data["verdicts"][0], json!({ "role": "app", "level": "breaking" }));
    assert_eq!(data["parts"][0]["files"], json!(["weights/config.json"]));
    assert_eq!(data["parts"][2]["fields"], json!(["package.license"]));
}

/// Packs two versions with names and values that try to break out of each format.
fn hostile() -> Sandbox {
    let sandbox = Sandbox::new();
    story::project(&sandbox);
    sandbox.write("project/deploy/`@all`<b onclick='x'>&amp;.yaml", "a\n");
    sandbox.kit(&["pack", "project", "-t", "sentiment:v1"]).ok();
    sandbox.write("project/deploy/`@all`<b onclick='x'>&amp;.yaml", "b\n");
    sandbox.write("project/weights/config.json", r#"{"id2label":{"0":"<!channel>`x`\n# title","1":"</li><script>"}}"#);
    sandbox.kit(&["pack", "project", "-t", "sentiment:v2"]).ok();
    sandbox
}

#[test]
#[cfg_attr(windows, ignore = "makes a file with < and > in its name")]
fn hostile_names_stay_text_in_every_format() {
    let sandbox = hostile();
    let text = |format: &str| sandbox.kit(&[&ARGS[..], &["--format", format]].concat()).ok().stdout;
    let markdown = text("markdown");
    assert!(markdown.contains("- changed: `deploy/'@all'<b onclick='x'>&amp;.yaml`\n"), "{markdown}");
    assert!(
        !markdown.contains("\n# title") && markdown.contains("`0: negative → <!channel>'x'\\n# title"),
        "{markdown}"
    );
    let html = text("html");
    assert!(!html.contains("<script") && !html.contains("<b ") && !html.contains("<!channel"), "{html}");
    assert!(html.contains("<code>deploy/`@all`&lt;b onclick=&#39;x&#39;&gt;&amp;amp;.yaml</code>"), "{html}");
    assert!(html.ends_with("</body>\n</html>\n"));
    let slack: serde_json::Value = serde_json::from_str(&text("slack")).unwrap();
    let shown = slack["blocks"].to_string();
    assert!(!shown.contains("<!channel>") && shown.contains("&lt;!channel&gt;'x'"), "{shown}");
    assert_eq!(slack["blocks"][0]["type"], "header");
}

#[test]
fn without_owners_there_is_one_part() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let run = sandbox.kit(&["news", "sample:v2", "--since", "sample:v1"]).ok();
    let run = run.prints("- data: changed\n").prints("\n### Changes: changed\n");
    run.prints("- changed datasets in `data/train.csv`: `1 file differs`\n");
    sandbox.kit(&["news", "sample:v2", "--since", "sample:v9"]).exits(4);
    sandbox.kit(&["news", "sample:v2", "--since", "sample:v1", "--format", "pdf"]).exits(2);
}
