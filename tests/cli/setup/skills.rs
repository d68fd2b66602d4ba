//! Skills for agents: `kit skill`, and the prompts of a ModelKit with `kit unpack --as-skill`.

use fs_err as fs;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const OWN: &str = "kitops/SKILL.md";

#[test]
fn the_own_skill_is_installed_for_detected_agents() {
    let sandbox = Sandbox::new();
    let none = "no installed agents detected. Specify agents explicitly, e.g. --agents=claude-code,cursor";
    sandbox.kit(&["skill"]).fails().says(none);
    for folder in [".claude", ".cursor", ".config/goose"] {
        fs::create_dir_all(sandbox.path("home").join(folder)).unwrap();
    }
    let run = sandbox.kit(&["skill"]).ok().says("Detected installed agents: claude-code, cursor, goose");
    let path = |folder: &str| sandbox.path("home").join(folder).join("skills/kitops");
    run.prints(&format!("Installed skill 'kitops' for claude-code → {}", path(".claude").display()));
    for folder in [".claude", ".cursor", ".config/goose"] {
        let text = sandbox.read(&format!("home/{folder}/skills/{OWN}"));
        assert!(text.starts_with("---\nname: kitops\ndescription: "), "{text}");
    }
}

#[test]
fn variables_name_the_folders_of_agents() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["skill", "--agents", "claude-code, codex,amp"]);
    command.env("CLAUDE_CONFIG_DIR", format!(" {} ", sandbox.path("c").display()));
    command.env("CODEX_HOME", sandbox.path("x")).env("XDG_CONFIG_HOME", sandbox.path("config"));
    sandbox.run(&mut command).ok();
    for folder in ["c", "x", "config/agents"] {
        assert!(sandbox.path(&format!("{folder}/skills/{OWN}")).exists(), "{folder}");
    }
}

#[test]
fn an_existing_skill_is_replaced_or_kept_or_an_error() {
    let sandbox = Sandbox::new();
    let install = |options: &[&str]| sandbox.kit(&[&["skill", "-d", "p", "--agents=claude-code"], options].concat());
    install(&[]).ok();
    sandbox.write("p/.claude/skills/kitops/old.txt", "old");
    let failed = install(&[]).fails().says("failed to install skill for 1 agent(s)");
    let refusal = "skill directory already exists (use -o to overwrite)";
    failed.says(&format!("Failed to install skill 'kitops' for claude-code: {refusal}"));
    let skipped = "Skipped skill 'kitops' for claude-code: already exists (use -o to overwrite)";
    install(&["-i"]).ok().says(skipped);
    install(&["-o", "-i"]).ok().says(skipped);
    assert!(sandbox.path("p/.claude/skills/kitops/old.txt").exists());
    install(&["-o"]).ok().prints("Installed skill 'kitops' for claude-code");
    assert_eq!(sandbox.names("p"), [".claude/skills/kitops/SKILL.md"]);
}

#[test]
fn agents_that_share_a_folder_get_one_copy() {
    let sandbox = Sandbox::new();
    let run = sandbox.kit(&["skill", "-d", "p", "--agents", "universal,cursor"]).ok();
    run.prints("Installed skill 'kitops' for universal").says("Skipped skill 'kitops' for cursor");
    assert_eq!(sandbox.names("p"), [".agents/skills/kitops/SKILL.md"]);
}

#[test]
fn a_bad_list_of_agents_is_wrong_usage() {
    let sandbox = Sandbox::new();
    let empty = sandbox.kit(&["skill", "--agents", "cursor,,amp"]).exits(2);
    empty.says("invalid agent list: empty agent name in 'cursor,,amp'");
    sandbox
        .kit(&["skill", "--agents", "unheard-of"])
        .exits(2)
        .says("unknown agent 'unheard-of'. Valid agents: adal, amp, anti");
}

/// A ModelKit with two skills, a prompt that is not a skill, and a model.
fn packed(sandbox: &Sandbox, options: &[&str]) {
    let kitfile = "manifestVersion: 1.0.0\nmodel: {path: m}\nprompts:\n  - {name: first, path: skills/review}\n  \
                   - {name: Second One, path: other/SKILL.md}\n  - {path: plain.prompt.md}\n";
    sandbox.write("p/Kitfile", kitfile);
    sandbox.write("p/m", "weights");
    sandbox.write("p/skills/review/SKILL.md", "---\r\nname: Code Review\r\n---\r\n# Review\r\n");
    sandbox.write("p/skills/review/scripts/run.sh", "#!/bin/sh\n");
    sandbox.write("p/other/SKILL.md", "# Without front matter\n");
    sandbox.write("p/plain.prompt.md", "Hello");
    sandbox.kit(&[&["pack", "p", "-t", "team/kit:v1"], options].concat()).ok();
}

#[test]
fn the_skills_of_a_modelkit_are_installed() {
    for compression in ["none", "gzip", "zstd"] {
        let sandbox = Sandbox::new();
        packed(&sandbox, &["--compression", compression]);
        let run = sandbox.kit(&["unpack", "team/kit:v1", "--as-skill=claude-code", "-d", "out"]).ok();
        run.says("Skipping prompt \"plain.prompt.md\": not a SKILL.md, cannot install as skill");
        let installed = ["code-review/SKILL.md", "code-review/scripts/run.sh", "second-one/SKILL.md"];
        assert_eq!(sandbox.names("out"), installed.map(|path| format!(".claude/skills/{path}")), "{compression}");
        let skill = sandbox.read("out/.claude/skills/code-review/SKILL.md");
        assert_eq!(skill, "---\r\nname: Code Review\r\n---\r\n# Review\r\n");
        let again = sandbox.kit(&["unpack", "team/kit:v1", "--as-skill=claude-code", "-d", "out"]).fails();
        again.says("failed to install 2 skill(s)");
    }
}

#[test]
fn unsafe_files_of_a_skill_are_refused_and_the_old_skill_stays() {
    let sandbox = Sandbox::new();
    let install = |options: &[&str]| {
        let command = ["unpack", "team/kit:v1", "--as-skill=cursor", "-d", "out", "-f", "prompts:first", "-o"];
        sandbox.kit(&[&command[..], options].concat())
    };
    packed(&sandbox, &[]);
    install(&[]).ok();
    let old = [".agents/skills/code-review/SKILL.md", ".agents/skills/code-review/scripts/run.sh"];
    let hook = "scripts/.GIT/hooks/post-checkout";
    sandbox.write(&format!("p/skills/review/{hook}"), "#!/bin/sh\n");
    packed(&sandbox, &[]);
    install(&[]).fails().says("Failed to install skill 'code-review' for cursor: refused to unpack `scripts/.GIT");
    assert_eq!(sandbox.names("out"), old);
    install(&["--allow-unsafe-paths"]).ok();
    assert!(sandbox.path("out/.agents/skills/code-review").join(hook).exists());
    fs::remove_dir_all(sandbox.path("p/skills/review")).unwrap();
    packed(&sandbox, &[]);
    install(&["--allow-unsafe-paths"]).ok();
    assert_eq!(sandbox.names("out"), old);
}

#[test]
fn skills_come_from_a_registry_and_go_to_the_home_folder() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    packed(&sandbox, &[]);
    let name = format!("{}/team/kit:v1", registry.host());
    sandbox.kit(&["push", "team/kit:v1", &name, "--plain-http"]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    let unpack = |options: &[&str]| sandbox.kit(&[&["unpack", &name, "--plain-http"], options].concat());
    unpack(&["--as-skill"]).fails().says("Specify agents explicitly, e.g. --as-skill=claude-code,cursor");
    fs::create_dir_all(sandbox.path("home/.cursor")).unwrap();
    let run = unpack(&["--as-skill", "--filter", "prompts:first,code"]).ok();
    run.says("Detected installed agents: cursor");
    assert_eq!(sandbox.names("home/.cursor/skills"), ["code-review/SKILL.md", "code-review/scripts/run.sh"]);
}

#[test]
fn what_cannot_be_installed_is_said() {
    let sandbox = Sandbox::new();
    packed(&sandbox, &[]);
    let install = |options: &[&str]| {
        sandbox.kit(&[&["unpack", "team/kit:v1", "--as-skill=cursor", "-d", "out"], options].concat()).ok()
    };
    let useless = install(&["--filter", "model"]);
    let useless = useless.says("Filter type 'model' has no effect with --as-skill (only 'prompts' filters apply)");
    useless.says("No prompt layers matched the specified filters");
    let plain = install(&["--filter", "prompts:plain.prompt.md"]);
    plain.says("No agent skills found in modelkit. Prompt layers must contain a SKILL.md file to be installed as");
    assert!(sandbox.names("out").is_empty());
    sandbox.write("p/skills/review/big.bin", vec![0; 10 * 1024 * 1024]);
    sandbox.kit(&["pack", "p", "-t", "team/kit:v1", "--compression", "gzip"]).ok();
    let run = sandbox.kit(&["unpack", "team/kit:v1", "--as-skill=cursor", "-d", "out"]).fails();
    run.says("Error reading prompt \"skills/review\": it is larger than 10485760 bytes");
    assert_eq!(sandbox.names("out"), [".agents/skills/second-one/SKILL.md"]);
}

#[test]
fn a_modelpack_without_a_kitfile_has_no_prompts() {
    let sandbox = Sandbox::new();
    let layout = crate::transfer::Layout::new(&sandbox);
    let mut layer = layout.layer("tar", &crate::transfer::tar("m", b"weights"));
    layer["mediaType"] = "application/vnd.cncf.model.weight.v1.tar".into();
    layer["annotations"] = serde_json::json!({ "org.cncf.model.filepath": "m" });
    layout.publish_as("application/vnd.cncf.model.manifest.v1+json", &[layer]);
    let run = sandbox.kit(&["unpack", "oci:layout:v1", "--as-skill=cursor", "-d", "out"]).ok();
    run.says("No Kitfile found in modelkit; no prompt layers to install as skills");
}

#[test]
fn init_reads_the_front_matter_of_skills() {
    let skill = |name: &str| format!("---\nname: {name}\ndescription: About {name}\nlicense: MIT\n---\n");
    let sandbox = Sandbox::new();
    let draft = |folder: &str| {
        let shown = sandbox.kit(&["init", folder, "-o", "-"]).ok().stdout;
        shown.strip_prefix("manifestVersion: 1.0.0\n").unwrap().to_owned()
    };
    let package = "package:\n  name: one\n  description: About one\n  license: MIT\n";
    let one = "  - name: one\n    path: one\n    description: About one\n";
    sandbox.write("root/Skill.md", skill("one"));
    sandbox.write("root/tool.py", "");
    assert_eq!(draft("root"), format!("{package}prompts:\n  - path: .\n"));
    sandbox.write("below/one/SKILL.md", skill("one"));
    sandbox.write("below/one/tool.py", "");
    sandbox.write("below/AGENTS.md", "# Agents\n");
    let prompts = format!("prompts:\n  - path: AGENTS.md\n{one}");
    assert_eq!(draft("below"), format!("{package}{prompts}"));
    sandbox.write("below/two/SKILL.md", "# No front matter\n");
    assert_eq!(draft("below"), format!("package:\n  license: MIT\n{prompts}  - path: two\n"));
    sandbox.write("below/m.onnx", "");
    assert!(draft("below").contains("license: MIT\nmodel:"), "{}", draft("below"));
}
