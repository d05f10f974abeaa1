//! Why bytes are not what they should be.

use crate::cbor::CborError;

/// Bytes that cannot be used as a part of a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes break the format.
    #[error("not a valid {what}: {why}")]
    Corrupt {
        /// The part concerned: "page", "root", ...
        what: &'static str,
        /// The rule that is broken.
        why: String,
    },
    /// Well-formed, but of a kind, version or shape that this version does not know.
    #[error("a {what} written by a later version of radops: {why}")]
    Newer {
        /// The part concerned.
        what: &'static str,
        /// What is not known.
        why: String,
    },
    /// More than the format allows in one object.
    #[error("the {what} would have {size} bytes; at most {limit} are allowed")]
    TooLarge {
        /// The part concerned.
        what: &'static str,
        /// Bytes needed.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
}

impl FormatError {
    /// Bytes that break the format.
    pub fn corrupt(what: &'static str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Corrupt { what, why }
    }
}

/// Why one value could not be read; the caller knows which part it was reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Cbor(#[from] CborError),
    #[error("{0}")]
    Rule(String),
    /// Reserved for a later version.
    #[error("{0}")]
    Newer(&'static str),
}

impl Fault {
    pub fn rule(why: impl Into<String>) -> Self {
        Self::Rule(why.into())
    }
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Self {
        Self::Rule(why.to_owned())
    }
}
