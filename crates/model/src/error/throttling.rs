//! Requests refused for want of capacity: what ran out, in the words of errors and cancellation reasons.
//!
//! One value says it all; which exception it becomes follows from how the capacity is paid for.

use serde_json::{Value, json};

/// Whether reads or writes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapacityKind {
    /// Read units.
    Read,
    /// Write units.
    Write,
}

/// What limits the capacity that ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapacityLimit {
    /// `ProvisionedThroughput`.
    Provisioned,
    /// `OnDemandThroughput`: the maximum that somebody set on a table or index billed per request.
    OnDemandMaximum,
}

/// A table or index that had no capacity left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttling {
    /// What ran out.
    pub kind: CapacityKind,
    /// What limits it.
    pub limit: CapacityLimit,
    /// The limit is a global secondary index's, not the table's.
    pub index: bool,
    /// ARN of the table or the index.
    pub resource: String,
}

impl Throttling {
    /// The reason as `ThrottlingReasons` name it.
    pub fn reason(&self) -> &'static str {
        use CapacityKind::{Read, Write};
        use CapacityLimit::{OnDemandMaximum, Provisioned};
        match (self.index, self.kind, self.limit) {
            (false, Read, Provisioned) => "TableReadProvisionedThroughputExceeded",
            (false, Write, Provisioned) => "TableWriteProvisionedThroughputExceeded",
            (true, Read, Provisioned) => "IndexReadProvisionedThroughputExceeded",
            (true, Write, Provisioned) => "IndexWriteProvisionedThroughputExceeded",
            (false, Read, OnDemandMaximum) => "TableReadMaxOnDemandThroughputExceeded",
            (false, Write, OnDemandMaximum) => "TableWriteMaxOnDemandThroughputExceeded",
            (true, Read, OnDemandMaximum) => "IndexReadMaxOnDemandThroughputExceeded",
            (true, Write, OnDemandMaximum) => "IndexWriteMaxOnDemandThroughputExceeded",
        }
    }

    /// The code among the cancellation reasons of a transaction and the errors of PartiQL batches.
    pub fn code(&self) -> &'static str {
        match self.limit {
            CapacityLimit::Provisioned => "ProvisionedThroughputExceeded",
            CapacityLimit::OnDemandMaximum => "ThrottlingError",
        }
    }

    /// The message, with whatever error it goes.
    pub fn message(&self) -> &'static str {
        match (self.limit, self.index) {
            (CapacityLimit::Provisioned, false) => {
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
            }
            (CapacityLimit::Provisioned, true) => {
                "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider provisioning your under-provisioned global secondary indexes with the UpdateTable API."
            }
            (CapacityLimit::OnDemandMaximum, _) => {
                "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
            }
        }
    }

    /// The member of an error body that says why, and its name: the two exceptions spell it differently.
    pub(super) fn reasons(&self) -> (&'static str, Value) {
        let member = match self.limit {
            CapacityLimit::Provisioned => "ThrottlingReasons",
            CapacityLimit::OnDemandMaximum => "throttlingReasons",
        };
        (member, json!([{"reason": self.reason(), "resource": self.resource}]))
    }
}
