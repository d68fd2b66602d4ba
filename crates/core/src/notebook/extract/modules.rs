//! The texts of modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use regex::Regex;

use super::cells::{CellCode, Group, cells, declared_global, note_rebound};
use super::groups::settle;
use super::preamble::{imported_names, preamble};
use crate::notebook::document::Document;
use crate::notebook::python::{Names, Statement, StatementKind, imports};

/// A module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The name of the file.
    pub name: String,
    /// The numbers of the cells in it, from 1.
    pub cells: Vec<usize>,
    /// The code.
    pub text: String,
}

/// Returns the code of the notebook called `title` as modules.
pub fn extract(document: &Document, title: &str) -> Vec<Module> {
    let (mut cells, preamble) = cells(document);
    let rebound = note_rebound(&mut cells);
    settle(&mut cells, &rebound);
    let groups: BTreeSet<_> = cells.iter().filter(|cell| cell.has_code()).map(|cell| cell.group).collect();
    // A comment belongs to the module of the cell before it.
    let mut last = groups.first().copied().unwrap_or(Group::Common);
    for cell in &mut cells {
        if !cell.has_code() {
            cell.group = last;
        }
        last = cell.group;
    }
    let is_only_common = groups.iter().all(|group| *group <= Group::Common);
    let plan = Plan::new(&cells, &preamble, is_only_common);
    let title: String = title.chars().filter(|sign| !sign.is_control() && !"\"\\".contains(*sign)).collect();
    groups.iter().map(|group| plan.module(*group, &title)).collect()
}

/// The relations between the modules.
struct Plan<'a> {
    preamble: &'a [Statement],
    parts: BTreeMap<Group, Part<'a>>,
    is_only_common: bool,
    /// The modules whose names the notebook uses for others.
    taken: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// The cells of one module.
struct Part<'a> {
    cells: Vec<&'a CellCode>,
    /// The names that other modules must provide.
    needed: BTreeSet<String>,
    /// The names that exist when the module was imported.
    at_the_top: BTreeSet<String>,
    /// The names that exist, or have their values, after its function ran.
    by_function: BTreeSet<String>,
    /// For each name that is needed, the module that has it.
    homes: BTreeMap<String, Group>,
}

impl Group {
    /// Returns true if the work of the module is in a function.
    fn is_function(self) -> bool {
        matches!(self, Self::Training | Self::Evaluation)
    }
}

impl<'a> Plan<'a> {
    fn new(cells: &'a [CellCode], preamble: &'a [Statement], is_only_common: bool) -> Self {
        let mut parts = BTreeMap::<Group, Part<'a>>::new();
        for cell in cells {
            parts.entry(cell.group).or_insert_with(Part::new).cells.push(cell);
        }
        let mut defined = BTreeMap::<String, Group>::new();
        for (group, part) in &mut parts {
            part.find_needed();
            part.homes = part.needed.iter().filter_map(|name| Some((name.clone(), *defined.get(name)?))).collect();
            let homes = &part.homes;
            part.needed.retain(|name| homes.contains_key(name));
            part.divide(*group);
            let own = part.at_the_top.iter().chain(&part.by_function);
            defined.extend(own.map(|name| (name.clone(), *group)));
        }
        let taken = preamble.iter().flat_map(imports).map(|import| import.top().to_owned()).collect();
        let used = |cell: &'a CellCode| cell.exposed.iter().chain(&cell.late).chain(&cell.defined).cloned();
        let names = cells.iter().flat_map(used).chain(imported_names(preamble)).collect();
        Self { preamble, parts, is_only_common, taken, names }
    }

    /// The name of a module, without `.py`.
    fn stem(&self, group: Group) -> String {
        let stem = match group {
            Group::Parameters => "parameters",
            Group::Common if self.is_only_common => "main",
            Group::Common => "common",
            Group::Training => "train",
            Group::Evaluation => "evaluate",
            Group::Serving => "serve",
        };
        if self.taken.contains(stem) { format!("notebook_{stem}") } else { stem.to_owned() }
    }

    /// The name of the function of a module.
    fn function(&self, group: Group) -> String {
        let mut name = if group == Group::Training { "run_training" } else { "run_evaluation" }.to_owned();
        while self.names.contains(&name) {
            name.push('_');
        }
        name
    }

    /// The names that the function of a module returns, because other modules need them.
    fn results(&self, group: Group) -> Vec<&str> {
        let part = &self.parts[&group];
        let is_wanted = |name: &&String| {
            self.parts.values().any(|other| other.homes.get(*name) == Some(&group) && other.needed.contains(*name))
        };
        part.by_function.iter().filter(is_wanted).map(String::as_str).collect()
    }

    fn module(&self, group: Group, title: &str) -> Module {
        let part = &self.parts[&group];
        let mut text = format!("\"\"\"{} of {title}.\"\"\"\n", heading(group, self.is_only_common));
        let calls = self.calls(group);
        let body = if group.is_function() { self.function_body(group, &calls) } else { self.flat_body(group, &calls) };
        let head = [self.preamble_of(group, &body), self.imports(group, &calls)];
        for block in head.into_iter().filter(|block| !block.is_empty()) {
            text.push('\n');
            text.push_str(&block);
        }
        text.push_str(&body);
        let numbers = part.cells.iter().map(|cell| cell.number).collect();
        Module { name: format!("{}.py", self.stem(group)), cells: numbers, text }
    }

    fn preamble_of(&self, group: Group, body: &str) -> String {
        let part = &self.parts[&group];
        let mut used: BTreeSet<String> =
            part.cells.iter().flat_map(|cell| cell.exposed.iter().chain(&cell.late)).cloned().collect();
        // Names that are assigned as well as imported.
        let imported = imported_names(self.preamble);
        used.extend(imported.iter().filter(|name| part.cells.iter().any(|cell| cell.changed.contains(*name))).cloned());
        used.extend(part.cells.iter().flat_map(|cell| &cell.statements).flat_map(|(_, names)| names.used.clone()));
        let is_first = self.parts.keys().find(|group| **group >= Group::Common) == Some(&group);
        if is_first {
            // An import that no module uses may have effects.
            let cells = self.parts.values().flat_map(|part| &part.cells);
            let all: BTreeSet<_> = cells.flat_map(|cell| cell.exposed.iter().chain(&cell.late)).collect();
            used.extend(imported.iter().filter(|name| !all.contains(name)).cloned());
        }
        let is_own = |name: &str| part.homes.contains_key(name);
        used.retain(|name| !is_own(name));
        let cache = if body.contains("@cache\n") { "from functools import cache\n" } else { "" };
        let preamble = preamble(self.preamble, &used);
        if preamble.contains("__future__") { preamble + cache } else { cache.to_owned() + &preamble }
    }

    /// The modules whose functions a module calls, each with the names that it needs of the results.
    fn calls(&self, group: Group) -> Vec<(Group, Vec<&str>)> {
        let part = &self.parts[&group];
        let mut calls = Vec::new();
        for home in self.parts.keys().filter(|home| **home < group && home.is_function()) {
            let is_needed = |name: &str| part.homes.get(name) == Some(home) && part.needed.contains(name);
            let results = self.results(*home);
            if results.iter().any(|name| is_needed(name)) {
                calls.push((*home, results.iter().map(|name| if is_needed(name) { *name } else { "_" }).collect()));
            }
        }
        calls
    }

    fn imports(&self, group: Group, calls: &[(Group, Vec<&str>)]) -> String {
        let part = &self.parts[&group];
        let mut text = String::new();
        for (home, other) in self.parts.iter().filter(|(home, _)| **home < group) {
            let is_from = |name: &&String| part.homes.get(*name) == Some(home) && other.at_the_top.contains(*name);
            let mut names: Vec<_> = part.needed.iter().filter(is_from).cloned().collect();
            if calls.iter().any(|(called, _)| called == home) {
                names.push(self.function(*home));
            }
            if !names.is_empty() {
                text.push_str(&import_line(&self.stem(*home), &names));
            }
        }
        text
    }

    fn flat_body(&self, group: Group, calls: &[(Group, Vec<&str>)]) -> String {
        let (mut text, mut launched) = (String::new(), String::new());
        if !calls.is_empty() {
            text.push('\n');
        }
        for (home, names) in calls {
            text.push_str(&self.call(*home, names));
        }
        for cell in &self.parts[&group].cells {
            put(&mut text, format_args!("\n# Cell {}\n", cell.number));
            for (statement, _) in &cell.statements {
                if group == Group::Serving && launches(statement) {
                    launched.push_str(&statement.indented("    "));
                } else {
                    text.push_str(&statement.text);
                }
            }
        }
        if !launched.is_empty() {
            put(&mut text, format_args!("\n\nif __name__ == \"__main__\":\n{launched}"));
        }
        text
    }

    fn call(&self, home: Group, names: &[&str]) -> String {
        format!("{} = {}()\n", names.join(", "), self.function(home))
    }

    fn function_body(&self, group: Group, calls: &[(Group, Vec<&str>)]) -> String {
        let part = &self.parts[&group];
        let (mut top, mut work) = (String::new(), String::new());
        let global = part.global(calls, self.preamble);
        for (home, names) in calls {
            put(&mut work, format_args!("    {}", self.call(*home, names)));
        }
        for cell in &part.cells {
            let (hoisted, rest): (Vec<_>, Vec<_>) =
                cell.statements.iter().partition(|(statement, names)| part.is_hoisted(statement, names));
            if !hoisted.is_empty() {
                put(&mut top, format_args!("\n# Cell {}\n", cell.number));
                top.extend(hoisted.iter().map(|(statement, _)| statement.text.as_str()));
            }
            if !rest.is_empty() {
                put(&mut work, format_args!("    # Cell {}\n", cell.number));
                work.extend(rest.iter().map(|(statement, names)| in_function(statement, names, &global)));
            }
        }
        let (name, results) = (self.function(group), self.results(group));
        let callers = self.parts.keys().filter(|other| self.calls(**other).iter().any(|(home, _)| *home == group));
        let cache = if callers.count() > 1 { "@cache\n" } else { "" };
        let mut text = format!("{top}\n\n{cache}def {name}():\n    \"\"\"{}.\"\"\"\n", summary(group));
        if !global.is_empty() {
            let names: Vec<_> = global.iter().map(String::as_str).collect();
            put(&mut text, format_args!("    global {}\n", names.join(", ")));
        }
        text.push_str(&work);
        if !results.is_empty() {
            put(&mut text, format_args!("    return {}\n", results.join(", ")));
        }
        put(&mut text, format_args!("\n\nif __name__ == \"__main__\":\n    {name}()\n"));
        text
    }
}

impl Part<'_> {
    fn new() -> Self {
        let (needed, at_the_top, by_function) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { cells: Vec::new(), needed, at_the_top, by_function, homes: BTreeMap::new() }
    }

    fn find_needed(&mut self) {
        let mut defined = BTreeSet::new();
        for cell in &self.cells {
            for (_, names) in &cell.statements {
                // A function may be called before the module defines a name that it uses.
                let read = names.used.iter().chain(&names.late);
                self.needed.extend(read.filter(|name| !defined.contains(*name)).cloned());
                defined.extend(names.defined.iter());
            }
            // Names that functions of other cells rebind.
            self.needed.extend(cell.late.iter().filter(|name| !defined.contains(*name)).cloned());
        }
    }

    /// Divides the names that the module defines.
    fn divide(&mut self, group: Group) {
        let statements = || self.cells.iter().flat_map(|cell| &cell.statements);
        if !group.is_function() {
            self.at_the_top = statements().flat_map(|(_, names)| names.defined.clone()).collect();
            return;
        }
        // A definition whose first line needs a result stays in the function.
        let is_work = |statement: &Statement| statement.kind == StatementKind::Other;
        self.by_function = statements()
            .filter(|(statement, _)| is_work(statement))
            .flat_map(|(_, names)| names.defined.clone())
            .collect();
        // Later modules must not see a value before this module has changed it.
        let changed: BTreeSet<_> = self.cells.iter().flat_map(|cell| &cell.changed).cloned().collect();
        self.by_function.extend(changed.iter().filter(|name| self.homes.contains_key(*name)).cloned());
        self.by_function.extend(self.homes.iter().filter(|(_, home)| home.is_function()).map(|(name, _)| name.clone()));
        loop {
            let kept: Vec<_> = statements()
                .filter(|(statement, names)| {
                    statement.kind == StatementKind::Definition && !self.is_hoisted(statement, names)
                })
                .flat_map(|(_, names)| names.defined.clone())
                .filter(|name| !self.by_function.contains(name))
                .collect();
            if kept.is_empty() {
                break;
            }
            self.by_function.extend(kept);
        }
        let top = statements().filter(|(statement, names)| self.is_hoisted(statement, names));
        self.at_the_top = top.flat_map(|(_, names)| names.defined.clone()).collect();
        self.at_the_top.retain(|name| !self.by_function.contains(name));
        let own: BTreeSet<_> = statements().flat_map(|(_, names)| &names.defined).chain(&changed).collect();
        self.by_function = self.by_function.iter().filter(|name| own.contains(name)).cloned().collect();
    }

    /// Returns true if the statement is outside of the function of its module.
    fn is_hoisted(&self, statement: &Statement, names: &Names) -> bool {
        let comes_late = |name: &String| {
            self.by_function.contains(name) || self.homes.get(name).is_some_and(|home| home.is_function())
        };
        let is_definition = statement.kind == StatementKind::Definition;
        is_definition && !names.used.iter().any(comes_late) && !names.defined.iter().any(comes_late)
            || imports(statement).iter().any(|import| import.is_star)
    }

    /// The names that are global in the function of the module: functions of the module use them, or they exist before
    /// the function runs.
    fn global(&self, calls: &[(Group, Vec<&str>)], preamble: &[Statement]) -> BTreeSet<String> {
        let statements = || self.cells.iter().flat_map(|cell| &cell.statements);
        let mut seen: BTreeSet<_> = statements()
            .filter(|(statement, names)| self.is_hoisted(statement, names))
            .flat_map(|(_, names)| names.late.clone())
            .collect();
        seen.extend(self.homes.iter().filter(|(_, home)| !home.is_function()).map(|(name, _)| name.clone()));
        seen.extend(imported_names(preamble));
        seen.extend(self.at_the_top.iter().cloned());
        seen.extend(statements().flat_map(|(statement, _)| declared_global(&statement.masked)));
        let assigned = self.by_function.iter().map(String::as_str);
        let bound = calls.iter().flat_map(|(_, names)| names.iter().copied());
        assigned.chain(bound).filter(|name| seen.contains(*name)).map(str::to_owned).collect()
    }
}

/// The text of a statement in a function. A global name must not have an annotation.
fn in_function(statement: &Statement, names: &Names, global: &BTreeSet<String>) -> String {
    let mut text = statement.indented("    ");
    for name in names.annotated.intersection(global) {
        if let Ok(annotated) = Regex::new(&format!(r"(?m)^(\s*{name})\s*:[^=\n]+=")) {
            text = annotated.replace_all(&text, "$1 =").into_owned();
        }
    }
    text
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("writing to a string does not fail");
}

fn launches(statement: &Statement) -> bool {
    const CALLS: [&str; 5] = ["uvicorn.run(", ".launch(", "app.run(", "serve.run(", "server.run("];
    statement.kind == StatementKind::Other
        && CALLS.iter().any(|call| statement.masked.contains(call))
        && !statement.masked.contains("__name__")
}

fn import_line(module: &str, names: &[String]) -> String {
    let line = format!("from {module} import {}\n", names.join(", "));
    if line.len() <= 89 {
        return line;
    }
    format!("from {module} import (\n    {},\n)\n", names.join(",\n    "))
}

fn heading(group: Group, is_only_common: bool) -> &'static str {
    match group {
        Group::Parameters => "The parameters",
        Group::Common if is_only_common => "The code",
        Group::Common => "The definitions and the data",
        Group::Training => "The training",
        Group::Evaluation => "The evaluation",
        Group::Serving => "The service",
    }
}

fn summary(group: Group) -> &'static str {
    if group == Group::Training {
        "Trains the model as the notebook does"
    } else {
        "Measures the model as the notebook does"
    }
}
