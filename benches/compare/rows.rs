//! The rows of the table: each operation of `kit`, the limit it is compared with, and the target.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use sha2::{Digest, Sha256};

use crate::measure::{Side, Work};
use crate::stage::{MIB, Stage, remove, run, write_random, write_table};

/// One row of the table before it is measured.
pub(crate) struct Row {
    pub(crate) limit: Option<Limit>,
    pub(crate) ours: Side,
    pub(crate) target: Target,
    /// Other tools that do the same, with their names.
    pub(crate) beside: Vec<(&'static str, Side)>,
}

/// A lower limit of the time: work that `kit` cannot avoid, or should not exceed.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    /// The share of its time that counts.
    pub(crate) share: f64,
}

pub(crate) enum Target {
    /// A multiple of the limit.
    Ratio(f64),
    Seconds(f64),
}

type Make = fn(&'static Stage) -> Row;

pub(crate) fn rows() -> Vec<(&'static str, Make)> {
    vec![
        ("pack, one layer", pack_one_layer),
        ("pack, four layers", pack_four_layers),
        ("pack again, nothing changed, 20 files", pack_again),
        ("pack again, one of 20 files changed", pack_one_changed),
        ("pack 100,000 small files", pack_small_files),
        ("pack 1 GiB with zstd", |stage| pack_compressed(stage, "zstd", "zstd -T2 -3", "zstd -q -T2 -3 -c")),
        ("pack 1 GiB with gzip", |stage| pack_compressed(stage, "gzip", "pigz -p2 -6", "pigz -p2 -6 -c")),
        ("push", push),
        ("pull, verified", pull),
        ("unpack from the store, verified", unpack),
        ("unpack from the registry, verified", unpack_from_registry),
        ("version", version),
        ("list 1,000 ModelKits", list),
    ]
}

fn pack_one_layer(stage: &Stage) -> Row {
    let project = stage.project(&[("model.bin".into(), stage.size)]);
    let file = project.join("model.bin");
    let sha256sum = process(move || with(Command::new("sha256sum"), &[&file]));
    let mut row = pack(stage, &project, Target::Ratio(1.25), &["model.bin"], 1.0);
    row.beside.insert(0, ("sha256sum", stage.side(|| {}, sha256sum)));
    row
}

fn pack_four_layers(stage: &Stage) -> Row {
    let names = ["0.bin", "1.bin", "2.bin", "3.bin"];
    let files = names.map(|name| (name.to_owned(), stage.size / 4));
    // The limit is for two cores.
    pack(stage, &stage.project(&files), Target::Ratio(1.5), &names, 0.5)
}

/// Packs into a new home each time, compared with hashing the files.
fn pack(stage: &Stage, project: &Path, target: Target, files: &[&str], share: f64) -> Row {
    let paths: Vec<PathBuf> = files.iter().map(|name| project.join(name)).collect();
    let limit = Work::Here(Box::new(move || paths.iter().for_each(|path| hash(path))));
    let limit = Limit { name: "a loop of the sha2 crate", side: stage.side(|| {}, limit), share };
    let ours = packing(stage, project, &[]);
    Row { limit: Some(limit), ours, target, beside: go_packing(stage, project) }
}

fn packing(stage: &Stage, project: &Path, flags: &[&str]) -> Side {
    let home = stage.path("home");
    let mut arguments = vec!["pack", project.to_str().unwrap(), "--tag", "bench:v1"];
    arguments.extend(flags);
    let command = stage.kit("home", &arguments);
    stage.side(move || remove(&home), process(move || again(&command)))
}

fn go_packing(stage: &Stage, project: &Path) -> Vec<(&'static str, Side)> {
    let home = stage.path("go-home");
    let arguments = vec!["pack".to_owned(), text(project), "--tag".to_owned(), "bench:v1".to_owned()];
    go_side(stage, move || remove(&home), move || arguments.clone())
}

/// Returns KitOps as a side beside, if it is installed.
fn go_side(
    stage: &Stage,
    prepare: impl Fn() + 'static,
    arguments: impl Fn() -> Vec<String> + 'static,
) -> Vec<(&'static str, Side)> {
    let home = stage.path("go-home");
    let side = go_kit().map(|go| {
        let work = process(move || {
            let mut command = Command::new(&go);
            command.arg("--config").arg(&home).args(arguments());
            command
        });
        ("KitOps", stage.side(prepare, work))
    });
    side.into_iter().collect()
}

fn pack_again(stage: &Stage) -> Row {
    let project = stage.project(&twenty(stage));
    settle();
    stage.kit_now("home", &["pack", project.to_str().unwrap(), "--tag", "bench:v1"]);
    let command = stage.kit("home", &["pack", project.to_str().unwrap(), "--tag", "bench:v1"]);
    let ours = stage.side(|| {}, process(move || again(&command)));
    let arguments = vec!["pack".to_owned(), text(&project), "--tag".to_owned(), "bench:v1".to_owned()];
    let beside = go_side(stage, || {}, move || arguments.clone());
    Row { limit: None, ours, target: Target::Seconds(0.05), beside }
}

fn pack_one_changed(stage: &Stage) -> Row {
    let project = stage.project(&twenty(stage));
    settle();
    stage.kit_now("home", &["pack", project.to_str().unwrap(), "--tag", "bench:v1"]);
    let command = stage.kit("home", &["pack", project.to_str().unwrap(), "--tag", "bench:v1"]);
    let (changed, hashed) = (project.join("7.bin"), project.join("7.bin"));
    let change = move || {
        let content = fs::read(&changed).unwrap();
        fs::write(&changed, [&content[1..], &content[..1]].concat()).unwrap();
    };
    let limit = Work::Here(Box::new(move || hash(&hashed)));
    let limit = Limit { name: "hashing its file", side: stage.side(|| {}, limit), share: 1.0 };
    let ours = stage.side(change, process(move || again(&command)));
    Row { limit: Some(limit), ours, target: Target::Ratio(1.3), beside: Vec::new() }
}

fn twenty(stage: &Stage) -> Vec<(String, u64)> {
    (0..20).map(|number| (format!("{number}.bin"), stage.size / 20 / MIB * MIB)).collect()
}

/// Waits until the files count as unchanged: files that changed within the last two seconds are read again, because
/// they may change once more within one tick of the clock.
fn settle() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}

fn pack_small_files(stage: &Stage) -> Row {
    let project = stage.project(&[]);
    let data = project.join("data");
    for number in 0..100_000_u64 {
        let folder = data.join(format!("{:03}", number / 1000));
        fs::create_dir_all(&folder).unwrap();
        write_random(&folder.join(format!("{number}.txt")), 1024 + number % 7 * 1024);
    }
    let kitfile = "manifestVersion: 1.0.0\npackage:\n  name: bench\ndatasets:\n  - name: data\n    path: data\n";
    fs::write(project.join("Kitfile"), kitfile).unwrap();
    let ours = packing(stage, &project, &[]);
    let tar = shell(format!("tar c -C '{}' data | openssl dgst -sha256", project.display()));
    let limit = Limit { name: "`tar c`, `openssl dgst -sha256`", side: stage.side(|| {}, tar), share: 1.0 };
    let beside = go_packing(stage, &project);
    Row { limit: Some(limit), ours, target: Target::Ratio(0.9), beside }
}

fn pack_compressed(stage: &Stage, compression: &str, name: &'static str, command: &str) -> Row {
    let project = stage.project(&[("data.csv".into(), 0)]);
    let data = project.join("data.csv");
    write_table(&data, 1024 * MIB);
    let limit = shell(format!("{command} '{}' | openssl dgst -sha256", data.display()));
    let limit = Limit { name, side: stage.side(|| {}, limit), share: 1.0 };
    let ours = packing(stage, &project, &["--compression", compression]);
    Row { limit: Some(limit), ours, target: Target::Ratio(1.0), beside: Vec::new() }
}

/// Each run pushes to an empty registry: otherwise there would be nothing to send.
fn push(stage: &'static Stage) -> Row {
    let layer = packed(stage);
    let renew = || drop(stage.new_registry());
    let blob = stage.path("home/store/blobs/sha256").join(&layer);
    let curl = Work::Process(Box::new(move || sh(&put_script(&stage.host(), &blob, &layer))));
    let limit = Limit { name: "curl PUT", side: stage.side(renew, curl), share: 1.0 };
    let target = move || format!("{}/team/bench:v1", stage.host());
    let ours = Work::Process(Box::new(move || stage.kit("home", &["push", "bench:v1", &target(), "--plain-http"])));
    let skopeo = Work::Process(Box::new(move || {
        let from = format!("oci:{}:bench:v1", stage.path("home/store").display());
        skopeo(&from, &format!("docker://{}", target()), "--dest-tls-verify=false")
    }));
    let mut beside = vec![("skopeo", stage.side(renew, skopeo))];
    let tag = move || {
        renew();
        go_now(stage, &["tag", "bench:v1", &target()]);
    };
    go_now(stage, &["pack", &text(&stage.path("project")), "--tag", "bench:v1"]);
    beside.extend(go_side(stage, tag, move || vec!["push".to_owned(), target(), "--plain-http".to_owned()]));
    Row { limit: Some(limit), ours: stage.side(renew, ours), target: Target::Ratio(1.1), beside }
}

fn pull(stage: &'static Stage) -> Row {
    let url = pushed(stage);
    let reference = format!("{}/team/bench:v1", stage.host());
    let command = stage.kit("other", &["pull", &reference, "--plain-http"]);
    let home = stage.path("other");
    let ours = stage.side(move || remove(&home), process(move || again(&command)));
    let folder = stage.path("skopeo");
    let to = format!("oci:{}:bench", folder.display());
    let from = format!("docker://{reference}");
    let work = process(move || skopeo(&from, &to, "--src-tls-verify=false"));
    let mut beside = vec![("skopeo", stage.side(move || remove(&folder), work))];
    let go_home = stage.path("go-home");
    let arguments = vec!["pull".to_owned(), reference, "--plain-http".to_owned()];
    beside.extend(go_side(stage, move || remove(&go_home), move || arguments.clone()));
    Row { limit: Some(curl_get(stage, &url)), ours, target: Target::Ratio(1.2), beside }
}

fn unpack(stage: &Stage) -> Row {
    packed(stage);
    let (copy, folder) = (stage.path("copy"), stage.path("out"));
    let cp = with(Command::new("cp"), &[Path::new("-r"), &stage.path("project"), &copy]);
    let limit = stage.side(move || remove(&copy), process(move || again(&cp)));
    let command = stage.kit("home", &["unpack", "bench:v1", "--dir", folder.to_str().unwrap()]);
    let ours = stage.side(move || remove(&folder), process(move || again(&command)));
    let limit = Limit { name: "cp -r", side: limit, share: 1.0 };
    go_now(stage, &["pack", &text(&stage.path("project")), "--tag", "bench:v1"]);
    let beside = go_unpacking(stage, "bench:v1", &[]);
    Row { limit: Some(limit), ours, target: Target::Ratio(1.3), beside }
}

fn go_unpacking(stage: &Stage, reference: &str, flags: &[&str]) -> Vec<(&'static str, Side)> {
    let folder = stage.path("go-out");
    let arguments: Vec<String> = ["unpack", reference, "--dir", &text(&folder)]
        .iter()
        .chain(flags)
        .map(|argument| (*argument).to_owned())
        .collect();
    go_side(stage, move || remove(&folder), move || arguments.clone())
}

fn unpack_from_registry(stage: &'static Stage) -> Row {
    let url = pushed(stage);
    let (reference, folder) = (format!("{}/team/bench:v1", stage.host()), stage.path("out"));
    let command = stage.kit("empty", &["unpack", &reference, "--plain-http", "--dir", folder.to_str().unwrap()]);
    let ours = stage.side(move || remove(&folder), process(move || again(&command)));
    let beside = go_unpacking(stage, &reference, &["--plain-http"]);
    Row { limit: Some(curl_get(stage, &url)), ours, target: Target::Ratio(1.3), beside }
}

fn version(stage: &Stage) -> Row {
    let command = stage.kit("home", &["version"]);
    let ours = stage.side(|| {}, process(move || again(&command)));
    Row { limit: None, ours, target: Target::Seconds(0.003), beside: Vec::new() }
}

fn list(stage: &Stage) -> Row {
    let project = stage.project(&[]);
    for number in 0..1000 {
        let text = format!("manifestVersion: 1.0.0\npackage:\n  name: bench\n  version: 1.0.{number}\n");
        fs::write(project.join("Kitfile"), text).unwrap();
        stage.kit_now("home", &["pack", project.to_str().unwrap(), "--tag", &format!("bench:v{number}")]);
    }
    let command = stage.kit("home", &["list"]);
    let ours = stage.side(|| {}, process(move || again(&command)));
    Row { limit: None, ours, target: Target::Seconds(0.02), beside: Vec::new() }
}

/// Packs one large layer and returns the hexadecimal part of its digest.
fn packed(stage: &Stage) -> String {
    let project = stage.project(&[("model.bin".into(), stage.size)]);
    stage.kit_now("home", &["pack", project.to_str().unwrap(), "--tag", "bench:v1"]);
    let blobs = fs::read_dir(stage.path("home/store/blobs/sha256")).unwrap();
    let largest = blobs.map(Result::unwrap).max_by_key(|blob| blob.metadata().unwrap().len()).unwrap();
    largest.file_name().into_string().unwrap()
}

/// Pushes one large layer to a new registry and returns its URL.
fn pushed(stage: &Stage) -> String {
    let layer = packed(stage);
    let host = stage.new_registry();
    stage.kit_now("home", &["push", "bench:v1", &format!("{host}/team/bench:v1"), "--plain-http"]);
    remove(&stage.path("home"));
    remove(&stage.path("project"));
    format!("http://{host}/v2/team/bench/blobs/sha256:{layer}")
}

fn curl_get(stage: &Stage, url: &str) -> Limit {
    let file = stage.path("curl");
    let curl = shell(format!("curl --silent --fail --noproxy '*' --output '{}' '{url}'", file.display()));
    Limit { name: "curl GET", side: stage.side(move || remove(&file), curl), share: 1.0 }
}

fn put_script(host: &str, blob: &Path, layer: &str) -> String {
    format!(
        "set -e\n\
         curl() {{ command curl --silent --show-error --fail --noproxy '*' \"$@\"; }}\n\
         place=$(curl --request POST --dump-header - http://{host}/v2/team/curl/blobs/uploads/ |\n\
             tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')\n\
         curl --header 'Content-Type: application/octet-stream' --upload-file '{}' \"$place&digest=sha256:{layer}\"",
        blob.display()
    )
}

fn skopeo(from: &str, to: &str, flag: &str) -> Command {
    let mut command = Command::new("skopeo");
    command.args(["copy", "--quiet", flag, from, to]);
    command
}

/// Runs KitOps now, if it is installed.
fn go_now(stage: &Stage, arguments: &[&str]) {
    if let Some(go) = go_kit() {
        run(Command::new(go).arg("--config").arg(stage.path("go-home")).args(arguments));
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("the paths of the stage are text").to_owned()
}

/// Returns the path of KitOps, if it is installed.
fn go_kit() -> Option<PathBuf> {
    let named = std::env::var_os("KITOPS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("kit")).find(|file| file.is_file());
    let is_go = |file: &PathBuf| {
        let output = Command::new(file).arg("version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Go version"))
    };
    named.into_iter().chain(found).find(is_go)
}

fn hash(path: &Path) {
    let (mut file, mut hash, mut buffer) = (fs::File::open(path).unwrap(), Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    std::hint::black_box(hash.finalize());
}

fn process(command: impl Fn() -> Command + 'static) -> Work {
    Work::Process(Box::new(command))
}

fn shell(script: String) -> Work {
    process(move || sh(&script))
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Copies a command, because a command cannot be cloned.
fn again(command: &Command) -> Command {
    let mut other = Command::new(command.get_program());
    other.args(command.get_args());
    other
}

fn with(mut command: Command, arguments: &[&Path]) -> Command {
    command.args(arguments);
    command
}
