//! Manifests as YAML: for Kubernetes, for KServe and for Compose.

use anyhow::Result;
use serde_json::{Value, json};

use super::settings::{FOLDER, Settings};
use crate::output::{Code, Failure, usage};
use kit_core::ops::Deployment;
use kit_core::tensors::Format;
use kit_core::yaml::value_to_yaml;

/// A Pod that mounts the image form (Kubernetes, "Use an Image Volume With a Pod"). The whole image is mounted, because
/// containerd before 2.2 ignores a `subPath`; the path of the model in it is a variable of the server.
pub(super) fn image_volume(settings: &Settings<'_>) -> Result<String> {
    let reference = settings.pinned_image()?;
    let volume = json!({ "name": "model", "image": { "reference": reference, "pullPolicy": "IfNotPresent" } });
    let pod = pod(settings, &[], &[volume])?;
    Ok(manifest(settings, &["Needs Kubernetes 1.33 with the feature gate ImageVolume, or 1.35."], &pod))
}

/// A Pod whose init containers verify the signature of the ModelKit, if a key is given, unpack the model and verify it.
pub(super) fn init_container(settings: &Settings<'_>) -> Result<String> {
    let (reference, image) = (settings.pinned()?, settings.kit_image()?);
    let mount = |read_only: bool| {
        json!([
            { "name": "model", "mountPath": FOLDER, "readOnly": read_only },
            { "name": "registry-credentials", "mountPath": "/secret", "readOnly": true },
        ])
    };
    let container = |name: &str, command: Value, read_only: bool| {
        json!({
            "name": name,
            "image": image,
            "command": command,
            "env": [{ "name": "DOCKER_CONFIG", "value": "/secret" }],
            "volumeMounts": mount(read_only),
            "resources": { "requests": { "cpu": "500m", "memory": "128Mi" }, "limits": { "memory": "256Mi" } },
        })
    };
    let unpack = json!(["kit", "unpack", reference, "--dir", FOLDER, "--filter", "model"]);
    let verify = json!(["kit", "verify", FOLDER, reference, "--filter", "model"]);
    let mut containers = vec![container("unpack", unpack, false), container("verify", verify, true)];
    if settings.key.is_some() {
        let command = json!(["kit", "verify", reference, "--key", format!("{KEYS}/{KEY}")]);
        let mut signature = container("signature", command, true);
        signature["volumeMounts"][0] = json!({ "name": "keys", "mountPath": KEYS, "readOnly": true });
        containers.insert(0, signature);
    }
    let key = json!([{ "key": ".dockerconfigjson", "path": "config.json" }]);
    let secret = json!({ "secretName": settings.pull_secret()?, "items": key });
    let mut volumes =
        vec![json!({ "name": "model", "emptyDir": {} }), json!({ "name": "registry-credentials", "secret": secret })];
    let keys = settings.key.as_ref().map(|key| config_map(settings, key));
    if keys.is_some() {
        volumes.push(json!({ "name": "keys", "configMap": { "name": keys_name(settings) } }));
    }
    let pod = pod(settings, &containers, &volumes)?;
    let text = manifest(settings, &["The server starts only if `kit verify` finds the files of this digest."], &pod);
    Ok(keys.map_or_else(|| text.clone(), |keys| format!("{text}---\n{}", value_to_yaml(&keys))))
}

/// The folder and the file of the public key in the container.
const KEYS: &str = "/keys";
const KEY: &str = "key.pub";

/// The object that contains the public key.
fn config_map(settings: &Settings<'_>, key: &str) -> Value {
    let metadata = json!({ "name": keys_name(settings) });
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { KEY: key } })
}

fn keys_name(settings: &Settings<'_>) -> String {
    format!("{}-keys", settings.object_name())
}

fn pod(settings: &Settings<'_>, init_containers: &[Value], volumes: &[Value]) -> Result<Value> {
    let mut spec = json!({});
    if !init_containers.is_empty() {
        spec["initContainers"] = json!(init_containers);
    }
    spec["containers"] = json!([{
        "name": "server",
        "image": settings.server_image()?,
        "env": [{ "name": "MODEL_PATH", "value": settings.model_path() }],
        "volumeMounts": [{ "name": "model", "mountPath": FOLDER, "readOnly": true }],
        "resources": { "requests": { "memory": settings.memory() } },
    }]);
    spec["volumes"] = json!(volumes);
    spec["imagePullSecrets"] = json!([{ "name": settings.pull_secret()? }]);
    Ok(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": settings.object_name() }, "spec": spec }))
}

/// An `InferenceService` that mounts the folder `models` of the image form (KServe, "Serving Models with OCI Images").
pub(super) fn kserve(settings: &Settings<'_>) -> Result<String> {
    let reference = settings.pinned_image()?;
    if !settings.deployment.has_models_folder {
        let title = &settings.title;
        let advice =
            "push it with `--also image` and without `--image-layout root`, or pack with paths below `models/`";
        let problem = format!("the image form of `{title}` has no folder `models`, which KServe mounts; {advice}");
        return Err(Failure::error(Code::NotFound, problem));
    }
    let service = json!({
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": { "name": settings.object_name() },
        "spec": {
            "predictor": {
                "model": {
                    "modelFormat": { "name": model_format(settings)? },
                    "storageUri": format!("oci+native://{reference}"),
                    "resources": { "requests": { "memory": settings.memory() } },
                },
                "imagePullSecrets": [{ "name": settings.pull_secret()? }],
            },
        },
    });
    let head = ["KServe mounts the folder `models` of the image at /mnt/models; this needs native OCI models (0.20)."];
    Ok(manifest(settings, &head, &service))
}

/// The name of the model format by which KServe chooses a runtime.
fn model_format(settings: &Settings<'_>) -> Result<String> {
    const KNOWN: [(&str, &str); 12] = [
        ("scikit-learn", "sklearn"),
        ("sklearn", "sklearn"),
        ("xgboost", "xgboost"),
        ("lightgbm", "lightgbm"),
        ("onnx", "onnx"),
        ("tensorflow", "tensorflow"),
        ("paddle", "paddle"),
        ("mlflow", "mlflow"),
        ("pmml", "pmml"),
        ("transformers", "huggingface"),
        ("huggingface", "huggingface"),
        ("pytorch", "pytorch"),
    ];
    let Deployment { model, kitfile, .. } = settings.deployment;
    if let Some(name) = settings.model_format {
        return Ok(name.to_owned());
    }
    let stated = kitfile.model.iter().flat_map(|model| [model.framework.to_lowercase(), model.format.to_lowercase()]);
    let known = stated.filter_map(|stated| KNOWN.into_iter().find(|(word, _)| *word == stated));
    let known = known.map(|(_, name)| name.to_owned()).next();
    // The files of transformers name a class.
    let is_transformers = model.format == Some(Format::Safetensors) && model.architecture.is_some();
    let name = known.or_else(|| is_transformers.then(|| "huggingface".to_owned()));
    name.ok_or_else(|| {
        usage("KServe needs the format of the model, which the Kitfile does not state: --model-format NAME")
    })
}

/// A service that mounts the image form (Compose specification, "volumes", type `image`).
pub(super) fn compose(settings: &Settings<'_>) -> Result<String> {
    let name = settings.object_name();
    let service = json!({
        "image": settings.server_image()?,
        "environment": { "MODEL_PATH": settings.model_path() },
        "volumes": [{ "type": "image", "source": settings.pinned_image()?, "target": FOLDER }],
        "deploy": { "resources": { "reservations": { "memory": format!("{}b", settings.deployment.model.memory) } } },
    });
    let file = json!({ "services": { name: service } });
    Ok(manifest(
        settings,
        &["Image volumes need Docker 28 with the containerd image store. Credentials: `docker login`."],
        &file,
    ))
}

fn manifest(settings: &Settings<'_>, more: &[&str], document: &Value) -> String {
    let head = settings.head();
    let lines = head.iter().map(String::as_str).chain(more.iter().copied());
    let comments: Vec<_> = lines.map(|line| format!("# {line}\n")).collect();
    comments.concat() + &value_to_yaml(document)
}
