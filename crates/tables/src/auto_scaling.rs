//! How the capacity of replicas is to be scaled: settings that are kept and told, and nothing else.
//!
//! No capacity changes because of them. A setting belongs to one [`Dimension`]: the writes of the table or of a GSI,
//! which all replicas share, or the reads of one replica. Each is a last-writer-wins register, so every member of a
//! global table tells the same. Which values make sense together is decided above.

use std::{fmt, str::FromStr};

use graticule_model::{
    IndexName, RegionName,
    limits::{AUTO_SCALING_TARGET_PERCENT_MAX, AUTO_SCALING_TARGET_PERCENT_MIN},
};
use serde::{Deserialize, Serialize};

/// What is to be scaled. As text `writes` or `reads/REGION`, with `/INDEX` behind it for a GSI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Dimension {
    /// The write capacity of the table, or of a GSI, in every replica.
    Writes(Option<IndexName>),
    /// The read capacity of the table, or of a GSI, in one replica.
    Reads(RegionName, Option<IndexName>),
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = match self {
            Dimension::Writes(index) => {
                write!(f, "writes")?;
                index
            }
            Dimension::Reads(region, index) => {
                write!(f, "reads/{region}")?;
                index
            }
        };
        index.iter().try_for_each(|index| write!(f, "/{index}"))
    }
}

/// A text that names no dimension.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not what auto scaling can be set for")]
pub struct NoDimension(String);

impl FromStr for Dimension {
    type Err = NoDimension;

    fn from_str(text: &str) -> Result<Dimension, NoDimension> {
        let wrong = || NoDimension(text.to_owned());
        let index = |name: &str| name.parse().map_err(|_| wrong());
        let region = |name: &str| name.parse().map_err(|_| wrong());
        // Neither a Region's name nor an index's has a slash.
        match text.split('/').collect::<Vec<&str>>()[..] {
            ["writes"] => Ok(Dimension::Writes(None)),
            ["writes", name] => Ok(Dimension::Writes(Some(index(name)?))),
            ["reads", place] => Ok(Dimension::Reads(region(place)?, None)),
            ["reads", place, name] => Ok(Dimension::Reads(region(place)?, Some(index(name)?))),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Dimension {
    type Error = NoDimension;

    fn try_from(text: String) -> Result<Dimension, NoDimension> {
        text.parse()
    }
}

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> String {
        dimension.to_string()
    }
}

/// The bounds within which capacity is to stay, and what it is to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoScaling {
    /// Least capacity units.
    pub minimum_units: u64,
    /// Most capacity units.
    pub maximum_units: u64,
    /// What the capacity is to follow, if it was said.
    pub policy: Option<ScalingPolicy>,
}

/// A policy that tracks a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// How much of the capacity is to be used.
    pub target: Utilization,
    /// Whether capacity only grows.
    pub disable_scale_in: Option<bool>,
    /// Seconds from one decrease to the next.
    pub scale_in_cooldown_s: Option<u32>,
    /// Seconds from one increase to the next.
    pub scale_out_cooldown_s: Option<u32>,
}

/// A part of capacity, in percent, between the bounds of the service. Never NaN, so it equals itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Utilization(f64);

impl Eq for Utilization {}

impl Utilization {
    /// So many percent, if that is within the bounds.
    pub fn new(percent: f64) -> Option<Utilization> {
        let allowed = AUTO_SCALING_TARGET_PERCENT_MIN..=AUTO_SCALING_TARGET_PERCENT_MAX;
        allowed.contains(&percent).then_some(Utilization(percent))
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        self.0
    }
}
