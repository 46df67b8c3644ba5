//! The keys that requests may be signed with: a file as `~/.aws/credentials`, with a key a profile.
//!
//! # Invariants
//! A secret is never shown: not in a log, not in an error, not by `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use configparser::ini::Ini;
use hyper::HeaderMap;
use subtle::ConstantTimeEq;

use crate::ec2::fault::Fault;

/// Where clients put the token of temporary credentials.
const TOKEN: &str = "x-amz-security-token";

/// A secret.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn is(&self, other: &[u8]) -> bool {
        self.as_bytes().ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) secret: Secret,
    /// What goes with temporary credentials.
    token: Option<Secret>,
}

impl Key {
    /// Makes sure that a request has the token that goes with this key, or none where there is none.
    ///
    /// # Errors
    /// `InvalidClientTokenId`.
    pub(super) fn check_token(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let mut sent = headers.get_all(TOKEN).iter();
        let is_right = match (&self.token, sent.next(), sent.next()) {
            (None, None, None) => true,
            (Some(token), Some(sent), None) => token.is(sent.as_bytes()),
            _ => false,
        };
        if is_right {
            return Ok(());
        }
        Err(Fault::new(403, "InvalidClientTokenId", "The security token included in the request is invalid"))
    }
}

/// Every key, by its id.
#[derive(Clone, Debug)]
pub struct Credentials(BTreeMap<String, Key>);

impl Credentials {
    /// Reads a credentials file. One that others than its owner and group can read, or that others can change, is refused.
    ///
    /// # Errors
    /// Where it cannot be read, is not private, or has no keys.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut file =
            File::open(path).with_context(|| format!("cannot read the credentials file `{shown}`"))?;
        let metadata = file.metadata().with_context(|| format!("cannot look at `{shown}`"))?;
        ensure!(metadata.is_file(), "the credentials file `{shown}` is not a file");
        let mode = metadata.permissions().mode();
        if mode & 0o027 != 0 {
            bail!(
                "the credentials file `{shown}` is open to others (mode {:03o}): use `chmod 600 {shown}`",
                mode & 0o777
            );
        }
        let (owner, us) = (metadata.uid(), nix::unistd::geteuid().as_raw());
        ensure!(owner == us || owner == 0, "the credentials file `{shown}` is neither yours nor root's");
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| format!("cannot read the credentials file `{shown}`"))?;
        Self::parse(&text).with_context(|| format!("the credentials file `{shown}` does not do"))
    }

    /// Reads the text of a credentials file.
    fn parse(text: &str) -> Result<Self> {
        let mut ini = Ini::new_cs();
        let mut defaults = ini.defaults();
        // Anything may be in a secret.
        defaults.delimiters = vec!['='];
        defaults.enable_inline_comments = false;
        ini.load_defaults(defaults);
        // What the parser says may have a line of the file in it.
        let profiles = ini.read(text.to_owned()).map_err(|_| anyhow::anyhow!("it is not an INI file"))?;
        let mut keys = BTreeMap::new();
        for (profile, fields) in profiles {
            let field = |name: &str| fields.get(name).cloned().flatten().filter(|value| !value.is_empty());
            let (id, secret) = match (field("aws_access_key_id"), field("aws_secret_access_key")) {
                (Some(id), Some(secret)) => (id, Secret::new(secret)),
                (None, None) => continue,
                (Some(_), None) => bail!("profile `{profile}` lacks aws_secret_access_key"),
                (None, Some(_)) => bail!("profile `{profile}` lacks aws_access_key_id"),
            };
            let key = Key { secret, token: field("aws_session_token").map(Secret::new) };
            let same = |before: &Key| before.secret.is(key.secret.as_bytes());
            ensure!(keys.get(&id).is_none_or(same), "the key {id} has two secrets");
            keys.insert(id, key);
        }
        ensure!(!keys.is_empty(), "no profile in it has aws_access_key_id and aws_secret_access_key");
        Ok(Self(keys))
    }

    /// The key of this id.
    pub(super) fn get(&self, access_key_id: &str) -> Option<&Key> {
        self.0.get(access_key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# people
[default]
aws_access_key_id = AKIAONE
aws_secret_access_key = one/+=:#;x

[ci]
aws_access_key_id=AKIATWO
aws_secret_access_key=two
aws_session_token=token
region = eu-west-1

[sso]
sso_region = eu-west-1
";

    fn error(text: &str) -> String {
        format!("{:#}", Credentials::parse(text).unwrap_err())
    }

    #[test]
    fn every_profile_with_a_key_counts() {
        let credentials = Credentials::parse(FILE).unwrap();
        assert_eq!(credentials.0.keys().collect::<Vec<_>>(), ["AKIAONE", "AKIATWO"]);
        assert_eq!(credentials.get("AKIAONE").unwrap().secret.as_bytes(), b"one/+=:#;x");
        assert!(credentials.get("akiaone").is_none());
        assert!(!format!("{credentials:?}").contains("two"));
    }

    #[test]
    fn tokens_are_sent_with_the_keys_that_have_one() {
        let credentials = Credentials::parse(FILE).unwrap();
        let headers = |tokens: &[&str]| {
            let values = tokens
                .iter()
                .map(|token| (hyper::header::HeaderName::from_static(TOKEN), token.parse().unwrap()));
            values.collect::<HeaderMap>()
        };
        let (plain, temporary) = (credentials.get("AKIAONE").unwrap(), credentials.get("AKIATWO").unwrap());
        assert!(
            plain.check_token(&headers(&[])).is_ok() && temporary.check_token(&headers(&["token"])).is_ok()
        );
        for (key, tokens) in
            [(plain, &["token"][..]), (temporary, &[]), (temporary, &["tokem"]), (temporary, &["token", "x"])]
        {
            let fault = key.check_token(&headers(tokens)).unwrap_err();
            assert_eq!(
                (fault.status, fault.error.code.as_str()),
                (403, "InvalidClientTokenId"),
                "{tokens:?}"
            );
        }
    }

    #[test]
    fn files_that_do_not_do_say_why_and_no_secret() {
        assert!(error("").contains("no profile"));
        assert!(error("[a]\naws_access_key_id = A\n").contains("`a` lacks aws_secret_access_key"));
        assert!(error("[a]\naws_secret_access_key = hush\n").contains("`a` lacks aws_access_key_id"));
        let twice = "[a]\naws_access_key_id=A\naws_secret_access_key=hush\n[b]\naws_access_key_id=A\naws_secret_access_key=hash\n";
        assert!(error(twice).contains("the key A has two secrets"));
        let broken = error("[a\naws_secret_access_key = hush\n");
        assert!(!broken.contains("hush"), "{broken}");
    }

    #[test]
    fn files_that_others_may_read_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("credentials");
        std::fs::write(&path, FILE).unwrap();
        for (mode, is_fine) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false), (0o602, false)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Credentials::read(&path);
            assert_eq!(read.is_ok(), is_fine, "{mode:o}: {read:?}");
        }
        assert!(format!("{:#}", Credentials::read(place.path()).unwrap_err()).contains("is not a file"));
    }
}
