//! The agents whose folders for skills are known, as in KitOps 1.16.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::output::{Output, usage};

/// The folders of this user that the paths in [`AGENTS`] begin with.
#[derive(Debug, Clone)]
pub(crate) struct AgentFolders {
    /// The home folder, `~` in the table.
    pub(crate) home: PathBuf,
    /// The folder for configuration, `$XDG` in the table.
    pub(crate) config: PathBuf,
    /// The folder of Claude Code, `$CLAUDE` in the table.
    pub(crate) claude: PathBuf,
    /// The folder of Codex, `$CODEX` in the table.
    pub(crate) codex: PathBuf,
}

impl AgentFolders {
    fn expand(&self, path: &str) -> PathBuf {
        let (root, rest) = path.split_once('/').unwrap_or((path, ""));
        let root = match root {
            "$XDG" => &self.config,
            "$CLAUDE" => &self.claude,
            "$CODEX" => &self.codex,
            _ => &self.home,
        };
        root.join(rest)
    }
}

/// An agent.
struct Agent {
    id: &'static str,
    /// The folder of skills in a project.
    project: &'static str,
    /// The agent is installed if one of these folders exists.
    marks: &'static [&'static str],
    /// The folder of skills for all projects.
    global: &'static str,
}

const SHARED: &str = ".agents/skills";

const fn agent(id: &'static str, project: &'static str, marks: &'static [&'static str], global: &'static str) -> Agent {
    Agent { id, project, marks, global }
}

/// An agent with a folder of its own in projects and in the home folder.
macro_rules! own {
    ($id:literal) => {
        own!($id, $id)
    };
    ($id:literal, $folder:literal) => {
        agent($id, concat!(".", $folder, "/skills"), &[concat!("~/.", $folder)], concat!("~/.", $folder, "/skills"))
    };
}

/// An agent with a folder of its own only in the home folder.
macro_rules! shared {
    ($id:literal, $folder:literal) => {
        agent($id, SHARED, &[concat!("~/.", $folder)], concat!("~/.", $folder, "/skills"))
    };
}

/// All agents, sorted by id.
const AGENTS: [Agent; 45] = [
    own!("adal"),
    agent("amp", SHARED, &["$XDG/amp"], "$XDG/agents/skills"),
    shared!("antigravity", "gemini/antigravity"),
    own!("augment"),
    own!("bob"),
    agent("claude-code", ".claude/skills", &["$CLAUDE"], "$CLAUDE/skills"),
    agent("cline", SHARED, &["~/.cline"], "~/.agents/skills"),
    own!("codebuddy"),
    agent("codex", SHARED, &["$CODEX"], "$CODEX/skills"),
    own!("command-code", "commandcode"),
    own!("continue"),
    agent("cortex", ".cortex/skills", &["~/.snowflake/cortex"], "~/.snowflake/cortex/skills"),
    agent("crush", ".crush/skills", &["$XDG/crush"], "$XDG/crush/skills"),
    shared!("cursor", "cursor"),
    agent("deepagents", SHARED, &["~/.deepagents"], "~/.deepagents/agent/skills"),
    own!("droid", "factory"),
    shared!("firebender", "firebender"),
    shared!("gemini-cli", "gemini"),
    shared!("github-copilot", "copilot"),
    agent("goose", ".goose/skills", &["$XDG/goose"], "$XDG/goose/skills"),
    own!("iflow-cli", "iflow"),
    own!("junie"),
    own!("kilo", "kilocode"),
    agent("kimi-cli", SHARED, &["~/.kimi"], "$XDG/agents/skills"),
    own!("kiro-cli", "kiro"),
    own!("kode"),
    own!("mcpjam"),
    own!("mistral-vibe", "vibe"),
    own!("mux"),
    own!("neovate"),
    agent("openclaw", "skills", &["~/.openclaw", "~/.clawdbot", "~/.moltbot"], "~/.openclaw/skills"),
    agent("opencode", SHARED, &["$XDG/opencode"], "$XDG/opencode/skills"),
    own!("openhands"),
    agent("pi", ".pi/skills", &["~/.pi/agent"], "~/.pi/agent/skills"),
    own!("pochi"),
    own!("qoder"),
    own!("qwen-code", "qwen"),
    agent("replit", SHARED, &[], "$XDG/agents/skills"),
    own!("roo"),
    own!("trae"),
    own!("trae-cn"),
    agent("universal", SHARED, &[], "$XDG/agents/skills"),
    agent("warp", SHARED, &["~/.warp"], "~/.agents/skills"),
    agent("windsurf", ".windsurf/skills", &["~/.codeium/windsurf"], "~/.codeium/windsurf/skills"),
    own!("zencoder"),
];

/// The place of skills.
pub(crate) enum Scope<'a> {
    /// The project in this folder.
    Project(&'a Path),
    /// All projects of the user.
    Global,
}

/// An agent and its folder of skills.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) agent: &'static str,
    pub(crate) skills: PathBuf,
}

/// Chooses the agents of the comma-separated `list`, or those that are installed if there is no list. `flag` is the
/// name of the flag for lists.
pub(crate) fn choose(
    folders: &AgentFolders,
    (flag, list): (&str, Option<&str>),
    scope: &Scope<'_>,
    output: &Output,
) -> Result<Vec<Target>> {
    let agents = match list {
        Some(list) => named(list)?,
        None => detected(folders, flag, output)?,
    };
    Ok(agents.into_iter().map(|agent| target(agent, folders, scope)).collect())
}

fn target(agent: &Agent, folders: &AgentFolders, scope: &Scope<'_>) -> Target {
    let skills = match scope {
        Scope::Project(folder) => folder.join(agent.project),
        Scope::Global => folders.expand(agent.global),
    };
    Target { agent: agent.id, skills }
}

fn named(list: &str) -> Result<Vec<&'static Agent>> {
    let mut agents: Vec<&Agent> = Vec::new();
    for id in list.split(',').map(str::trim) {
        if id.is_empty() {
            return Err(usage(format!("invalid agent list: empty agent name in '{list}'")));
        }
        let Some(agent) = AGENTS.iter().find(|agent| agent.id == id) else {
            let ids: Vec<_> = AGENTS.iter().map(|agent| agent.id).collect();
            return Err(usage(format!("unknown agent '{id}'. Valid agents: {}", ids.join(", "))));
        };
        if !agents.iter().any(|known| known.id == id) {
            agents.push(agent);
        }
    }
    Ok(agents)
}

fn detected(folders: &AgentFolders, flag: &str, output: &Output) -> Result<Vec<&'static Agent>> {
    let is_installed = |agent: &&Agent| agent.marks.iter().any(|mark| folders.expand(mark).is_dir());
    let agents: Vec<_> = AGENTS.iter().filter(is_installed).collect();
    if agents.is_empty() {
        bail!("no installed agents detected. Specify agents explicitly, e.g. --{flag}=claude-code,cursor");
    }
    let ids: Vec<_> = agents.iter().map(|agent| agent.id).collect();
    output.say(&format!("Detected installed agents: {}", ids.join(", ")));
    Ok(agents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_unique() {
        assert!(AGENTS.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn folders_are_below_the_project_or_the_home_of_the_agent() {
        let folders = AgentFolders {
            home: "/home/u".into(),
            config: "/config".into(),
            claude: "/claude".into(),
            codex: "/codex".into(),
        };
        for (id, project, global) in [
            ("amp", "p/.agents/skills", "/config/agents/skills"),
            ("antigravity", "p/.agents/skills", "/home/u/.gemini/antigravity/skills"),
            ("claude-code", "p/.claude/skills", "/claude/skills"),
            ("codex", "p/.agents/skills", "/codex/skills"),
            ("openclaw", "p/skills", "/home/u/.openclaw/skills"),
            ("mistral-vibe", "p/.vibe/skills", "/home/u/.vibe/skills"),
            ("deepagents", "p/.agents/skills", "/home/u/.deepagents/agent/skills"),
        ] {
            let agent = named(id).unwrap()[0];
            assert_eq!(target(agent, &folders, &Scope::Project(Path::new("p"))).skills, Path::new(project), "{id}");
            assert_eq!(target(agent, &folders, &Scope::Global).skills, Path::new(global), "{id}");
        }
    }
}
