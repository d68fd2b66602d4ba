//! The credentials of a user for a registry.

use std::fmt;

/// A name and password, or a token. `Debug` hides all secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user name, and a password or an access token used as one.
    Password {
        /// The user name.
        username: String,
        /// The secret.
        password: String,
    },
    /// A refresh token, exchanged at the token server for access tokens.
    IdentityToken(String),
    /// An access token that is sent to the registry unchanged.
    Bearer(String),
}

impl Credentials {
    /// A user name and a password. Without a user name the password is an identity token, as it is for `KitOps` and
    /// docker.
    pub fn new(username: &str, password: &str) -> Self {
        if username.is_empty() || username == "<token>" {
            return Self::IdentityToken(password.to_owned());
        }
        Self::Password { username: username.to_owned(), password: password.to_owned() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => write!(f, "Password {{ username: {username:?}, .. }}"),
            Self::IdentityToken(_) => f.write_str("IdentityToken(..)"),
            Self::Bearer(_) => f.write_str("Bearer(..)"),
        }
    }
}
