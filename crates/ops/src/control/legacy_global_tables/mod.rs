//! The six operations of global tables version 2017.11.29, as the service answers them today: no such global table can be
//! made any more, so there is none.
//!
//! They know nothing of the global tables that UpdateTable makes; the service's do not see those either.

pub(crate) mod create;
pub(crate) mod describe;
pub(crate) mod list;
pub(crate) mod settings;
pub(crate) mod update;

use graticule_model::Error;

/// Where global tables of this version could be, in the order in which the service names the Regions.
const REGIONS: &[&str] = &[
    "eu-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-2",
    "eu-central-1",
    "ap-northeast-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Why no global table of this version gets a replica: one of the Regions never had any, or there are none any more.
fn no_new_replica<'a>(mut regions: impl Iterator<Item = &'a str>) -> Error {
    match regions.find(|region| !REGIONS.contains(region)) {
        Some(region) => Error::Validation(format!(
            "Region {region} is not supported. Global tables version 2017.11.29 are only supported in the following regions: [{}]",
            REGIONS.join(", ")
        )),
        None => Error::Parameter(
            "DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).".to_owned(),
        ),
    }
}

/// A request that names nothing to do, in the service's words.
fn nothing_named() -> Error {
    Error::Validation("One or more parameter values were invalid".to_owned())
}
