//! Parameters that CreateTable and UpdateTable share: billing, throughput, stream, table class, encryption.

use graticule_model::Error;
use graticule_tables::schema::{StreamView, Throughput};
use serde::{Deserialize, de::IgnoredAny};

use super::unsupported;
use crate::constraints::Constraints;

/// `ProvisionedThroughput`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ThroughputInput {
    read_capacity_units: Option<i64>,
    write_capacity_units: Option<i64>,
}

impl ThroughputInput {
    pub(super) fn constrain(&self, member: &str, constraints: &mut Constraints) {
        let units = [
            ("readCapacityUnits", self.read_capacity_units),
            ("writeCapacityUnits", self.write_capacity_units),
        ];
        for (name, units) in units {
            let member = format!("{member}.{name}");
            let units = constraints.required(units, &member);
            constraints.range(units, &member, 1, i64::MAX);
        }
    }

    /// The units, once the constraints are checked.
    pub(super) fn units(&self) -> Throughput {
        let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).unwrap_or(0);
        Throughput { read: units(self.read_capacity_units), write: units(self.write_capacity_units) }
    }
}

/// `BillingMode`.
pub(super) const BILLING_MODES: &[&str] = &["PROVISIONED", "PAY_PER_REQUEST"];

/// `StreamSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamInput {
    stream_enabled: Option<bool>,
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
    pub(super) fn constrain(&self, constraints: &mut Constraints) {
        constraints.required(self.stream_enabled, "streamSpecification.streamEnabled");
        let names: Vec<&str> = STREAM_VIEWS.iter().map(|(name, _)| *name).collect();
        constraints.one_of(self.stream_view_type.as_deref(), "streamSpecification.streamViewType", &names);
    }

    /// The view to enable the stream with, or none to disable it.
    ///
    /// # Errors
    /// If it contradicts itself.
    pub(super) fn view(&self, words: &StreamWords) -> Result<Option<StreamView>, Error> {
        let view = self.stream_view_type.as_deref();
        let view = view.and_then(|view| STREAM_VIEWS.iter().find(|(name, _)| *name == view));
        match (self.stream_enabled.unwrap_or(false), view) {
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
    pub(super) fn constrain(&self, constraints: &mut Constraints) {
        constraints.one_of(self.kind.as_deref(), "sSESpecification.sSEType", &["AES256", "KMS"]);
    }

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

/// `OnDemandThroughput`: no limit can be set yet, but having none can be said.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OnDemandInput {
    max_read_request_units: Option<i64>,
    max_write_request_units: Option<i64>,
}

impl OnDemandInput {
    /// Refuses limits.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn check(&self) -> Result<(), Error> {
        let unlimited = |units: Option<i64>| units.is_none_or(|units| units == -1);
        if unlimited(self.max_read_request_units) && unlimited(self.max_write_request_units) {
            Ok(())
        } else {
            Err(unsupported("OnDemandThroughput"))
        }
    }
}

/// `WarmThroughput`: a table is as warm as it will ever be, so only what every table has can be asked for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WarmInput {
    read_units_per_second: Option<i64>,
    write_units_per_second: Option<i64>,
}

/// The warm throughput of an on-demand table, read and write units per second.
pub(super) const WARM_UNITS: (u64, u64) = (12_000, 4_000);

impl WarmInput {
    /// Refuses anything but what every table has.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn check(&self) -> Result<(), Error> {
        let usual = |units: Option<i64>, usual: u64| {
            units.is_none_or(|units| u64::try_from(units).is_ok_and(|units| units == usual))
        };
        if usual(self.read_units_per_second, WARM_UNITS.0) && usual(self.write_units_per_second, WARM_UNITS.1)
        {
            Ok(())
        } else {
            Err(unsupported("WarmThroughput"))
        }
    }
}
