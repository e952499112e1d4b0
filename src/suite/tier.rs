//! Where a run takes place.

use std::{fmt, str::FromStr};

/// Where a run takes place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// A fresh cluster in this process for each scenario, on virtual time.
    #[default]
    Embedded,
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Embedded => "embedded",
        })
    }
}

/// A word that is no tier's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no tier {0:?}; there is `embedded`")]
pub struct Unknown(String);

impl FromStr for Tier {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        match name {
            "embedded" => Ok(Self::Embedded),
            _ => Err(Unknown(name.to_owned())),
        }
    }
}
