//! Where things stand in what is imported, and errors that say so.

use std::fmt;

use serde::Serialize;

use crate::aws::error::AwsError;

/// A place in a source: a file, and the path of keys to an element of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// Such as `SecurityGroups[3].IpPermissions[0]`; empty for the file itself.
    pub path: String,
}

impl Place {
    /// A file as a whole.
    pub fn file(name: &str) -> Self {
        Self { file: name.to_owned(), path: String::new() }
    }

    /// An error here.
    pub fn error(&self, message: impl Into<String>) -> ImportError {
        ImportError { place: self.clone(), message: message.into(), code: None }
    }

    /// What AWS would refuse here.
    pub fn refused(&self, error: AwsError) -> ImportError {
        ImportError { place: self.clone(), message: error.message, code: Some(error.code) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, ": {}", self.path) }
    }
}

/// Why a source cannot be imported. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// AWS's error code, where it is AWS that would never have it.
    pub code: Option<String>,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))
    }
}

impl std::error::Error for ImportError {}
