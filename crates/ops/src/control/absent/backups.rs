//! ListBackups and DescribeBackup: there are no backups.

use graticule_model::{Absent, Error};
use serde::Deserialize;
use serde_json::Value;

use crate::{parameters::parse, reply::Reply};

/// Answers ListBackups: an empty list, whatever table, times and type are asked for. A backup outlives its table, so the
/// table need not be there.
///
/// # Errors
/// None.
pub(super) fn list() -> Result<Vec<u8>, Error> {
    let none: [Value; 0] = [];
    let mut reply = Reply::new();
    reply.value("BackupSummaries", &none);
    Ok(reply.finish())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    backup_arn: String,
}

/// Answers DescribeBackup.
///
/// # Errors
/// [`Absent::Backup`], always.
pub(super) fn describe(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: DescribeRequest = parse(body)?;
    Err(Error::Absent(Absent::Backup(request.backup_arn)))
}
