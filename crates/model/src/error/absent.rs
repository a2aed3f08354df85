//! Things that are not there and have an exception of their own: its name and its words. It knows nothing of what is.

use std::fmt;

/// What was asked for and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// A global table of version 2017.11.29, by name.
    GlobalTable(String),
    /// The same, as DescribeGlobalTable words it.
    DescribedGlobalTable(String),
    /// The resource policy of a table or a stream, by the ARN of that.
    Policy(String),
    /// A backup, by ARN.
    Backup(String),
    /// An export, by ARN.
    Export(String),
    /// An import, by ARN.
    Import(String),
}

impl Absent {
    /// The name of the exception.
    pub(super) fn exception(&self) -> &'static str {
        match self {
            Absent::GlobalTable(_) | Absent::DescribedGlobalTable(_) => "GlobalTableNotFoundException",
            Absent::Policy(_) => "PolicyNotFoundException",
            Absent::Backup(_) => "BackupNotFoundException",
            Absent::Export(_) => "ExportNotFoundException",
            Absent::Import(_) => "ImportNotFoundException",
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absent::GlobalTable(name) => write!(f, "Global table with name: '{name}' does not exist."),
            Absent::DescribedGlobalTable(name) => {
                write!(f, "Global table not found: Global table with name: '{name}' does not exist.")
            }
            Absent::Policy(arn) => {
                write!(f, "Resource-based policy not found for the provided ResourceArn: {arn}")
            }
            Absent::Backup(arn) => write!(f, "Backup not found: {arn}"),
            Absent::Export(arn) => write!(f, "Export not found: {arn}"),
            Absent::Import(arn) => write!(f, "Import not found: {arn}"),
        }
    }
}
