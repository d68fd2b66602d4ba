//! The tracking server of MLflow, from the variables that MLflow's client reads.

use anyhow::{Result, bail};

use kit_core::registry::Credentials;

/// The tracking server and the credentials for it. `Debug` hides the secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct MlflowSettings {
    /// The URL in `MLFLOW_TRACKING_URI`, without the user.
    url: Option<String>,
    /// The credentials: user and password, or a token.
    pub(crate) credentials: Option<Credentials>,
}

impl MlflowSettings {
    /// Reads the variables. As in MLflow, user and password come before the token.
    pub(super) fn read(text: &dyn Fn(&str) -> Option<String>) -> Self {
        let (url, in_url) = text("MLFLOW_TRACKING_URI").map_or((None, None), |url| {
            let (url, user) = without_user(&url);
            (Some(url), user)
        });
        let password = || {
            let (username, password) = (text("MLFLOW_TRACKING_USERNAME")?, text("MLFLOW_TRACKING_PASSWORD")?);
            Some(Credentials::Password { username, password })
        };
        let token = || text("MLFLOW_TRACKING_TOKEN").map(|token| Credentials::Bearer(token.trim().to_owned()));
        Self { url, credentials: password().or(in_url).or_else(token) }
    }

    /// The URL of the server that an address names, or of the server in the variable.
    ///
    /// An address has no path and may have no encryption. If the variable names the same host, its URL is used.
    pub(crate) fn server_for(&self, named: Option<&str>) -> Result<Option<String>> {
        let host =
            |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned());
        let Some(named) = named else {
            return match &self.url {
                Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                    bail!("MLFLOW_TRACKING_URI is `{url}`, which is not the address of a server")
                }
                url => Ok(url.clone()),
            };
        };
        let same = self.url.as_ref().filter(|url| host(url) == host(named) && named.starts_with("http://"));
        Ok(Some(same.cloned().unwrap_or_else(|| named.to_owned())))
    }
}

/// Splits the user and the password from a URL.
fn without_user(url: &str) -> (String, Option<Credentials>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((user, host)) = place.rsplit_once('@') else { return (url.to_owned(), None) };
    let (username, password) = user.split_once(':').unwrap_or((user, ""));
    let credentials = Credentials::Password { username: username.to_owned(), password: password.to_owned() };
    (format!("{scheme}://{host}{path}"), Some(credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> MlflowSettings {
        MlflowSettings::read(&|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_server_is_that_of_the_address_or_the_variable() {
        let secure = settings(&[("MLFLOW_TRACKING_URI", "https://h.example/mlflow")]);
        for (named, expected) in [
            (None, "https://h.example/mlflow"),
            (Some("http://h.example"), "https://h.example/mlflow"),
            (Some("http://h.example:5000"), "http://h.example:5000"),
            (Some("http://other"), "http://other"),
        ] {
            assert_eq!(secure.server_for(named).unwrap().as_deref(), Some(expected), "{named:?}");
        }
        assert_eq!(MlflowSettings::default().server_for(None).unwrap(), None);
        let local = settings(&[("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")]);
        assert!(local.server_for(None).is_err() && local.server_for(Some("http://h")).is_ok());
    }

    #[test]
    fn a_password_comes_before_a_token() {
        let token = ("MLFLOW_TRACKING_TOKEN", "t0ken");
        let user = |name: &str, secret: &str| {
            Some(Credentials::Password { username: name.to_owned(), password: secret.to_owned() })
        };
        let both = [token, ("MLFLOW_TRACKING_USERNAME", "ada"), ("MLFLOW_TRACKING_PASSWORD", "s3cret")];
        assert_eq!(settings(&both).credentials, user("ada", "s3cret"));
        assert_eq!(settings(&both[..2]).credentials, Some(Credentials::Bearer("t0ken".to_owned())));
        let in_url = settings(&[token, ("MLFLOW_TRACKING_URI", "http://bob:pa:ss@h:1/x")]);
        assert_eq!(in_url.credentials, user("bob", "pa:ss"));
        assert_eq!(in_url.server_for(None).unwrap().as_deref(), Some("http://h:1/x"));
    }
}
