//! Every road to and from a real registry, through a network with troubles: what arrives is whole, and little travels
//! twice.
//!
//! The troubles look random and follow from a seed, which a failure names: `KIT_TEST_SEED=7 cargo test --test cli
//! troubled`.

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::faulty_proxy::{FaultyProxy, random_plan};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
/// One layer comes in pieces, the other as a stream.
const MODEL: usize = 18 * 1024 * 1024;
const DATASET: usize = 3 * 1024 * 1024;
/// `Settings::default().piece_bytes`, and the most that `random_plan` lets pass before it cuts.
const PIECE: u64 = 4 * 1024 * 1024;
/// The maximum number of connections with faults.
const TROUBLED: usize = 12;
/// Requests, and heads of answers.
const TALK: u64 = 256 * 1024;

/// The seeds of a usual run, or the one that the environment names.
#[allow(clippy::disallowed_methods, reason = "the seed of a test does not concern the program")]
fn seeds() -> Vec<u64> {
    let given = std::env::var("KIT_TEST_SEED").ok();
    given.map_or(vec![1, 2], |seed| vec![seed.parse().expect("KIT_TEST_SEED is a number")])
}

/// Troubles between `kit` and a registry.
struct Road {
    sandbox: Sandbox,
    registry: DockerRegistry,
    proxy: FaultyProxy,
    seed: u64,
}

impl Road {
    /// A packed project `big:v1`, which the registry has as `a:v1`.
    fn new(seed: u64) -> Self {
        let (sandbox, registry) = (Sandbox::new(), DockerRegistry::start());
        sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ndatasets: [{path: d}]\n");
        sandbox.write("project/m", noise(seed, MODEL));
        sandbox.write("project/d", noise(!seed, DATASET));
        sandbox.kit(&["pack", "project", "-t", "big:v1"]).ok();
        sandbox.kit(&["push", "big:v1", &format!("{}/a:v1", registry.host()), PLAIN]).ok();
        let proxy = FaultyProxy::start(registry.host(), random_plan(seed, TROUBLED));
        Self { sandbox, registry, proxy, seed }
    }

    /// `name`, through the troubles.
    fn remote(&self, name: &str) -> String {
        format!("{}/{name}", self.proxy.host())
    }

    /// Runs `kit` in another home.
    fn elsewhere(&self, args: &[&str]) -> Run {
        let run = self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")));
        assert_eq!(run.code, Some(0), "seed {}, {args:?}:\n{}", self.seed, run.stderr);
        run
    }

    /// Each fault costs at most the bytes that its connection had received and the program had not read.
    #[track_caller]
    fn assert_little_came_twice(&self) {
        let (received, troubles) = (self.proxy.received_bytes(), self.proxy.troubles());
        let most = (MODEL + DATASET) as u64 + troubles as u64 * PIECE + TALK;
        assert!(received <= most, "seed {}: {received} bytes came, {troubles} troubles", self.seed);
        assert!(troubles > 0, "seed {}: nothing happened", self.seed);
    }

    #[track_caller]
    fn assert_unpacked(&self, folder: &str) {
        for (name, content) in [("m", noise(self.seed, MODEL)), ("d", noise(!self.seed, DATASET))] {
            let found = fs_err::read(self.sandbox.path(folder).join(name)).unwrap();
            assert!(found == content, "seed {}: {name} is another", self.seed);
        }
        let names = fs_err::read_dir(self.sandbox.path(folder)).unwrap().count();
        assert_eq!(names, 3, "seed {}: two files and the Kitfile", self.seed);
    }
}

/// Bytes in which no piece is like another.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::repeat_with(next).take(size / 8).flat_map(u64::to_le_bytes).collect()
}

#[test]
fn a_pull_survives_every_fault() {
    for seed in seeds() {
        let road = Road::new(seed);
        road.elsewhere(&["pull", &road.remote("a:v1"), PLAIN]);
        road.assert_little_came_twice();
        road.elsewhere(&["fsck"]);
        road.elsewhere(&["unpack", &road.remote("a:v1"), "-d", "out"]);
        road.assert_unpacked("out");
    }
}

#[test]
fn unpacking_from_a_registry_survives_every_fault() {
    for seed in seeds() {
        let road = Road::new(seed);
        road.elsewhere(&["unpack", &road.remote("a:v1"), "-d", "out", PLAIN]);
        road.assert_little_came_twice();
        road.assert_unpacked("out");
    }
}

#[test]
fn a_copy_to_a_folder_survives_every_fault() {
    for seed in seeds() {
        let road = Road::new(seed);
        road.elsewhere(&["copy", &road.remote("a:v1"), "oci:layout:v1", PLAIN]);
        road.assert_little_came_twice();
        road.elsewhere(&["unpack", "oci:layout:v1", "-d", "out"]);
        road.assert_unpacked("out");
    }
}

/// Docker's registry forgets an upload that breaks off within a part, so that a push may have to be started again.
#[test]
fn a_push_survives_every_fault() {
    for seed in seeds() {
        let road = Road::new(seed);
        let remote = road.remote("b:v1");
        let mut runs = 0;
        while road.sandbox.kit(&["push", "big:v1", &remote, PLAIN]).code != Some(0) {
            runs += 1;
            assert!(runs <= TROUBLED, "seed {seed}: it never succeeds");
        }
        let direct = format!("{}/b:v1", road.registry.host());
        road.elsewhere(&["unpack", &direct, "-d", "out", PLAIN]);
        road.assert_unpacked("out");
        let (sent, troubles) = (road.proxy.sent_bytes(), road.proxy.troubles() as u64);
        let most = (MODEL + DATASET) as u64 + troubles * 4 * PIECE + TALK;
        assert!(sent <= most, "seed {seed}: {sent} bytes were sent, {troubles} troubles");
    }
}

#[test]
fn a_copy_between_registries_survives_every_fault() {
    for seed in seeds() {
        let (road, to) = (Road::new(seed), DockerRegistry::start());
        let target = format!("{}/c:v1", to.host());
        road.elsewhere(&["copy", &road.remote("a:v1"), &target, PLAIN]);
        road.assert_little_came_twice();
        road.elsewhere(&["unpack", &target, "-d", "out", PLAIN]);
        road.assert_unpacked("out");
    }
}
