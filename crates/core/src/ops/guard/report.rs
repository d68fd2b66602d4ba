//! Reports what the search for secrets found.

use super::secrets::Found;
use crate::ops::error::Error;
use crate::ops::refused::{Empty, Secret};
use crate::progress::{Paths, Progress, Warning, human};

/// The number of places that one warning names.
const NAMED: usize = 3;

/// Fails if there are secrets, and warns of what may be one.
pub(super) fn settle(found: Vec<Found>, progress: &dyn Progress) -> Result<(), Error> {
    let (mut secrets, mut names, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    let (mut literals, mut in_data, mut unsearched) = (Vec::new(), Vec::new(), Vec::new());
    for found in found {
        match found {
            Found::Secret(secret) => secrets.push(secret),
            Found::Likely(secret) if secret.line.is_none() => names.push(secret.place()),
            Found::Likely(secret) => addresses.push(secret.place()),
            Found::Literal(secret) => literals.push(secret.place()),
            Found::InData(secret) => in_data.push(secret.place()),
            Found::TooLarge { path, size } => unsearched.push(format!("{path} ({})", human(size))),
        }
    }
    refuse(secrets)?;
    warn(&names, progress, |paths, more| Warning::SecretNames(Paths { paths, more }));
    warn(&addresses, progress, |places, more| Warning::PasswordsInAddresses { places, more });
    warn(&literals, progress, |places, more| Warning::SecretLiterals { places, more });
    warn(&in_data, progress, |paths, more| Warning::SecretsInData(Paths { paths, more }));
    warn(&unsearched, progress, |files, more| Warning::NotSearched { files, more });
    Ok(())
}

fn warn<'a>(places: &'a [String], progress: &dyn Progress, warning: impl Fn(Vec<&'a str>, usize) -> Warning<'a>) {
    if !places.is_empty() {
        let named = places.iter().take(NAMED).map(String::as_str).collect();
        progress.warn(&warning(named, places.len().saturating_sub(NAMED)));
    }
}

/// Fails if there are secrets.
pub(super) fn refuse(secrets: Vec<Secret>) -> Result<(), Error> {
    if secrets.is_empty() { Ok(()) } else { Err(Error::Secrets(secrets)) }
}

/// Fails if content is lacking.
pub(super) fn refuse_empty(empty: Vec<Empty>) -> Result<(), Error> {
    if empty.is_empty() { Ok(()) } else { Err(Error::Empty(empty)) }
}
