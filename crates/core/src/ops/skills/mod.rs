//! Skills for agents: prompt layers with a SKILL.md, and their installation into the folders of agents.

mod install;
mod name;
mod read;

pub use install::{Installed, install_skill};
pub use read::{Skill, SkillError, SkillFile, SkillLayer, Skills, read_skills};
