//! The manifests of each form.

use expect_test::expect;

use super::{SERVER, Scene, check};
use kit_testkit::samples::Gguf;

#[test]
fn an_image_volume_has_the_digest_of_the_image_form() {
    let scene = Scene::new();
    let run = scene.deploy("team/net:v1", &[&["--as", "image-volume"], &SERVER[..]].concat()).ok();
    let image = format!("reference: {}@{}", scene.name("team/net"), scene.digest("team/net", "v1-image"));
    check(
        &run.prints(&image),
        &expect![[r#"
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        # Needs Kubernetes 1.33 with the feature gate ImageVolume, or 1.35.
        apiVersion: v1
        kind: Pod
        metadata:
          name: my-net
        spec:
          containers:
            - name: server
              image: registry.example/server:1.0
              env:
                - name: MODEL_PATH
                  value: /model/model
              volumeMounts:
                - name: model
                  mountPath: /model
                  readOnly: true
              resources:
                requests:
                  memory: 1Mi
          volumes:
            - name: model
              image:
                reference: [REGISTRY]/team/net@[DIGEST]
                pullPolicy: IfNotPresent
          imagePullSecrets:
            - name: [HOST]
    "#]],
    );
}

#[test]
fn an_init_container_unpacks_and_verifies_the_model() {
    let scene = Scene::new();
    let kit = ["--as", "init-container", "--kit-image", "registry.example/kit:0.1.0"];
    let run = scene.deploy("team/net:v1", &[&kit[..], &SERVER, &["--pull-secret", "mine"]].concat()).ok();
    check(
        &run.prints(&scene.digest("team/net", "v1")),
        &expect![[r#"
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        # The server starts only if `kit verify` finds the files of this digest.
        apiVersion: v1
        kind: Pod
        metadata:
          name: my-net
        spec:
          initContainers:
            - name: unpack
              image: registry.example/kit:0.1.0
              command:
                - kit
                - unpack
                - [REGISTRY]/team/net@[DIGEST]
                - --dir
                - /model
                - --filter
                - model
              env:
                - name: DOCKER_CONFIG
                  value: /secret
              volumeMounts:
                - name: model
                  mountPath: /model
                  readOnly: false
                - name: registry-credentials
                  mountPath: /secret
                  readOnly: true
              resources:
                requests:
                  cpu: 500m
                  memory: 128Mi
                limits:
                  memory: 256Mi
            - name: verify
              image: registry.example/kit:0.1.0
              command:
                - kit
                - verify
                - /model
                - [REGISTRY]/team/net@[DIGEST]
                - --filter
                - model
              env:
                - name: DOCKER_CONFIG
                  value: /secret
              volumeMounts:
                - name: model
                  mountPath: /model
                  readOnly: true
                - name: registry-credentials
                  mountPath: /secret
                  readOnly: true
              resources:
                requests:
                  cpu: 500m
                  memory: 128Mi
                limits:
                  memory: 256Mi
          containers:
            - name: server
              image: registry.example/server:1.0
              env:
                - name: MODEL_PATH
                  value: /model/model
              volumeMounts:
                - name: model
                  mountPath: /model
                  readOnly: true
              resources:
                requests:
                  memory: 1Mi
          volumes:
            - name: model
              emptyDir: {}
            - name: registry-credentials
              secret:
                secretName: mine
                items:
                  - key: .dockerconfigjson
                    path: config.json
          imagePullSecrets:
            - name: mine
    "#]],
    );
    scene.deploy("team/net:v1", &["--as", "init-container", SERVER[0], SERVER[1]]).exits(2).says("--kit-image");
}

#[test]
fn an_init_container_verifies_the_signature_first() {
    let scene = Scene::new();
    scene.sandbox.run(scene.sandbox.command(&["key", "new", "key"]).env("COSIGN_PASSWORD", "")).ok();
    let public = fs_err::read_to_string(scene.sandbox.path("key.pub")).unwrap();
    let private = fs_err::read_to_string(scene.sandbox.path("key.key")).unwrap();
    scene.sandbox.write("both.pem", format!("{private}{public}"));
    let with = |key: &str| {
        let args = ["--as", "init-container", "--kit-image", "registry.example/kit:1", "--signed-by", key];
        scene.deploy("team/net:v1", &[&args[..], &SERVER].concat())
    };
    let text = with("key.pub").ok().redacted_stdout();
    let (pod, keys) = text.split_once("---\napiVersion").unwrap();
    let names: Vec<_> = pod.lines().filter_map(|line| line.strip_prefix("    - name: ")).collect();
    assert_eq!(names[..4], ["signature", "unpack", "verify", "server"]);
    assert_eq!(names[4..7], ["model", "registry-credentials", "keys"]);
    assert!(pod.contains(
        "        - verify\n        - [REGISTRY]/team/net@[DIGEST]\n        - --key\n        - /keys/key.pub"
    ));
    assert!(
        keys.contains("  key.pub: |\n    -----BEGIN PUBLIC KEY-----\n    M") && !keys.contains("PRIVATE"),
        "{keys}"
    );
    for wrong in ["key.key", "both.pem"] {
        with(wrong).exits(2).says(wrong);
    }
    with("absent").exits(4);
}

#[test]
fn kserve_mounts_the_folder_models() {
    let scene = Scene::new();
    check(
        &scene.deploy("team/net:v1", &["--as", "kserve"]).ok(),
        &expect![[r#"
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        # KServe mounts the folder `models` of the image at /mnt/models; this needs native OCI models (0.20).
        apiVersion: serving.kserve.io/v1beta1
        kind: InferenceService
        metadata:
          name: my-net
        spec:
          predictor:
            model:
              modelFormat:
                name: huggingface
              storageUri: oci+native://[REGISTRY]/team/net@[DIGEST]
              resources:
                requests:
                  memory: 1Mi
            imagePullSecrets:
              - name: [HOST]
    "#]],
    );
    scene.push("net", "team/root:v1", &["--also", "image", "--image-layout", "root"]);
    scene.deploy("team/root:v1", &["--as", "kserve"]).exits(4).says("has no folder `models`");
}

#[test]
fn a_compose_file_mounts_the_image_form() {
    let scene = Scene::new();
    check(
        &scene.deploy("team/net:v1", &[&["--as", "compose"], &SERVER[..]].concat()).ok(),
        &expect![[r#"
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        # Image volumes need Docker 28 with the containerd image store. Credentials: `docker login`.
        services:
          my-net:
            image: registry.example/server:1.0
            environment:
              MODEL_PATH: /model/model
            volumes:
              - type: image
                source: [REGISTRY]/team/net@[DIGEST]
                target: /model
            deploy:
              resources:
                reservations:
                  memory: 80b
    "#]],
    );
    scene.deploy("team/net:v1", &["--as", "compose"]).exits(2).says("--image IMAGE");
}

#[test]
#[cfg_attr(windows, ignore = "compares backslashes, which the sandbox takes for separators of paths")]
fn vllm_and_ollama_get_the_path_of_the_weights() {
    let scene = Scene::new();
    check(
        &scene.deploy("team/net:v1", &["--as", "vllm"]).ok(),
        &expect![[r#"
        #!/bin/sh
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        set -eu
        kit unpack [REGISTRY]/team/net@[DIGEST] --dir model --filter model
        kit verify model [REGISTRY]/team/net@[DIGEST] --filter model
        exec vllm serve \
          model/model \
          --served-model-name my-net \
          --max-model-len 4096
    "#]],
    );
    check(
        &scene.deploy("team/net:v1", &["--as", "ollama"]).ok(),
        &expect![[r##"
        # [REGISTRY]/team/net:v1 at [DIGEST]
        # Memory: 80 B for weights and cache, by the headers; the server itself needs more.
        # Save this as Modelfile, then run:
        #   kit unpack [REGISTRY]/team/net@[DIGEST] --dir model --filter model
        #   kit verify model [REGISTRY]/team/net@[DIGEST] --filter model
        #   ollama create my-net -f Modelfile
        FROM ./model/model
        PARAMETER num_ctx 4096
        LICENSE """Apache-2.0"""
    "##]],
    );
    let gguf = Gguf::new(3, false).text_entry("general.architecture", "llama");
    let gguf = gguf.number_entry("llama.context_length", 2048).bytes();
    scene.sandbox.write("chat/my net.gguf", gguf);
    scene.sandbox.write("chat/lora.gguf", "x");
    let kitfile = "manifestVersion: 1.0.0\nmodel:\n  path: my net.gguf\n  parts: [{path: lora.gguf, type: adapter}]\n";
    scene.sandbox.write("chat/Kitfile", kitfile);
    scene.sandbox.kit(&["pack", "chat", "-t", "chat:v1"]).ok();
    check(
        &scene.sandbox.kit(&["deploy", "chat:v1", "--as", "ollama"]).ok(),
        &expect![[r#"
        # chat:v1 at [DIGEST]
        # Memory: 0 B for weights and cache, by the headers; the server itself needs more.
        # Save this as Modelfile, then run:
        #   kit unpack chat@[DIGEST] --dir model --filter model
        #   kit verify model chat@[DIGEST] --filter model
        #   ollama create chat -f Modelfile
        FROM ./model/my net.gguf
        ADAPTER ./model/lora.gguf
        PARAMETER num_ctx 2048
    "#]],
    );
    check(
        &scene.sandbox.kit(&["deploy", "chat:v1", "--as", "vllm"]).ok(),
        &expect![[r#"
        #!/bin/sh
        # chat:v1 at [DIGEST]
        # Memory: 0 B for weights and cache, by the headers; the server itself needs more.
        set -eu
        kit unpack chat@[DIGEST] --dir model --filter model
        kit verify model chat@[DIGEST] --filter model
        # vLLM reads GGUF with the plugin vllm-gguf-plugin.
        # Add --tokenizer with the tokenizer of the base model.
        exec vllm serve \
          'model/my net.gguf' \
          --served-model-name chat \
          --max-model-len 2048 \
          --enable-lora --lora-modules \
          lora.gguf=model/lora.gguf
    "#]],
    );
}

#[test]
fn what_a_form_needs_is_named() {
    let scene = Scene::new();
    scene.push("net", "team/plain:v1", &[]);
    scene.deploy("team/plain:v1", &["--as", "kserve"]).exits(4).says("has no image form").says("--also image");
    scene.sandbox.project();
    scene.push("project", "team/project:v1", &["--also", "image"]);
    scene.deploy("team/project:v1", &["--as", "vllm"]).exits(4).says("has no safetensors or GGUF files");
    scene.deploy("team/project:v1", &["--as", "kserve"]).exits(2).says("--model-format");
    scene.deploy("team/project:v1", &["--as", "kserve", "--model-format", "triton"]).ok().prints("name: triton");
    scene.sandbox.kit(&["pack", "net", "-t", "net:v1"]).ok();
    let local = ["deploy", "net:v1", "--as", "init-container", "--kit-image", "k", "--image", "i"];
    scene.sandbox.kit(&local).exits(2).says("is not in a registry");
    scene.deploy("team/net:v1", &[]).exits(2);
}

#[test]
fn only_the_headers_of_the_weights_are_read() {
    let scene = Scene::new();
    let header = r#"{"w":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}"#;
    scene.sandbox.write("net/model/model.safetensors", kit_testkit::samples::safetensors(header, 4_000_000));
    scene.push("net", "team/net:v2", &["--also", "image"]);
    scene.registry.forget_requests();
    let run = scene.deploy("team/net:v2", &["--as", "kserve"]).ok();
    run.prints("memory: 4Mi");
    let sent: u64 = scene.registry.requests().iter().map(|request| request.answer_bytes).sum();
    assert!(sent < 100_000, "{sent} bytes");
}
