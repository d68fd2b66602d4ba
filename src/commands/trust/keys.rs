//! Reading keys from files and variables, and the passwords that open them.

use std::io::{self, Read};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::commands::registries::prompt_hidden;
use crate::config::secret;
use crate::context::Context;
use crate::output::{Code, Failure, tidy, usage};
use kit_core::limits;
use kit_core::trust::{KeyError, KeyFile, Password, PrivateKey, PublicKey, Zeroizing};

/// The variable with the password of a private key, as in cosign.
pub(crate) const PASSWORD: &str = "COSIGN_PASSWORD";

/// Reads and opens the private key that `--key` names: a file, or a variable as in `env://NAME`.
pub(crate) fn private_key(context: &Context, key: &str) -> Result<PrivateKey> {
    let file = KeyFile::from_pem(&read(context, key)?).map_err(|error| unusable(key, error))?;
    match file {
        KeyFile::Plain(key) => Ok(key),
        KeyFile::Encrypted(encrypted) => {
            let password = password(context, &format!("Password of {key}: "))?;
            encrypted.open(&password).map_err(|error| unusable(key, error))
        }
    }
}

/// Reads the public key that `--key` names.
pub(crate) fn public_key(context: &Context, key: &str) -> Result<PublicKey> {
    PublicKey::from_pem(&read(context, key)?).map_err(|error| unusable(key, error))
}

/// Reads the public key in a file of either kind.
pub(crate) fn public_key_of(context: &Context, key: &str) -> Result<PublicKey> {
    match PublicKey::from_pem(&read(context, key)?) {
        Err(KeyError::IsPrivate) => Ok(private_key(context, key)?.public_key().clone()),
        read => read.map_err(|error| unusable(key, error)),
    }
}

fn unusable(key: &str, error: KeyError) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot use the key `{key}`"))
}

fn read(context: &Context, key: &str) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(name) = key.strip_prefix("env://") {
        let text = secret(name)?.with_context(|| format!("the variable `{name}` with the key is not set"))?;
        return Ok(Zeroizing::new(text.into_bytes()));
    }
    if let Some((scheme, _)) = key.split_once("://") {
        return Err(usage(format!("keys at `{scheme}://` are not supported; export the public key to a file")));
    }
    let path = context.environment.absolute(key.as_ref());
    let name = tidy(key.as_ref());
    let mut bytes = Zeroizing::new(Vec::new());
    let file = fs::File::open(&path).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "; `kit key new PREFIX` creates a key pair",
            _ => "",
        };
        anyhow::Error::new(error).context(format!("cannot read the key `{name}`{advice}"))
    })?;
    let limit = limits::KEY_FILE_BYTES;
    file.take(limit + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read the key `{name}`"))?;
    if bytes.len() as u64 > limit {
        bail!("`{name}` is not a key: it has more than {limit} bytes");
    }
    Ok(bytes)
}

/// The password of a key: from the variable, or else from the user.
fn password(context: &Context, question: &str) -> Result<Password> {
    if let Some(password) = secret(PASSWORD)? {
        return Ok(Password::new(password));
    }
    if !context.environment.is_interactive {
        let why = "standard input is not a terminal";
        let message = format!("cannot prompt for the password of the key: {why}; set {PASSWORD}, which may be empty");
        return Err(Failure::error(Code::Failed, message));
    }
    Ok(Password::new(prompt_hidden(question).context("cannot read the password")?))
}

/// The password of a new key. The user types it twice.
pub(crate) fn new_password(context: &Context) -> Result<Password> {
    if secret(PASSWORD)?.is_some() || !context.environment.is_interactive {
        return password(context, "");
    }
    let first = Zeroizing::new(prompt_hidden("Password of the new key: ").context("cannot read the password")?);
    let again = Zeroizing::new(prompt_hidden("The same again: ").context("cannot read the password")?);
    if first != again {
        bail!("the passwords differ");
    }
    Ok(Password::new(first.to_string()))
}
