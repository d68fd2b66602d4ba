//! Prints how the cost of commands grows with the number of files, ModelKits, entries and tags, in Markdown tables.
//!
//! `cargo bench --bench scale [-- [--files N,…] [--modelkits N,…] [--entries N,…] [--tags N,…] [--only WORDS]
//! [--kit PATH]]`. By default the numbers are small and a run takes seconds. A cell is the CPU time of one run in
//! seconds, user and system together, which depends little on other load of the machine; for tags it is the number of
//! requests. `--kit` measures another binary, such as an earlier version.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that is run by hand and may panic")]
#![allow(clippy::disallowed_methods, reason = "the arguments of a bench come from cargo")]

mod stage;
mod store;

use stage::Stage;

/// The runs of a command at each number.
type Rows = Vec<(&'static str, String)>;

fn main() {
    table("small files in a layer", "--files", &[100, 1_000, 10_000], files);
    table("ModelKits in the local store, CPU s", "--modelkits", &[100, 1_000, 5_000], modelkits);
    table("entries of a Kitfile, CPU s", "--entries", &[10, 100, 500], entries);
    table("tags in a registry, requests", "--tags", &[5, 20], tags);
}

/// Prints a table with a column for each number that the argument `name` lists.
fn table(title: &str, name: &str, otherwise: &[usize], measure: impl Fn(usize) -> Rows) {
    if !title.contains(&option("--only").unwrap_or_default()) {
        return;
    }
    let numbers = option(name).map_or(otherwise.to_vec(), |list| list.split(',').map(|n| n.parse().unwrap()).collect());
    let columns: Vec<Rows> = numbers.iter().map(|number| measure(*number)).collect();
    let heads: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    println!("\n| {title} | {} |\n|---|{}", heads.join(" | "), "--:|".repeat(heads.len()));
    for (row, (label, _)) in columns[0].iter().enumerate() {
        let cells: Vec<_> = columns.iter().map(|column| column[row].1.as_str()).collect();
        println!("| {label} | {} |", cells.join(" | "));
    }
}

/// Returns the argument after `name`.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn files(number: usize) -> Rows {
    let stage = Stage::new();
    stage.write("project/Kitfile", "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n");
    for file in 0..number {
        stage.write(&format!("project/data/{}/{}/{file}.txt", file % 10, file / 10 % 10), &file.to_string());
    }
    let mut rows = vec![
        ("pack", stage.cpu(&["pack", "project", "-t", "net:v1"])),
        ("unpack", stage.cpu(&["unpack", "net:v1", "-d", "out"])),
        ("verify", stage.cpu(&["verify", "out", "net:v1"])),
        ("ls", stage.cpu(&["ls", "net:v1"])),
        ("validate", stage.cpu(&["validate", "project"])),
    ];
    let patterns = (0..100).map(|pattern| format!("**/*.none{pattern}\n")).collect::<Vec<_>>().concat();
    stage.write("project/.kitignore", &patterns);
    rows.push(("validate, 100 patterns", stage.cpu(&["validate", "project"])));
    rows
}

fn modelkits(number: usize) -> Rows {
    let stage = Stage::new();
    stage.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: weights.bin}\n");
    stage.write("project/weights.bin", "weights");
    stage.run(&["pack", "project", "-t", "net:v0"]);
    store::fill(&stage.store(), number);
    stage.write("project/weights.bin", "other weights");
    vec![
        ("tag", stage.cpu(&["tag", "net:v1", "net:new"])),
        ("tag in another repository", stage.cpu(&["tag", "net:v2", "other:new"])),
        ("pack one more", stage.cpu(&["pack", "project", "-t", "net:packed"])),
        ("remove a tag", stage.cpu(&["remove", "net:new"])),
        ("remove a ModelKit", stage.cpu(&["remove", "net:packed"])),
        ("inspect", stage.cpu(&["inspect", "net:v3"])),
        ("list", stage.cpu(&["list"])),
        ("log", stage.cpu(&["log", "net:v4"])),
        ("fsck", stage.cpu(&["fsck"])),
    ]
}

fn entries(number: usize) -> Rows {
    let stage = Stage::new();
    let list = (0..number).map(|entry| format!("  - path: data/{entry}.txt\n")).collect::<Vec<_>>().concat();
    stage.write("project/Kitfile", &format!("manifestVersion: 1.0.0\ndatasets:\n{list}"));
    for entry in 0..number {
        stage.write(&format!("project/data/{entry}.txt"), &entry.to_string());
    }
    let pack = stage.cpu(&["pack", "project", "-t", "net:v1"]);
    stage.write("project/data/0.txt", "changed");
    stage.run(&["pack", "project", "-t", "net:v2"]);
    vec![
        ("pack", pack),
        ("validate", stage.cpu(&["validate", "project"])),
        ("diff", stage.cpu(&["diff", "net:v1", "net:v2"])),
        ("unpack", stage.cpu(&["unpack", "net:v1", "-d", "out"])),
    ]
}

fn tags(number: usize) -> Rows {
    let stage = Stage::new();
    let repository = format!("{}/team/net", stage.registry.host());
    stage.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: weights.bin}\n");
    for tag in 0..number {
        stage.write("project/weights.bin", &tag.to_string());
        stage.run(&["pack", "project", "-t", &format!("{repository}:v{tag}")]);
        stage.run(&["push", &format!("{repository}:v{tag}"), "--plain-http"]);
    }
    let (list, log) = (["list", &repository, "--plain-http"], ["log", "-r", &repository, "--plain-http"]);
    vec![
        ("list", stage.requests(&list)),
        ("list again", stage.requests(&list)),
        ("log", stage.requests(&log)),
        ("log again", stage.requests(&log)),
    ]
}
