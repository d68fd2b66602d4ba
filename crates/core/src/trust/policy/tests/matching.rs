//! The rule that applies to a name.

use std::path::Path;

use kit_testkit::platform::{IS_WINDOWS, absolute};

use crate::trust::policy::{Name, Policy};

/// The patterns of one policy, from general to specific.
const PATTERNS: &[&str] = &[
    "*.example/",
    "*.eu.example/",
    "r.eu.example/",
    "r.eu.example/team/",
    "r.eu.example/team/ml/",
    "r.eu.example/team/ml/net",
    "r.eu.example:5000/",
    "docker.io/",
    "local/",
    MODELS,
    MODEL_A,
    "[::1]:5000/",
    "10.0.0.5:5000/",
];

/// Patterns of layouts, whose paths are absolute.
const MODELS: &str = if IS_WINDOWS { "oci:C:/srv/models/" } else { "oci:/srv/models/" };
const MODEL_A: &str = if IS_WINDOWS { "oci:C:/srv/models/a" } else { "oci:/srv/models/a" };

fn check(name: &Name, expected: Option<&str>) {
    for patterns in [PATTERNS.to_vec(), PATTERNS.iter().rev().copied().collect()] {
        let rule = |pattern: &&str| format!("[[rule]]\nmatch = ['{pattern}']\nsecrets = 'forbid'\n");
        let text = format!("version = 1\n{}", patterns.iter().map(rule).collect::<String>());
        let policy = Policy::parse(&text, Path::new("policy.toml")).unwrap();
        let found = policy.rule_for(name).map(|(_, pattern)| pattern.to_string());
        assert_eq!(found.as_deref(), expected, "{name:?}");
    }
}

#[test]
fn the_most_specific_pattern_decides() {
    for (name, expected) in [
        ("r.eu.example/team/ml/net:v1", Some("r.eu.example/team/ml/net")),
        ("r.eu.example/team/ml/net/part:v1", Some("r.eu.example/team/ml/")),
        ("r.eu.example/team/ml:v1", Some("r.eu.example/team/")),
        ("r.eu.example/teams/net:v1", Some("r.eu.example/")),
        ("R.EU.example:443/team/ml/net", Some("r.eu.example/team/ml/net")),
        ("r.eu.example:5000/team/ml/net", Some("r.eu.example:5000/")),
        ("r.eu.example:6000/team/ml/net", Some("*.eu.example/")),
        ("other.eu.example/net", Some("*.eu.example/")),
        ("a.b.eu.example/net", Some("*.eu.example/")),
        ("eu.example/net", Some("*.example/")),
        ("notexample.org/net", None),
        ("x.notexample/net", None),
        ("registry-1.docker.io/library/net", Some("docker.io/")),
        ("net:v1", Some("local/")),
        ("localhost/net:v1", Some("local/")),
        ("localhost:5000/net:v1", None),
        ("[0:0:0:0:0:0:0:1]:5000/net:v1", Some("[::1]:5000/")),
        ("r.eu.example:80/team/x", Some("r.eu.example/team/")),
        ("registry.hub.docker.com/library/net", Some("docker.io/")),
        // The spellings of an address that HTTP clients accept.
        ("10.0.0.5:5000/net", Some("10.0.0.5:5000/")),
        ("10.5:5000/net", Some("10.0.0.5:5000/")),
        ("0xA.0.0x5:5000/net", Some("10.0.0.5:5000/")),
        ("167772165:5000/net", Some("10.0.0.5:5000/")),
        ("012.000.0.05:5000/net", Some("10.0.0.5:5000/")),
        ("10.0.0.6:5000/net", None),
        ("10.0.0.0.5:5000/net", None),
        ("10.0.0.261:5000/net", None),
    ] {
        check(&Name::of(&name.parse().unwrap()), expected);
    }
}

#[test]
fn layouts_match_by_their_paths() {
    let layout = |path: &str| Name::Layout(vec![absolute(path)]);
    check(&layout("/srv/models/a"), Some(MODEL_A));
    check(&layout("/srv/models/a/b"), Some(MODELS));
    check(&layout("/srv/models"), None);
    check(&layout("/srv/modelsx"), None);
    check(&Name::Layout(vec![absolute("/home/link"), absolute("/srv/models/b")]), Some(MODELS));
}
