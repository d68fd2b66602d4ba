//! The ModelKits and images that a text mentions: lines with digests and names, or the JSON of `kubectl get pods`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::digest::Digest;
use crate::oci::Reference;

/// A ModelKit or image that a text mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The text, as it is written.
    pub text: String,
    /// The name, if it has a registry.
    pub reference: Option<Reference>,
    /// The digest without a name.
    bare: Option<Digest>,
    /// The objects of Kubernetes that use it, as `NAMESPACE/NAME`.
    pub users: BTreeSet<String>,
}

impl Mention {
    fn new(text: &str) -> Self {
        // Runtimes write a scheme before the name (Kubernetes API, ContainerStatus.imageID).
        let name = text.split_once("://").map_or(text, |(_, name)| name);
        let bare = name.parse().ok();
        let reference = name.parse().ok().filter(|reference: &Reference| bare.is_none() && !reference.is_local());
        Self { text: text.to_owned(), reference, bare, users: BTreeSet::new() }
    }

    /// The digest, if it is mentioned.
    pub fn digest(&self) -> Option<Digest> {
        self.bare.or_else(|| self.reference.as_ref()?.digest)
    }

    /// Returns true if it can be asked about: it has a digest, or a name with a registry.
    pub fn is_known(&self) -> bool {
        self.bare.is_some() || self.reference.is_some()
    }
}

/// The error for a text that begins like JSON and is not.
#[derive(Debug, thiserror::Error)]
#[error("the JSON is not valid")]
pub struct InvalidMentions(#[source] serde_json::Error);

/// Reads what `text` mentions, each once, in the order of the text.
///
/// A text that begins with a bracket is JSON: an object of Kubernetes, a list of them, or a list of texts. In other
/// texts, names are separated by white space or commas, and a `#` begins a comment.
pub fn mentions(text: &str) -> Result<Vec<Mention>, InvalidMentions> {
    let mut found = Found::default();
    if text.trim_start().starts_with(['{', '[']) {
        let value = serde_json::from_str(text).map_err(InvalidMentions)?;
        found.add_value(&value);
    } else {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let names = line.split(|sign: char| sign.is_whitespace() || sign == ',');
            names.for_each(|name| found.add(name, None));
        }
    }
    Ok(found.mentions)
}

#[derive(Default)]
struct Found {
    mentions: Vec<Mention>,
}

impl Found {
    fn add(&mut self, text: &str, user: Option<&str>) {
        if text.is_empty() {
            return;
        }
        let at = self.mentions.iter().position(|mention| mention.text == text).unwrap_or_else(|| {
            self.mentions.push(Mention::new(text));
            self.mentions.len() - 1
        });
        self.mentions[at].users.extend(user.map(str::to_owned));
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text, None),
            Value::Array(items) => items.iter().for_each(|item| self.add_value(item)),
            Value::Object(_) => match value["items"].as_array() {
                Some(items) => items.iter().for_each(|item| self.add_object(item)),
                None => self.add_object(value),
            },
            _ => {}
        }
    }

    /// Adds the images of an object of Kubernetes: of a pod, those that run; of others, those that its pods will run.
    fn add_object(&mut self, object: &Value) {
        let user = user(object);
        for spec in SPECS.iter().filter_map(|path| object.pointer(path)) {
            for container in CONTAINERS.iter().flat_map(|list| items(&spec[*list])) {
                self.add_container(container, &object["status"], &user);
            }
            let images = items(&spec["volumes"]).filter_map(|volume| volume["image"]["reference"].as_str());
            images.for_each(|image| self.add(image, Some(&user)));
        }
        for mount in STATUSES.iter().flat_map(|list| items(&object["status"][*list])).flat_map(mounts) {
            let image = mount.pointer("/volumeStatus/image/imageRef").or_else(|| mount.pointer("/image/imageRef"));
            if let Some(image) = image.and_then(Value::as_str) {
                self.add(image, Some(&user));
            }
        }
    }

    /// Adds the image of a container: the digest that runs, as its status names it, or else the name in its
    /// specification. A digest without a repository may be that of a config, so the name is added as well.
    fn add_container(&mut self, container: &Value, status: &Value, user: &str) {
        let is_it = |status: &&Value| status["name"] == container["name"];
        let running = STATUSES.iter().flat_map(|list| items(&status[*list])).find(is_it);
        let running = running.and_then(|status| status["imageID"].as_str()).unwrap_or_default();
        self.add(running, Some(user));
        if !running.contains('@') {
            self.add(container["image"].as_str().unwrap_or_default(), Some(user));
        }
    }
}

/// The places of the specification of pods, in pods, workloads and jobs.
const SPECS: [&str; 3] = ["/spec", "/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const STATUSES: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn mounts(status: &Value) -> impl Iterator<Item = &Value> {
    items(&status["volumeMounts"])
}

/// The name of an object of Kubernetes.
fn user(object: &Value) -> String {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    let name = text("/metadata/name").unwrap_or("?");
    text("/metadata/namespace").map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn texts(text: &str) -> Vec<String> {
        mentions(text).unwrap().into_iter().map(|mention| mention.text).collect()
    }

    #[test]
    fn lines_mention_digests_and_names() {
        let text = format!("{DIGEST}\n# all of production\nr.example/a:v1, r.example/b@{DIGEST}\n\n net:v1 # local\n");
        let found = mentions(&text).unwrap();
        let known: Vec<_> = found.iter().map(|it| (it.text.as_str(), it.is_known(), it.digest().is_some())).collect();
        let named = format!("r.example/b@{DIGEST}");
        let expected =
            [(DIGEST, true, true), ("r.example/a:v1", true, false), (&named, true, true), ("net:v1", false, false)];
        assert_eq!(known, expected);
        assert_eq!(texts("r.example/a:v1 r.example/a:v1\n"), ["r.example/a:v1"]);
        assert!(texts("").is_empty());
    }

    #[test]
    fn the_scheme_of_a_runtime_is_not_a_part_of_the_name() {
        let found = mentions(&format!("docker-pullable://r.example/a@{DIGEST}")).unwrap();
        assert_eq!(found[0].reference.as_ref().unwrap().full_repository(), "r.example/a");
    }

    #[test]
    fn pods_mention_what_runs_and_what_is_mounted() {
        let running = format!("r.example/app@{DIGEST}");
        let pod = json!({
            "kind": "Pod",
            "metadata": { "namespace": "shop", "name": "web-1" },
            "spec": {
                "containers": [
                    { "name": "app", "image": "r.example/app:live" },
                    { "name": "new", "image": "r.example/new:1" },
                ],
                "initContainers": [{ "name": "model", "image": "r.example/net:live-image" }],
                "volumes": [
                    { "name": "m", "image": { "reference": "r.example/net:live" } },
                    { "name": "e", "emptyDir": {} },
                ],
            },
            "status": {
                "containerStatuses": [{
                    "name": "app", "imageID": running, "image": "r.example/app:live",
                    "volumeMounts": [{ "name": "m", "volumeStatus": { "image": { "imageRef": "r.example/net@x" } } }],
                }],
                "initContainerStatuses": [{ "name": "model", "imageID": DIGEST }],
            },
        });
        let expected =
            [&running, "r.example/new:1", DIGEST, "r.example/net:live-image", "r.example/net:live", "r.example/net@x"];
        for text in [pod.to_string(), json!({ "kind": "List", "items": [pod] }).to_string()] {
            assert_eq!(texts(&text), expected);
            assert!(mentions(&text).unwrap().iter().all(|found| found.users.iter().eq(["shop/web-1"])));
        }
    }

    #[test]
    fn workloads_mention_the_images_of_their_pods() {
        let template = json!({ "spec": { "containers": [{ "name": "app", "image": "r.example/app:live" }] } });
        let deployment = json!({ "metadata": { "name": "web" }, "spec": { "template": template } });
        let job = json!({ "spec": { "jobTemplate": { "spec": { "template": template } } } });
        for object in [deployment, job] {
            assert_eq!(texts(&object.to_string()), ["r.example/app:live"]);
        }
        assert_eq!(texts(r#"["r.example/a:v1"]"#), ["r.example/a:v1"]);
        assert!(texts(r#"{"items":[7,{"spec":{"containers":[{}],"volumes":{}}}]}"#).is_empty());
        assert!(mentions("{").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", json in "[\\[\\]{}:,\"a-z0-9 ]{0,60}") {
            for text in [text, json] {
                drop(mentions(&text));
            }
        }
    }
}
