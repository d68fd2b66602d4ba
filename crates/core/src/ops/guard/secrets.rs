//! Detects secrets by the names and the contents of files. The secret that is found is never shown.

use std::io::{self, Read};

use super::names::{is_binary_name, is_content_name, is_text_name};
use crate::kitfile::Section;
use crate::limits;
use crate::ops::refused::Secret;
use crate::relative_path::RelativePath;
use crate::scan::secrets::{
    Hit, WEB_TOKEN, has_secret_setting, is_certificate, is_environment, is_secret_name, is_sure_name, search_any,
    tokens_in,
};

/// The version of the rules. Must be raised when they find more, so that layers are checked again.
pub(super) const RULES: u32 = 7;

/// Larger files are not settings, and are read only if their names are not those of weights or data.
pub(super) const SMALL_BYTES: u64 = 1024 * 1024;

/// The number of tokens in one file that are listed.
const LISTED: usize = 10;

/// The files of a dataset that are read. Those of other sections are always read if they may be texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataTexts {
    /// Small texts that people write, so that packing large data costs nothing.
    Small,
    /// All that may be texts.
    All,
}

/// A finding about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// The file contains a secret.
    Secret(Secret),
    /// The file may contain a secret.
    Likely(Secret),
    /// A literal in the file may be a secret.
    Literal(Secret),
    /// The file is a text in a dataset and contains what may be a secret.
    InData(Secret),
    /// The file is a text that is too large to be searched.
    TooLarge {
        /// The path of the file.
        path: RelativePath,
        /// The size in bytes.
        size: u64,
    },
}

impl Secret {
    /// Returns a secret if the name of the file says that it has one.
    pub(super) fn of_name(path: &RelativePath) -> Option<Self> {
        is_sure_name(path.file_name()?).then(|| Self::named(path))
    }

    /// Returns a likely secret if the name of the file says that it may have one.
    pub(super) fn likely(path: &RelativePath) -> Option<Self> {
        is_secret_name(path.file_name()?).then(|| Self::named(path))
    }

    fn named(path: &RelativePath) -> Self {
        Self { path: path.clone(), line: None, message: "a file with this name usually holds secrets".to_owned() }
    }
}

impl Found {
    /// Looks for secrets in the file `path`, which has `size` bytes, if that is known: by its name, and then by its
    /// content, which `open` opens. Only texts are read, and of a dataset those that `data` names. A token in data is
    /// no more than likely: data may be about programs.
    pub(super) fn find<R: Read>(
        section: Section,
        data: DataTexts,
        path: &RelativePath,
        size: Option<u64>,
        open: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<Vec<Self>> {
        let name = path.file_name().unwrap_or_default();
        if let Some(secret) = Secret::of_name(path) {
            if is_environment(name) && size.is_some_and(|size| size <= SMALL_BYTES) {
                let mut text = Vec::new();
                open()?.take(SMALL_BYTES).read_to_end(&mut text)?;
                let is_secret = has_secret_setting(&String::from_utf8_lossy(&text));
                return Ok(is_secret.then_some(Self::Secret(secret)).into_iter().collect());
            }
            return Ok(vec![Self::Secret(secret)]);
        }
        let likely = || Secret::likely(path).map(Self::Likely).into_iter().collect::<Vec<_>>();
        let Some(size) = size else { return Ok(likely()) };
        if section == Section::Dataset {
            let is_read = match data {
                DataTexts::Small => is_small_text(name, size),
                DataTexts::All => is_searched(name, size),
            };
            let hits = if is_read { search_any(open()?)? } else { Vec::new() };
            let found: Vec<_> = Self::at(path, &hits).into_iter().filter_map(Self::in_data).collect();
            return Ok(if found.is_empty() { likely() } else { found });
        }
        if size > limits::SEARCHED_TEXT_BYTES && is_text_name(name) {
            let likely = likely();
            let too_large = || vec![Self::TooLarge { path: path.clone(), size }];
            return Ok(if likely.is_empty() { too_large() } else { likely });
        }
        if !is_searched(name, size) {
            return Ok(likely());
        }
        let hits = search_any(open()?)?;
        let is_clean = hits.is_empty() && !is_certificate(name);
        Ok(if is_clean { likely() } else { Self::at(path, &hits) })
    }

    /// Turns a sure finding into one about data.
    fn in_data(self) -> Option<Self> {
        if let Self::Secret(secret) = self { Some(Self::InData(secret)) } else { None }
    }

    /// Returns the findings about the places in the file `path`, the first ones of each kind.
    fn at(path: &RelativePath, hits: &[Hit]) -> Vec<Self> {
        let at = |line: usize, message: String| Secret { path: path.clone(), line: Some(line), message };
        let tokens = hits.iter().filter(|hit| matches!(hit, Hit::Token(..))).count();
        let mut found = Vec::new();
        for hit in hits {
            found.push(match hit {
                Hit::Token(line, kind) => Self::Secret(at(*line, format!("this looks like {kind}"))),
                Hit::WebToken(line) => Self::Literal(at(*line, format!("this looks like {WEB_TOKEN}"))),
                Hit::Password(line) => Self::Likely(at(*line, "this address contains a password".to_owned())),
                Hit::Literal(line) => Self::Literal(at(*line, "this literal looks like a secret".to_owned())),
            });
        }
        if tokens > LISTED {
            let message = format!("{} more lines like these", tokens - LISTED);
            let more = Self::Secret(Secret { path: path.clone(), line: None, message });
            found.splice(LISTED..tokens, [more]);
        }
        found
    }
}

/// Returns true if a file of a dataset with this name and size is searched.
pub(super) fn is_small_text(name: &str, size: u64) -> bool {
    (1..=SMALL_BYTES).contains(&size) && is_text_name(name)
}

/// Returns true if a file with this name and size may be a text to search.
fn is_searched(name: &str, size: u64) -> bool {
    let is_of_size = size <= SMALL_BYTES || size <= limits::SEARCHED_TEXT_BYTES && !is_content_name(name);
    size > 0 && is_of_size && !is_binary_name(name)
}

/// Returns true if a setting is a secret: by its name, because its value is a token, or because it is an address with a
/// password.
pub(crate) fn is_secret_setting(name: &str, value: &str) -> bool {
    const ENDS: [&str; 12] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credentials",
        "api_key",
        "apikey",
        "access_key",
        "secret_key",
        "private_key",
        "access_token",
        "auth_token",
    ];
    let name = name.to_lowercase().replace(['-', '.', ' '], "_");
    let place = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let has_password = place.and_then(|place| place.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'));
    ENDS.iter().any(|end| name.ends_with(end)) || has_password || !tokens_in(value.as_bytes(), |_| true).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(section: Section, path: &str, size: u64, text: &str) -> Vec<Found> {
        find_in(section, DataTexts::Small, path, size, text)
    }

    fn find_in(section: Section, data: DataTexts, path: &str, size: u64, text: &str) -> Vec<Found> {
        Found::find(section, data, &path.parse().unwrap(), Some(size), || Ok(text.as_bytes())).unwrap()
    }

    fn secret(path: &str, line: Option<usize>, message: &str) -> Secret {
        Secret { path: path.parse().unwrap(), line, message: message.to_owned() }
    }

    const NAME: &str = "a file with this name usually holds secrets";

    #[test]
    fn texts_are_searched_unless_they_are_weights_or_data() {
        let token = format!("{}\nAKIA{}\n", "x".repeat(5000), "Q7".repeat(8));
        let expected = |path: &str| vec![Found::Secret(secret(path, Some(2), "this looks like an AWS access key"))];
        for (path, size) in [
            ("a/b.txt", 5021),
            ("a.csv", 5021),
            ("a.ipynb", 2 << 20),
            ("a.bin", 5021),
            ("a", limits::SEARCHED_TEXT_BYTES),
        ] {
            assert_eq!(find(Section::Code, path, size, &token), expected(path), "{path}");
        }
        for (path, size) in
            [("b.png", 5021), ("a.csv", 2 << 20), ("m.bin", 2 << 20), ("a", limits::SEARCHED_TEXT_BYTES + 1)]
        {
            assert_eq!(find(Section::Code, path, size, &token), [], "{path} {size}");
        }
        let in_data = secret("a.txt", Some(2), "this looks like an AWS access key");
        assert_eq!(find(Section::Dataset, "a.txt", 5021, &token), [Found::InData(in_data)]);
        for (path, size) in [("a.csv", 5021), ("a", 5021), ("a.txt", 2 << 20)] {
            assert_eq!(find(Section::Dataset, path, size, &token), [], "{path} {size}");
        }
        for path in ["a.csv", "a"] {
            let in_data = Found::InData(secret(path, Some(2), "this looks like an AWS access key"));
            assert_eq!(find_in(Section::Dataset, DataTexts::All, path, 5021, &token), [in_data], "{path}");
        }
        assert_eq!(find_in(Section::Dataset, DataTexts::All, "a.csv", 2 << 20, &token), []);
        let doubtful = "password = 'Zq7Zq7Zq7Zq7Zq7'\npostgres://ada:s3cret@db/x\n";
        assert_eq!(find(Section::Dataset, "a.py", 50, doubtful), []);
        let size = limits::SEARCHED_TEXT_BYTES + 1;
        let too_large = Found::TooLarge { path: "a.ipynb".parse().unwrap(), size };
        assert_eq!(find(Section::Code, "a.ipynb", size, &token), [too_large]);
    }

    #[test]
    fn environments_are_secret_by_their_settings() {
        for path in ["a/.env", "prod.env"] {
            for text in ["# x\nexport API_KEY='x'\n", "URL=https://ada@db.example"] {
                assert_eq!(find(Section::Code, path, 30, text), [Found::Secret(secret(path, None, NAME))], "{text}");
            }
            for text in ["", "DEBUG=1\nA=\"b\"\n", "# KEY=x\nTOKEN=\n"] {
                assert_eq!(find(Section::Code, path, 30, text), [], "{text}");
            }
        }
    }

    #[test]
    fn names_and_addresses_are_likely_secrets() {
        let likely = |path, line, message| [Found::Likely(secret(path, line, message))];
        assert_eq!(find(Section::Dataset, "d/kaggle.json", 5, "{}"), likely("d/kaggle.json", None, NAME));
        assert_eq!(find(Section::Code, "tls.key", 5, "00:11"), likely("tls.key", None, NAME));
        assert_eq!(find(Section::Code, "ca.pem", 5, "-----BEGIN CERTIFICATE-----"), []);
        assert_eq!(find(Section::Dataset, "ca.pem", 5, ""), likely("ca.pem", None, NAME));
        let address = "\npostgres://ada:s3cret@db/x";
        assert_eq!(
            find(Section::Code, "a.py", 27, address),
            likely("a.py", Some(2), "this address contains a password")
        );
    }

    #[test]
    fn all_secrets_of_a_file_are_found_and_the_first_ten_are_listed() {
        let token = format!("AKIA{}\n", "Q7".repeat(8));
        let aws = |line| Found::Secret(secret("a.py", Some(line), "this looks like an AWS access key"));
        let literal = "token = 'Zq7Zq7Zq7Zq7Zq7'\n";
        let found = find(Section::Code, "a.py", 50, &format!("{token}{literal}{token}"));
        let last = Found::Literal(secret("a.py", Some(2), "this literal looks like a secret"));
        assert_eq!(found, [aws(1), aws(3), last.clone()]);
        let found = find(Section::Code, "a.py", 50, &format!("{token}{literal}{}", token.repeat(12)));
        assert_eq!(found.len(), 12);
        assert_eq!(found[9], aws(11));
        assert_eq!(found[10..], [Found::Secret(secret("a.py", None, "3 more lines like these")), last]);
    }

    #[test]
    fn settings_are_secret_by_name_or_by_value() {
        for (name, value, expected) in [
            ("db.password", "x", true),
            ("OPENAI_API_KEY", "x", true),
            ("hub/auth-token", "x", true),
            ("max_tokens", "512", false),
            ("tokenizer", "bpe", false),
            ("monkey", "x", false),
            ("store", "postgres://ada:s3cret@db.example/x", true),
            ("store", "https://ada@git.example/a:b", false),
            ("note", &format!("hf{}{}", '_', "aB".repeat(17)), true),
        ] {
            assert_eq!(is_secret_setting(name, value), expected, "{name}: {value}");
        }
    }
}
