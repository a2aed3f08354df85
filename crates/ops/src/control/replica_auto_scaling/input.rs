//! `AutoScalingSettingsUpdate`: what a request changes of one setting, and what the setting is then.
//!
//! What a request does not name stays as it is.

use graticule_model::{
    Error, TableName,
    limits::{AUTO_SCALING_TARGET_PERCENT_MAX, AUTO_SCALING_TARGET_PERCENT_MIN},
};
use graticule_tables::auto_scaling::{AutoScaling, Dimension, ScalingPolicy, Utilization};
use serde::Deserialize;

use super::describe::ROLE;

/// A change of one setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SettingsInput {
    minimum_units: Option<u64>,
    maximum_units: Option<u64>,
    auto_scaling_disabled: Option<bool>,
    auto_scaling_role_arn: Option<String>,
    scaling_policy_update: Option<PolicyInput>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyInput {
    policy_name: Option<String>,
    target_tracking_scaling_policy_configuration: TargetInput,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TargetInput {
    disable_scale_in: Option<bool>,
    scale_in_cooldown: Option<i64>,
    scale_out_cooldown: Option<i64>,
    target_value: f64,
}

fn parameter<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Parameter(text.into()))
}

impl SettingsInput {
    /// Whether it changes nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        !self.changes_bounds_or_policy() && self.auto_scaling_disabled.is_none()
    }

    fn changes_bounds_or_policy(&self) -> bool {
        self.minimum_units.is_some()
            || self.maximum_units.is_some()
            || self.auto_scaling_role_arn.is_some()
            || self.scaling_policy_update.is_some()
    }

    /// Checks what can be checked without knowing the setting.
    ///
    /// # Errors
    /// If it contradicts itself, or holds what cannot be.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.auto_scaling_disabled == Some(true) && self.changes_bounds_or_policy() {
            return parameter("No other setting can be specified when AutoScalingDisabled is true");
        }
        if let Some(role) = self.auto_scaling_role_arn.as_ref().filter(|role| !role.ends_with(ROLE)) {
            return Err(Error::AccessDenied(format!(
                "User is not authorized to perform: iam:PassRole on resource: {role}"
            )));
        }
        match &self.scaling_policy_update {
            Some(policy) => policy.target_tracking_scaling_policy_configuration.check(),
            None => Ok(()),
        }
    }

    /// The setting after the change; none is one that is switched off.
    ///
    /// # Errors
    /// If the bounds are missing or contradict each other.
    pub(super) fn apply(
        &self,
        current: Option<&AutoScaling>,
        table: &TableName,
        dimension: &Dimension,
    ) -> Result<Option<AutoScaling>, Error> {
        if self.auto_scaling_disabled == Some(true) {
            return Ok(None);
        }
        let minimum = self.minimum_units.or(current.map(|current| current.minimum_units));
        let maximum = self.maximum_units.or(current.map(|current| current.maximum_units));
        let (Some(minimum_units), Some(maximum_units)) = (minimum, maximum) else {
            return parameter("MinimumUnits and MaximumUnits must be specified to enable auto scaling");
        };
        if maximum_units < minimum_units {
            return Err(Error::Validation(
                "Maximum capacity cannot be less than minimum capacity".to_owned(),
            ));
        }
        let before = current.and_then(|current| current.policy.as_ref());
        let policy = match &self.scaling_policy_update {
            None => before.cloned(),
            Some(input) => {
                let name = input.policy_name.clone().or_else(|| before.map(|policy| policy.name.clone()));
                let target = &input.target_tracking_scaling_policy_configuration;
                Some(target.policy(name.unwrap_or_else(|| usual_policy_name(table, dimension)))?)
            }
        };
        Ok(Some(AutoScaling { minimum_units, maximum_units, policy }))
    }
}

impl TargetInput {
    fn check(&self) -> Result<(), Error> {
        self.utilization()?;
        self.cooldowns().map(|_| ())
    }

    fn utilization(&self) -> Result<Utilization, Error> {
        Utilization::new(self.target_value).ok_or_else(|| {
            Error::Validation(format!(
                "TargetValue must be between {AUTO_SCALING_TARGET_PERCENT_MIN} and {AUTO_SCALING_TARGET_PERCENT_MAX}"
            ))
        })
    }

    /// Seconds between decreases, and between increases.
    fn cooldowns(&self) -> Result<(Option<u32>, Option<u32>), Error> {
        let seconds = |cooldown: Option<i64>| match cooldown.map(u32::try_from) {
            None => Ok(None),
            Some(Ok(seconds)) => Ok(Some(seconds)),
            Some(Err(_)) => Err(Error::Validation("A cooldown must not be negative".to_owned())),
        };
        Ok((seconds(self.scale_in_cooldown)?, seconds(self.scale_out_cooldown)?))
    }

    /// A policy takes the place of the one before as a whole.
    fn policy(&self, name: String) -> Result<ScalingPolicy, Error> {
        let (scale_in_cooldown_s, scale_out_cooldown_s) = self.cooldowns()?;
        Ok(ScalingPolicy {
            name,
            target: self.utilization()?,
            disable_scale_in: self.disable_scale_in,
            scale_in_cooldown_s,
            scale_out_cooldown_s,
        })
    }
}

/// What a policy is called if nobody names it.
fn usual_policy_name(table: &TableName, dimension: &Dimension) -> String {
    let (metric, index) = match dimension {
        Dimension::Writes(index) => ("DynamoDBWriteCapacityUtilization", index),
        Dimension::Reads(_, index) => ("DynamoDBReadCapacityUtilization", index),
    };
    match index {
        Some(index) => format!("{metric}:table/{table}/index/{index}"),
        None => format!("{metric}:table/{table}"),
    }
}
