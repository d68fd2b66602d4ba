//! Reading the skills in the prompt layers of a ModelKit.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;

use super::name::{name_of_path, skill_name};
use crate::draft::SkillCard;
use crate::kitfile::Section;
use crate::modelkit::{EntryProblem, Layer, LayerType, ModelKit, Selection, UnreadableEntry};
use crate::oci::Source;
use crate::ops::artifact::inspect;
use crate::ops::error::Error;
use crate::ops::files::{Member, read_through};
use crate::ops::session::Located;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// The largest size of a layer with a skill, of each of its files and of all of them together (KitOps).
const SIZE_LIMIT: u64 = 10 * 1024 * 1024;

/// The name of the file that makes a prompt a skill.
const SKILL_FILE: &str = "SKILL.md";

/// The prompt layers of a ModelKit.
#[derive(Debug)]
pub struct Skills {
    /// True if the ModelKit contains a Kitfile. A ModelPack of another tool does not.
    pub has_kitfile: bool,
    /// The selected prompt layers, in the order of the Kitfile.
    pub layers: Vec<SkillLayer>,
}

/// A prompt layer.
#[derive(Debug)]
pub struct SkillLayer {
    /// The path of the prompt as the Kitfile contains it.
    pub path: String,
    /// The skill; `None` if the prompt is not a skill.
    pub skill: Result<Option<Skill>, SkillError>,
}

/// A skill for agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// The name, which is also a valid name of a folder.
    pub name: String,
    /// The files by their paths in the folder of the skill.
    pub files: BTreeMap<RelativePath, SkillFile>,
}

/// A file of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillFile {
    /// The permission bits.
    pub mode: u32,
    /// The content.
    pub content: Vec<u8>,
}

/// The reason why a prompt cannot be read as a skill.
#[derive(Debug, thiserror::Error)]
pub enum SkillError {
    /// The layer or its files are too large.
    #[error("it is larger than {SIZE_LIMIT} bytes, the limit for skills")]
    TooLarge,
    /// No file of the layer belongs to the prompt.
    #[error("prompt path \"{0}\" does not match any tar entries in the layer")]
    NothingMatches(String),
    /// The prompt has no layer that can be read.
    #[error(transparent)]
    NoLayer(EntryProblem),
    /// The layer is damaged or cannot be read.
    #[error(transparent)]
    Read(Box<Error>),
}

/// Reads the prompts of a ModelKit that `selection` selects. A skill without a name gets the name `repository`.
///
/// Every layer is verified. Prompts that cannot be read do not prevent others from being read.
pub fn read_skills(
    found: &Located,
    selection: &Selection,
    repository: &str,
    progress: &dyn Progress,
) -> Result<Skills, Error> {
    let modelkit = inspect(found)?.modelkit;
    for layer in modelkit.other_layers().filter(|layer| LayerType::of(layer).is_none()) {
        progress.warn(&Warning::UnknownSkillSkipped { media_type: layer.media_type.as_str(), digest: layer.digest });
    }
    let source = &*found.source;
    let prompts = modelkit.layers.iter().filter(|layer| layer.section == Section::Prompt && selection.takes(layer));
    let mut layers: Vec<_> = prompts.map(|layer| (layer.index, read(source, &modelkit, layer, repository))).collect();
    layers.sort_by_key(|(index, _)| *index);
    let missing = modelkit.unreadable.iter().filter(|entry| is_missing_prompt(entry, selection)).map(missing);
    let layers = layers.into_iter().map(|(_, layer)| layer).chain(missing).collect();
    Ok(Skills { has_kitfile: modelkit.has_kitfile(), layers })
}

fn is_missing_prompt(entry: &UnreadableEntry, selection: &Selection) -> bool {
    let is_known = !matches!(entry.problem, EntryProblem::UnknownType(_));
    entry.section == Section::Prompt && is_known && selection.takes_unreadable(entry)
}

fn missing(entry: &UnreadableEntry) -> SkillLayer {
    SkillLayer { path: entry.path_as_written.clone(), skill: Err(SkillError::NoLayer(entry.problem.clone())) }
}

fn read(source: &dyn Source, modelkit: &ModelKit, layer: &Layer, repository: &str) -> SkillLayer {
    let path = layer.path_as_written.clone();
    let skill = read_files(source, layer).map(|files| {
        let card = SkillCard::read(&String::from_utf8_lossy(&skill_file(&files)?.content));
        let named = modelkit.config.kitfile.prompts.get(layer.index).map_or("", |prompt| &prompt.name);
        let name = skill_name(&[&card.name, named, name_of_path(&path), repository]);
        Some(Skill { name, files })
    });
    SkillLayer { path, skill }
}

/// The SKILL.md of a skill; of several, the one with the shortest path.
fn skill_file(files: &BTreeMap<RelativePath, SkillFile>) -> Option<&SkillFile> {
    let found = files.iter().filter(|(path, _)| path.file_name() == Some(SKILL_FILE));
    found.min_by_key(|(path, _)| path.components().count()).map(|(_, file)| file)
}

fn read_files(source: &dyn Source, layer: &Layer) -> Result<BTreeMap<RelativePath, SkillFile>, SkillError> {
    let mut files = BTreeMap::new();
    let mut left = SIZE_LIMIT.checked_sub(layer.descriptor.size).map(|_| SIZE_LIMIT).ok_or(SkillError::TooLarge)?;
    let mut is_too_large = false;
    let read = read_through(source, layer, &mut |member, content| {
        if member.is_directory {
            return Ok(ControlFlow::Continue(()));
        }
        is_too_large = member.size.is_some_and(|size| size > left);
        let bytes = if is_too_large { Vec::new() } else { read_member(member, content, left)? };
        is_too_large |= bytes.len() as u64 > left;
        if is_too_large {
            return Err(member.failed(io::ErrorKind::FileTooLarge.into()));
        }
        left -= bytes.len() as u64;
        files.insert(in_folder(layer, &member.path), SkillFile { mode: member.mode & 0o777, content: bytes });
        Ok(ControlFlow::Continue(()))
    });
    match read {
        Err(_) if is_too_large => Err(SkillError::TooLarge),
        Err(error) => Err(SkillError::Read(Box::new(error))),
        Ok(()) if files.is_empty() => Err(SkillError::NothingMatches(layer.path_as_written.clone())),
        Ok(()) => Ok(files),
    }
}

/// Reads the content of a file and, if it is larger than `left`, one byte more than that.
fn read_member(member: &Member, content: &mut dyn Read, left: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    content.take(left + 1).read_to_end(&mut bytes).map_err(|error| member.failed(error))?;
    Ok(bytes)
}

/// The path of a file in the folder of the skill: its path below that of the prompt. A prompt of one file keeps its
/// name.
fn in_folder(layer: &Layer, path: &RelativePath) -> RelativePath {
    let depth = layer.path.components().count();
    let below = path.components().skip(depth).collect::<Vec<_>>().join("/");
    let text = if below.is_empty() { path.file_name().unwrap_or_default().to_owned() } else { below };
    text.parse().expect("a part of a path inside a folder does not lead outside")
}
