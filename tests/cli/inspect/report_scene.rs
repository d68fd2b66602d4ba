//! A ModelKit with everything that a report shows, and one that tries to become markup.

use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;
use serde_json::json;

use crate::trust::scene::{key, kit};

/// Text that would be markup, a script or a command if it was not escaped.
pub const HOSTILE: &str = "</title></style></script><img src=//evil.example/x onerror=alert(1)>\"' |`[x](javascript:1)";

/// The ModelKits `net:v1` to `net:v3`, the last one signed and attested with the golden key.
pub fn versions() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("base/m.safetensors", samples::small_safetensors());
    sandbox.write("base/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.safetensors}\n");
    sandbox.kit(&["pack", "base", "-t", "base:v1"]).ok();
    for (version, accuracy) in [("v1", "0.81"), ("v2", "0.84"), ("v3", "0.92")] {
        write_project(&sandbox, version, accuracy);
        sandbox.kit(&["pack", "net", "-t", &format!("net:{version}")]).ok();
    }
    attest(&sandbox);
    sandbox
}

fn write_project(sandbox: &Sandbox, version: &str, accuracy: &str) {
    let mut weights = samples::small_safetensors();
    *weights.last_mut().unwrap() = version.as_bytes()[1];
    sandbox.write("net/model/weights.safetensors", weights);
    sandbox.write("net/data.csv", format!("a,b\n1,{version}\n"));
    sandbox.write("net/README.md", "---\npipeline_tag: text-classification\n---\n# Net\n");
    let kitfile = format!(
        "manifestVersion: 1.0.0
package: {{name: net, version: {version}, description: Sorts texts., license: Apache-2.0, authors: [Ada <a@b.example>]}}
model:
  name: net
  path: model
  license: Apache-2.0
  framework: PyTorch
  parameters: {{epochs: 3, metrics: {{accuracy: {accuracy}}}}}
datasets:
- {{name: rows, path: data.csv, license: CC-BY-4.0}}
- {{name: base, path: base, remotePath: \"base:v1\"}}
docs:
- path: README.md
"
    );
    sandbox.write("net/Kitfile", kitfile);
}

fn attest(sandbox: &Sandbox) {
    let secret = key("test-p256.key.pem");
    let attest = |kind: &str, predicate: &serde_json::Value, to: &str| {
        sandbox.write("predicate.json", predicate.to_string());
        kit(sandbox, &["attest", to, "--key", &secret, "--type", kind, "--predicate", "predicate.json"]).ok();
    };
    kit(sandbox, &["sign", "net:v3", "--key", &secret]).ok();
    kit(sandbox, &["attest", "net:v3", "--key", &secret, "--scan"]).ok();
    let passed = json!({
        "result": "PASSED", "configuration": [{ "name": "held out" }], "passedTests": ["a", "b"],
        "metrics": { "robustness": 0.7 },
    });
    attest("test-result", &passed, "net:v3");
    let approval = json!({ "role": "owner", "approver": "Grace", "approvedOn": "2026-11-20", "comment": "fine" });
    attest("urn:kit:approval:v1", &approval, "net:v3");
    let recall = json!({
        "action": "recall", "reason": "Labels were swapped.", "instead": "net:v3", "recalledOn": "2026-11-21",
        "recaller": "Grace",
    });
    attest("urn:kit:recall:v1", &recall, "net:v2");
}

/// A ModelKit `evil:v1` whose names are markup.
pub fn hostile() -> Sandbox {
    let sandbox = Sandbox::new();
    let kitfile = json!({
        "manifestVersion": "1.0.0",
        "package": {
            "name": HOSTILE, "version": HOSTILE, "description": HOSTILE, "license": HOSTILE, "authors": [HOSTILE],
        },
        "model": {
            "name": HOSTILE, "path": "m.safetensors", "license": HOSTILE, "framework": HOSTILE, "version": HOSTILE,
            "parameters": { HOSTILE: HOSTILE, "metrics": { HOSTILE: 1 } },
        },
        "datasets": [{ "name": HOSTILE, "path": "d", "remotePath": format!("https://{HOSTILE}"), "license": HOSTILE }],
    });
    for version in ["v0", "v1"] {
        let mut weights = samples::small_safetensors();
        *weights.last_mut().unwrap() = version.as_bytes()[1];
        sandbox.write("evil/m.safetensors", weights);
        sandbox.write("evil/Kitfile", kitfile.to_string());
        sandbox.kit(&["pack", "evil", "-t", &format!("evil:{version}")]).ok();
    }
    let secret = key("test-p256.key.pem");
    let document = |action: &str| {
        let document = json!({
            "action": action, "reason": HOSTILE, "instead": HOSTILE, "recaller": HOSTILE, "recalledOn": HOSTILE,
            "role": HOSTILE, "approver": HOSTILE, "comment": HOSTILE, "result": HOSTILE, "level": HOSTILE,
            "configuration": [{ "name": HOSTILE }], "metrics": { HOSTILE: 2 },
            "findings": [{ "path": HOSTILE, "level": HOSTILE, "rule": HOSTILE, "detail": HOSTILE }],
        });
        sandbox.write("predicate.json", document.to_string());
    };
    let attest = |kind: &str| {
        kit(&sandbox, &["attest", "evil:v1", "--key", &secret, "--type", kind, "--predicate", "predicate.json"]).ok();
    };
    document("recall");
    for kind in ["urn:kit:recall:v1", "test-result", "urn:kit:scan:v1", &format!("urn:{}", HOSTILE.replace(' ', ""))] {
        attest(kind);
    }
    document("approve");
    attest("urn:kit:approval:v1");
    sandbox
}
