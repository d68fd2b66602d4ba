//! Names of files that contain secrets.

use crate::file_kind::has_extension;

/// Parts of the names of sample files, which contain placeholders.
const SAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// Returns true for the name of a sample, such as `.env.example` and `sample.env`. `name` is lower-case.
fn is_sample(name: &str) -> bool {
    name.split(['.', '-', '_']).any(|part| SAMPLES.contains(&part))
}

/// Returns true for the name of a file with environment variables.
pub(crate) fn is_environment(name: &str) -> bool {
    let name = name.to_lowercase();
    (has_extension(&name, "env") || name.starts_with(".env.")) && !is_sample(&name)
}

/// Returns true if files with this name contain secrets, as far as they are used as documented.
pub(crate) fn is_sure_name(name: &str) -> bool {
    const NAMES: [&str; 9] =
        [".netrc", "_netrc", ".pgpass", ".pypirc", ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
    is_environment(name) || NAMES.contains(&&*name.to_lowercase())
}

/// Returns true if files with this name may contain secrets, and often do.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        ".npmrc",
        ".htpasswd",
        ".dockercfg",
        ".s3cfg",
        ".boto",
        ".databrickscfg",
        ".vault-token",
        ".my.cnf",
        "kubeconfig",
        "kaggle.json",
        "application_default_credentials.json",
        "credentials.csv",
    ];
    /// The beginnings of names with one of the endings of settings.
    const STARTS: [&str; 6] =
        ["credentials.", "secret.", "secrets.", "client_secret", "service_account", "service-account"];
    const SETTINGS: [&str; 6] = [".json", ".yaml", ".yml", ".toml", ".ini", ".properties"];
    const ENDS: [&str; 8] = [".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".keystore", ".ppk"];
    let name = name.to_lowercase();
    let is_setting = SETTINGS.iter().any(|end| name.ends_with(end));
    let is_named = STARTS.iter().any(|start| name.starts_with(start)) || name.contains("firebase-adminsdk");
    let is_likely = NAMES.contains(&&*name) || is_setting && is_named || ENDS.iter().any(|end| name.ends_with(end));
    is_likely && !is_sample(&name)
}

/// Returns true for the names of certificates, which are harmless if their content is not a private key.
pub(crate) fn is_certificate(name: &str) -> bool {
    has_extension(name, "pem")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for (name, is_sure, is_likely) in [
            (".env", true, false),
            (".ENV.production", true, false),
            (".env.example", false, false),
            (".envrc", false, false),
            ("id_ed25519", true, false),
            ("id_ed25519.pub", false, false),
            ("server.PEM", false, true),
            ("server.pem.sample", false, false),
            ("tokenizer.json", false, false),
            ("environment.yml", false, false),
            ("monkey", false, false),
            ("config.env", true, false),
            ("prod.env", true, false),
            ("sample.env", false, false),
            ("config.env.dist", false, false),
            ("environment", false, false),
            ("credentials.json", false, true),
            ("Kaggle.json", false, true),
            ("client_secret_123.apps.googleusercontent.com.json", false, true),
            ("client_secrets.json", false, true),
            ("client_secret.example.json", false, false),
            ("secrets.yaml", false, true),
            ("secrets.py", false, false),
            ("my-firebase-adminsdk-a1.json", false, true),
            ("special_tokens_map.json", false, false),
        ] {
            assert_eq!((is_sure_name(name), is_secret_name(name)), (is_sure, is_likely), "{name}");
        }
    }
}
