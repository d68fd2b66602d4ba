//! MCP servers: their bundles are layers, as in KitOps since 1.15.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;
use serde_json::json;

/// A ZIP archive with one entry, `manifest.json`, that contains `{}`.
const BUNDLE: &str = "UEsDBBQAAAAAAAAAIQBDv6ajAgAAAAIAAAANAAAAbWFuaWZlc3QuanNvbnt9UEsBAhQDFAAAAAAAAAAhAEO/pqMCAAAAAg\
                      AAAA0AAAAAAAAAAAAAAKSBAAAAAG1hbmlmZXN0Lmpzb25QSwUGAAAAAAEAAQA7AAAALQAAAAAA";
/// The digests that KitOps gives the bundle and its config.
const LAYER: &str = "sha256:a25df48ff5750944b5016fad4379eb4134e5b6957df65fd803049818d7911155";
const CONFIG: &str = "sha256:7211ea8dcc2f85c839f6e4025e6da121ab5855be422c86bef28941cc8ceff24b";

pub fn bundle() -> Vec<u8> {
    BASE64_STANDARD.decode(BUNDLE).unwrap()
}

fn kitfile(servers: &str) -> String {
    format!("manifestVersion: 1.0.0\npackage: {{name: tools}}\nmcpServers:\n{servers}")
}

/// A project with one MCP server.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", kitfile("  - {name: hello, path: hello.mcpb}\n"));
    sandbox.write("p/hello.mcpb", bundle());
    sandbox
}

#[test]
fn a_bundle_is_a_raw_layer_with_the_digests_of_kitops() {
    let sandbox = project();
    for options in [&[][..], &["--compression", "zstd"], &["--layer-format", "raw"]] {
        sandbox.kit(&[&["pack", "p", "-t", "a:v1"], options].concat()).ok().says(&format!("mcpb layer: {LAYER}\n"));
        let manifest = sandbox.kit(&["inspect", "a:v1"]).ok().json()["manifest"].take();
        assert_eq!(manifest["config"]["digest"], CONFIG);
        let layer = &manifest["layers"][0];
        assert_eq!(layer["mediaType"], "application/vnd.kitops.modelkit.mcpb.v1.raw");
        assert_eq!((&layer["digest"], &layer["size"]), (&json!(LAYER), &json!(126)));
        assert_eq!(layer["annotations"]["org.cncf.model.filepath"], "hello.mcpb");
        let file = &layer["annotations"]["org.cncf.model.file.metadata+json"];
        assert!(file.as_str().unwrap().starts_with(r#"{"name":"hello.mcpb","mode":420,"uid":0,"gid":0,"size":126,"#));
    }
}

#[test]
fn a_bundle_travels_and_is_unpacked_and_selected() {
    let (sandbox, registry) = (project(), FakeRegistry::start());
    sandbox.write("p/README.md", "# Tools\n");
    sandbox.write("p/Kitfile", kitfile("  - {name: hello, path: hello.mcpb}\ndocs:\n  - path: README.md\n"));
    let (name, file) = (format!("{}/tools:v1", registry.host()), sandbox.path("p/hello.mcpb"));
    let direct = sandbox.kit(&["pack", "p", "--compression", "gzip", "--push", &name, "--plain-http"]).ok();
    let packed = sandbox.kit(&["pack", "p", "--compression", "gzip", "-t", "a:v1"]).ok();
    assert_eq!(direct.digest(), packed.digest());
    sandbox.kit(&["save", "a:v1", "-o", "a.tar"]).ok();
    sandbox.kit(&["pull", &name, "--plain-http"]).ok();
    sandbox.kit(&["load", "a.tar"]).ok();
    let unpacked = sandbox.kit(&["unpack", &name, "-d", "out", "--plain-http"]).ok();
    unpacked.says("Unpacking MCP server hello to hello.mcpb\n");
    assert_eq!(fs_err::read(sandbox.path("out/hello.mcpb")).unwrap(), fs_err::read(file).unwrap());
    sandbox.kit(&["unpack", "a:v1", "-d", "one", "--filter", "mcpservers:hello"]).ok();
    assert_eq!(sandbox.tree("one").len(), 1);
    sandbox.kit(&["ls", "a:v1"]).ok().prints("hello.mcpb");
    sandbox.kit(&["diff", "a:v1", "./p"]).ok();
}

#[test]
fn a_bundle_that_is_none_is_refused_before_anything_is_packed() {
    let sandbox = project();
    let reason = |words: &str| {
        let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails();
        run.says("invalid MCP bundle for mcpServer hello").says(words);
        assert!(!sandbox.names("kit").iter().any(|name| name.contains("sha256/")), "nothing is stored");
    };
    sandbox.write("p/hello.mcpb", "no archive");
    reason("MCP bundle hello.mcpb is not a valid ZIP archive");
    sandbox.write(
        "p/hello.mcpb",
        bundle().iter().map(|byte| if *byte == b'm' { b'n' } else { *byte }).collect::<Vec<_>>(),
    );
    reason("MCP bundle hello.mcpb does not contain a manifest.json at its root");
    fs_err::remove_file(sandbox.path("p/hello.mcpb")).unwrap();
    reason("failed to read MCP bundle hello.mcpb");
    sandbox.write("p/hello.mcpb/manifest.json", "{}");
    reason("MCP bundle path hello.mcpb must be a single .mcpb file");
    sandbox.write("p/hello.zip", bundle());
    for (servers, words) in [
        ("  - {name: a, path: hello.zip}\n", "path must point to a single .mcpb file"),
        ("  - {path: a.mcpb}\n", "mcpServer with path a.mcpb must have a name"),
        (
            "  - {name: a, path: a.mcpb}\n  - {name: a, path: b.mcpb}\n",
            "duplicate mcpServer name a: names must be unique",
        ),
    ] {
        sandbox.write("p/Kitfile", kitfile(servers));
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).fails().says(words);
    }
}

#[test]
fn a_modelpack_has_no_mcp_servers() {
    let sandbox = project();
    let refusal = "mcpServers are not supported when packing in modelpack format";
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--use-model-pack"]).fails().says(refusal);
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    sandbox.kit(&["convert", "a:v1", "--to", "modelpack"]).fails().says(refusal);
}

#[test]
fn init_finds_bundles() {
    let sandbox = Sandbox::new();
    sandbox.write("p/README.md", "# Tools\n");
    for path in ["filesystem.mcpb", "postgres.mcpb", "servers/extra.mcpb"] {
        sandbox.write(&format!("p/{path}"), bundle());
    }
    sandbox.kit(&["init", "p"]).ok();
    let kitfile = sandbox.read("p/Kitfile");
    let servers = kitfile.split_once("mcpServers:\n").unwrap().1;
    let entry = |name: &str| format!("  - name: {name}\n    path: {name}.mcpb\n");
    assert_eq!(servers, ["filesystem", "postgres", "servers/extra"].map(entry).concat());
    assert!(!kitfile.contains("code:"), "{kitfile}");
}
