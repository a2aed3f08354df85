//! Names that are right once they exist: tables, indexes, Regions; and the ARNs made of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    limits::{TABLE_NAME_LENGTH_MAX, TABLE_NAME_LENGTH_MIN},
};

/// The account that every ARN of Graticule names: there are no accounts.
pub const ACCOUNT_ID: &str = "000000000000";

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// A table's name: 3 to 255 of `a-z A-Z 0-9 _ . -`.
    TableName
);
name_type!(
    /// A secondary index's name, under the rules of a table's.
    IndexName
);
name_type!(
    /// A Region's name: 1 to 32 of `a-z 0-9 -`, starting with a letter.
    RegionName
);

/// Whether `text` can name a table or an index, in its characters.
pub fn has_name_characters(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// The constraints that `text` breaks as a name at `member`, worded as the service words them.
pub fn name_constraints(text: &str, member: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if text.is_empty() || !has_name_characters(text) {
        broken.push(format!(
            "Value '{text}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        ));
    }
    if text.len() < TABLE_NAME_LENGTH_MIN {
        broken.push(format!(
            "Value '{text}' at '{member}' failed to satisfy constraint: Member must have length greater than or equal to {TABLE_NAME_LENGTH_MIN}"
        ));
    }
    if text.len() > TABLE_NAME_LENGTH_MAX {
        broken.push(format!(
            "Value '{text}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {TABLE_NAME_LENGTH_MAX}"
        ));
    }
    broken
}

impl FromStr for TableName {
    type Err = Error;

    fn from_str(text: &str) -> Result<TableName, Error> {
        let broken = name_constraints(text, "tableName");
        if broken.is_empty() { Ok(TableName(text.to_owned())) } else { Err(Error::Constraints(broken)) }
    }
}

impl FromStr for IndexName {
    type Err = Error;

    fn from_str(text: &str) -> Result<IndexName, Error> {
        let broken = name_constraints(text, "indexName");
        if broken.is_empty() { Ok(IndexName(text.to_owned())) } else { Err(Error::Constraints(broken)) }
    }
}

impl FromStr for RegionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<RegionName, Error> {
        let valid = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && text.as_bytes()[0].is_ascii_lowercase();
        if valid {
            Ok(RegionName(text.to_owned()))
        } else {
            Err(Error::Validation(format!("'{text}' is not the name of a Region")))
        }
    }
}

/// The ARN of a table.
pub fn table_arn(region: &RegionName, table: &TableName) -> String {
    format!("arn:aws:dynamodb:{region}:{ACCOUNT_ID}:table/{table}")
}

/// The ARN of an index of a table.
pub fn index_arn(region: &RegionName, table: &TableName, index: &IndexName) -> String {
    format!("{}/index/{index}", table_arn(region, table))
}

/// The ARN of a stream of a table.
pub fn stream_arn(region: &RegionName, table: &TableName, label: &str) -> String {
    format!("{}/stream/{label}", table_arn(region, table))
}

/// Reads a `TableName` parameter, which may be a table's name or its ARN.
///
/// # Errors
/// If it is neither, or the ARN names another Region.
pub fn parse_table_reference(text: &str, region: &RegionName) -> Result<TableName, Error> {
    let Some(arn) = text.strip_prefix("arn:") else { return text.parse() };
    let parts: Vec<&str> = arn.splitn(5, ':').collect();
    match parts.as_slice() {
        [_, "dynamodb", arn_region, _, resource] if resource.starts_with("table/") => {
            if *arn_region != region.as_str() {
                return Err(Error::Validation(format!(
                    "The Region in the resource ARN, {arn_region}, is not the Region of this request, {region}"
                )));
            }
            resource.trim_start_matches("table/").parse()
        }
        _ => Err(Error::Validation(format!("Invalid table ARN: {text}"))),
    }
}

/// Splits a stream's ARN into table and label.
///
/// # Errors
/// If it is not the ARN of a stream.
pub fn parse_stream_arn(text: &str) -> Result<(TableName, String), Error> {
    let invalid = || Error::Validation("Invalid StreamArn".to_owned());
    let resource = text.splitn(6, ':').nth(5).ok_or_else(invalid)?;
    let rest = resource.strip_prefix("table/").ok_or_else(invalid)?;
    let (table, label) = rest.split_once("/stream/").ok_or_else(invalid)?;
    Ok((table.parse().map_err(|_| invalid())?, label.to_owned()))
}
