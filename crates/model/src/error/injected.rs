//! Errors that are made on purpose, so that an application's way with them can be tested.
//!
//! Belongs to [`super::Error`]. When one is made is decided elsewhere; here is how it looks: as the service's own.

use std::str::FromStr;

/// One error that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Injected {
    /// An on-demand table that cannot keep up just now.
    Throttling,
    /// A table with provisioned capacity that has used it up.
    ProvisionedThroughputExceeded,
    /// An account that has used up its limit.
    RequestLimitExceeded,
    /// Trouble inside the service.
    InternalServerError,
}

impl Injected {
    /// All of them.
    pub const ALL: [Injected; 4] = [
        Injected::Throttling,
        Injected::ProvisionedThroughputExceeded,
        Injected::RequestLimitExceeded,
        Injected::InternalServerError,
    ];

    /// The exception's name, as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Injected::Throttling => "ThrottlingException",
            Injected::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Injected::RequestLimitExceeded => "RequestLimitExceeded",
            Injected::InternalServerError => "InternalServerError",
        }
    }

    /// The message.
    pub(super) fn message(self) -> &'static str {
        match self {
            Injected::Throttling => {
                "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
            }
            Injected::ProvisionedThroughputExceeded => {
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
            }
            Injected::RequestLimitExceeded => {
                "Throughput exceeds the current throughput limit for your account. To request a limit increase, contact AWS Support at https://aws.amazon.com/support."
            }
            Injected::InternalServerError => "Internal server error",
        }
    }
}

impl FromStr for Injected {
    type Err = ();

    fn from_str(name: &str) -> Result<Injected, ()> {
        Injected::ALL.into_iter().find(|injected| injected.name() == name).ok_or(())
    }
}
