//! ListExports, DescribeExport, ListImports and DescribeImport: nothing was ever written to S3 or read from there.

use graticule_model::{Absent, Error};
use serde::Deserialize;
use serde_json::Value;

use super::check_token;
use crate::{parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    next_token: Option<String>,
}

/// Answers ListExports, whatever table is asked for: an export outlives its table.
///
/// # Errors
/// If there is a token to go on with.
pub(super) fn list_exports(body: &[u8]) -> Result<Vec<u8>, Error> {
    list(body, "ExportSummaries")
}

/// Answers ListImports.
///
/// # Errors
/// If there is a token to go on with.
pub(super) fn list_imports(body: &[u8]) -> Result<Vec<u8>, Error> {
    list(body, "ImportSummaryList")
}

fn list(body: &[u8], member: &str) -> Result<Vec<u8>, Error> {
    let request: ListRequest = parse(body)?;
    check_token(request.next_token.as_deref())?;
    let none: [Value; 0] = [];
    let mut reply = Reply::new();
    reply.value(member, &none);
    Ok(reply.finish())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExportRequest {
    export_arn: String,
}

/// Answers DescribeExport.
///
/// # Errors
/// [`Absent::Export`], always.
pub(super) fn describe_export(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: ExportRequest = parse(body)?;
    Err(Error::Absent(Absent::Export(request.export_arn)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImportRequest {
    import_arn: String,
}

/// Answers DescribeImport.
///
/// # Errors
/// [`Absent::Import`], always.
pub(super) fn describe_import(body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: ImportRequest = parse(body)?;
    Err(Error::Absent(Absent::Import(request.import_arn)))
}
