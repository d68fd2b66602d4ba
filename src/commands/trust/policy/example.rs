//! The policy that `kit policy init` prints.

/// A policy that is valid and has no effect beyond a warning: everything else is a comment.
pub(super) const EXAMPLE: &str = r#"# The policy of kit: who must have signed a ModelKit, and what it may contain.
# `kit policy test FILE` checks this file, and `kit policy check NAME` a ModelKit.
version = 1

# Names that no rule matches: allow or refuse.
default = "allow"

# A public key, as `kit key new` writes it. Paths begin in the folder of this file.
# [keys.release]
# file = "keys/release.pub"

# A workflow that signs without a key. No trusted root is built in; the guide says where to get one.
# [keys.ci]
# identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main"
# issuer = "https://token.actions.githubusercontent.com"
# trusted-root = "trusted_root.json"
# transparency-log = "required"             # required or optional

# The most specific rule applies, alone. Patterns:
#   registry.example/team/net   this repository        registry.example/team/   all below
#   registry.example/           the whole registry     *.example/               registries in this domain
#   oci:/srv/models/            image layouts below    local/                   names without a registry
# [[rule]]
# match = ["registry.example/production/"]
# mode = "enforce"                          # enforce, warn or off
# signed-by = { any = ["release"] }         # or all = […]
# legacy = true                             # do signatures of cosign 2 count?
# attestations = [
#   { type = "test-result", signed-by = { any = ["release"] }, result = ["PASSED"] },
#   { type = "slsaprovenance1", signed-by = { any = ["release"] }, builder = ["https://builder.example"] },
# ]
# formats = ["safetensors", "gguf", "onnx"] # of weights; others are refused
# licenses = { allow = ["Apache-2.0", "MIT"], unknown = "refuse" }
# pickle = "listed"                         # allow, listed (only with known names) or forbid
# remote-code = "forbid"                    # allow or forbid
# secrets = "forbid"                        # allow or forbid
# scan = { at-most = "low", by = ["release"] }

# Warns of credentials in ModelKits of other registries.
[[rule]]
match = ["registry.example/"]
mode = "warn"
secrets = "forbid"
"#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use kit_core::trust::policy::Policy;

    #[test]
    fn the_example_is_valid_with_and_without_its_comments() {
        let parse = |text: &str| Policy::parse(text, Path::new("policy.toml")).map_err(|error| error.to_string());
        parse(EXAMPLE).unwrap();
        let is_setting = |line: &str| line.contains(" = ") || line.starts_with(['[', ']']) || line.starts_with("  {");
        let uncomment = |line: &str| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => setting.to_owned(),
            _ => line.to_owned(),
        };
        let all: Vec<_> = EXAMPLE.lines().map(uncomment).collect();
        let policy = parse(&all.join("\n")).unwrap();
        assert_eq!((policy.keys.len(), policy.rules.len(), policy.rules[0].describe().len()), (2, 2, 9));
    }
}
