//! Addresses of runs and models: `mlflow://SERVER/runs/ID`, and those that MLflow itself uses, such as
//! `models:/NAME/VERSION`.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::error::Error;

/// The address of a run or a model, with its server if the address names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlflowAddress {
    /// The URL of the server.
    pub server: Option<String>,
    /// The run or model.
    pub subject: Subject,
}

/// A run or a model of a tracking server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A run.
    Run {
        /// Its identifier.
        id: String,
        /// The identifier of its experiment, if the address contains it.
        experiment: Option<String>,
    },
    /// A version of a registered model.
    Version {
        /// The name of the model.
        name: String,
        /// The number of the version.
        version: String,
    },
    /// The version of a registered model that an alias names.
    Alias {
        /// The name of the model.
        name: String,
        /// The alias.
        alias: String,
    },
    /// A logged model (MLflow 3).
    Logged {
        /// Its identifier, which begins with `m-`.
        id: String,
    },
}

/// The schemes of addresses with a server. KitOps has the first one only, which is not encrypted.
const SCHEMES: [(&str, &str); 3] = [("mlflow://", "http"), ("mlflow+http://", "http"), ("mlflow+https://", "https")];

impl MlflowAddress {
    /// Returns true if `text` has the form of an address, valid or not.
    pub fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
            || text.starts_with("models:/")
            || text.starts_with("runs:/")
    }

    /// Parses an address, or the URL of the page about a run or a version in MLflow's user interface.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // A user in the address may come with a password, which is not shown.
        let unfit = || {
            Error::Address(
                text.rsplit_once('@').filter(|_| text.contains("://")).map_or(text, |(_, end)| end).to_owned(),
            )
        };
        let words = |path: &str| {
            let words = path.trim_end_matches('/').split('/');
            words.map(|word| percent_decode_str(word).decode_utf8().ok().map(String::from)).collect::<Option<Vec<_>>>()
        };
        let page = text.split_once("/#/").filter(|(server, _)| is_web(server));
        let (server, words) = if let Some((server, path)) = page {
            (Some(server.to_owned()), words(path.split('?').next().unwrap_or_default()))
        } else if let Some(path) = text.strip_prefix("models:/") {
            (None, words(path).map(|words| [vec!["models".to_owned()], words].concat()))
        } else if let Some(path) = text.strip_prefix("runs:/") {
            (None, words(path).map(|words| [vec!["runs".to_owned()], words].concat()))
        } else {
            let found = SCHEMES.iter().find_map(|(scheme, http)| Some((text.strip_prefix(scheme)?, http)));
            let (path, http) = found.ok_or_else(unfit)?;
            let (host, rest) = path.split_once('/').unwrap_or((path, ""));
            if matches!(host, "experiments" | "runs" | "models") {
                (None, words(path))
            } else if host.is_empty() || host.contains(['@', '?', '#', '\\']) {
                return Err(unfit());
            } else {
                (Some(format!("{http}://{host}")), words(rest))
            }
        };
        let words = words.ok_or_else(unfit)?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        Ok(Self { server, subject: Subject::of(&words).ok_or_else(unfit)? })
    }
}

/// Returns true for the URL of a web server without a user.
fn is_web(server: &str) -> bool {
    let host = ["http://", "https://"].iter().find_map(|scheme| server.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '?', '#']))
}

impl Subject {
    fn of(words: &[&str]) -> Option<Self> {
        let is_name = |word: &str| !word.is_empty() && !word.contains('/') && !word.chars().any(char::is_control);
        if !words.iter().all(|word| is_name(word)) {
            return None;
        }
        match *words {
            ["runs", id] => Some(Self::Run { id: id.to_owned(), experiment: None }),
            ["experiments", experiment, "runs", id] => {
                Some(Self::Run { id: id.to_owned(), experiment: Some(experiment.to_owned()) })
            }
            ["models", name, version] | ["models", name, "versions", version] => {
                Some(Self::Version { name: name.to_owned(), version: version.to_owned() })
            }
            ["models", id] if id.starts_with("m-") => Some(Self::Logged { id: id.to_owned() }),
            ["models", name] => {
                let (name, alias) =
                    name.split_once('@').filter(|(name, alias)| !name.is_empty() && !alias.is_empty())?;
                Some(Self::Alias { name: name.to_owned(), alias: alias.to_owned() })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    /// Writes the address that MLflow uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { id, .. } => write!(f, "runs:/{id}"),
            Self::Version { name, version } => write!(f, "models:/{name}/{version}"),
            Self::Alias { name, alias } => write!(f, "models:/{name}@{alias}"),
            Self::Logged { id } => write!(f, "models:/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_server_and_a_subject() {
        for (text, server, subject) in [
            ("mlflow://h:5000/runs/5e1", Some("http://h:5000"), "runs:/5e1"),
            ("mlflow://h/experiments/0/runs/5e1/", Some("http://h"), "runs:/5e1"),
            ("mlflow+https://h/models/net/3", Some("https://h"), "models:/net/3"),
            ("mlflow://runs/5e1", None, "runs:/5e1"),
            ("mlflow://experiments/0/runs/5e1", None, "runs:/5e1"),
            ("mlflow://models/a%20b@best", None, "models:/a b@best"),
            ("models:/net/3", None, "models:/net/3"),
            ("models:/net@best", None, "models:/net@best"),
            ("models:/m-1a2b", None, "models:/m-1a2b"),
            ("runs:/5e1", None, "runs:/5e1"),
            ("https://h/x/#/experiments/0/runs/5e1?tab=a", Some("https://h/x"), "runs:/5e1"),
            ("http://h:5000/#/models/net/versions/3", Some("http://h:5000"), "models:/net/3"),
        ] {
            let address = MlflowAddress::parse(text).unwrap();
            assert_eq!((address.server.as_deref(), &*address.subject.to_string()), (server, subject), "{text}");
            assert_eq!(MlflowAddress::is_meant(text), !text.starts_with("http"), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_their_password() {
        for text in [
            "mlflow://",
            "mlflow://h",
            "mlflow://h/runs",
            "mlflow://h/runs/",
            "mlflow://h/runs/a/b",
            "models:/net",
            "models:/@best",
            "models:/net@",
            "models:/net/1/2",
            "mlflow://ada:s3cret@h/runs/1",
            "mlflow://h/runs/a%2Fb",
            "mlflow://h?x/runs/1",
            "runs:/",
            "mlflow:///runs/1",
            "https://h/runs/1",
            "https://ada:s3cret@h/#/runs/1",
            "ftp://h/#/runs/1",
        ] {
            let error = MlflowAddress::parse(text).expect_err(text);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_address_is_parsed_again_from_its_subject(
            text in ".*|(mlflow://|models:/|runs:/)([a-z@/%.-]|runs|models|%2F){0,9}",
        ) {
            if let Ok(MlflowAddress { subject, .. }) = MlflowAddress::parse(&text) {
                let shown = subject.to_string();
                // A percent sign in a name would be decoded once more.
                if !shown.contains('%') {
                    let parsed = MlflowAddress::parse(&shown).unwrap().subject;
                    assert_eq!(parsed.to_string(), shown);
                }
            }
        }
    }
}
