//! Parameters that CreateTable and UpdateTable share: billing, throughput, stream, table class, encryption.

use graticule_model::Error;
use graticule_tables::schema::{StreamView, Throughput};
use serde::{Deserialize, de::IgnoredAny};

use super::unsupported;

/// `ProvisionedThroughput`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ThroughputInput {
    read_capacity_units: u64,
    write_capacity_units: u64,
}

impl ThroughputInput {
    /// The units.
    pub(super) fn units(&self) -> Throughput {
        Throughput { read: self.read_capacity_units, write: self.write_capacity_units }
    }
}

/// `StreamSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamInput {
    stream_enabled: bool,
    stream_view_type: Option<String>,
}

/// The views of a stream by their names on the wire.
const STREAM_VIEWS: &[(&str, StreamView)] = &[
    ("NEW_IMAGE", StreamView::NewImage),
    ("OLD_IMAGE", StreamView::OldImage),
    ("NEW_AND_OLD_IMAGES", StreamView::NewAndOldImages),
    ("KEYS_ONLY", StreamView::KeysOnly),
];

/// A view's name on the wire.
pub(crate) fn stream_view_name(view: StreamView) -> &'static str {
    STREAM_VIEWS.iter().find(|(_, other)| *other == view).map_or("", |(name, _)| name)
}

/// How a stream specification contradicts itself, in the words of one operation.
pub(super) struct StreamWords {
    pub(super) view_missing: &'static str,
    pub(super) view_unwanted: &'static str,
}

impl StreamInput {
    /// The view to enable the stream with, or none to disable it.
    ///
    /// # Errors
    /// If it contradicts itself.
    pub(super) fn view(&self, words: &StreamWords) -> Result<Option<StreamView>, Error> {
        let view = self.stream_view_type.as_deref();
        let view = view.and_then(|view| STREAM_VIEWS.iter().find(|(name, _)| *name == view));
        match (self.stream_enabled, view) {
            (true, Some((_, view))) => Ok(Some(*view)),
            (true, None) => Err(Error::Parameter(words.view_missing.to_owned())),
            (false, Some(_)) => Err(Error::Parameter(words.view_unwanted.to_owned())),
            (false, None) => Ok(None),
        }
    }
}

/// Reads `TableClass`: whether it is the one for infrequent access.
///
/// # Errors
/// If there is no such class.
pub(super) fn table_class(class: &str) -> Result<bool, Error> {
    match class {
        "STANDARD" => Ok(false),
        "STANDARD_INFREQUENT_ACCESS" => Ok(true),
        _ => Err(Error::Validation(
            "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].".to_owned(),
        )),
    }
}

/// `SSESpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EncryptionInput {
    enabled: Option<bool>,
    #[serde(rename = "SSEType")]
    kind: Option<String>,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<IgnoredAny>,
}

impl EncryptionInput {
    /// Refuses what is not there: encryption with keys of the user's.
    ///
    /// # Errors
    /// If it is asked for, or contradicts itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        let parameter = |text: &str| Err(Error::Parameter(text.to_owned()));
        match (self.enabled.unwrap_or(false), &self.kind, &self.key) {
            (false, Some(_), _) => parameter("SSEType can not be specified if Enabled is false"),
            (false, None, Some(_)) => parameter("KMSMasterKeyId can not be specified if Enabled is false"),
            (false, None, None) => Ok(()),
            (true, ..) => Err(unsupported("SSESpecification with Enabled true")),
        }
    }
}
