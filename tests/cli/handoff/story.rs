//! Two versions of a classifier: the second one has another label map, another licence and larger weights.

use kit_testkit::sandbox::Sandbox;

const KITFILE: &str = "manifestVersion: 1.0.0
package: {name: sentiment, version: 1.4.0, license: MIT}
model:
  name: net
  path: weights
  parameters:
    metrics: {accuracy: 0.91}
code:
  - path: deploy
  - path: requirements.txt
datasets:
  - {name: train, path: data}
";

const OWNERS: &str = "\
model                 @ml role:sre
/weights/config.json  @app
datasets:train        @data
deploy/               role:sre
package.license       legal@example.com
model.parameters.*    @ml
requirements.txt      role:sre
";

/// A safetensors file with one tensor of `rows` × 4 numbers.
pub fn safetensors(rows: usize) -> Vec<u8> {
    let bytes = rows * 16;
    let header = format!(r#"{{"head.weight":{{"dtype":"F32","shape":[{rows},4],"data_offsets":[0,{bytes}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(vec![0; bytes]);
    file
}

/// The project in its first version.
pub fn project(sandbox: &Sandbox) {
    sandbox.write("project/Kitfile", KITFILE);
    sandbox.write("project/KITOWNERS", OWNERS);
    sandbox.write("project/weights/model.safetensors", safetensors(64));
    sandbox.write("project/weights/config.json", r#"{"id2label":{"0":"negative","1":"positive"}}"#);
    sandbox.write("project/deploy/app.yaml", "replicas: 1\n");
    sandbox.write("project/requirements.txt", "torch==2.3.0\n");
    sandbox.write("project/data/train.csv", "text,label\na,0\n");
}

/// A sandbox with both versions, packed as `sentiment:v1` and `sentiment:v2`.
pub fn versions() -> Sandbox {
    let sandbox = Sandbox::new();
    project(&sandbox);
    sandbox.kit(&["pack", "project", "-t", "sentiment:v1"]).ok();
    change(&sandbox);
    sandbox.kit(&["pack", "project", "-t", "sentiment:v2"]).ok();
    sandbox
}

/// Makes the second version of the first.
pub fn change(sandbox: &Sandbox) {
    let kitfile = KITFILE.replace("MIT", "CC-BY-NC-4.0").replace("0.91", "0.87");
    sandbox.write("project/Kitfile", kitfile);
    sandbox.write("project/weights/model.safetensors", safetensors(96));
    sandbox.write("project/weights/config.json", r#"{"id2label":{"0":"negative","1":"neutral","2":"positive"}}"#);
    sandbox.write("project/requirements.txt", "torch==2.4.0\n");
}
