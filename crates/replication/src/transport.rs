//! The seam between links and whatever carries them.

use graticule_model::RegionName;
use graticule_tables::BoxFuture;
use serde_json::Value;

use crate::frames::{FrameReceiver, FrameSender};

/// An open connection: what is sent on one end arrives at the other, in order within each table, or the wire breaks.
#[derive(Debug)]
pub struct Wire {
    /// To the other end. Waits while the other end is slow.
    pub sender: FrameSender,
    /// From the other end; ends when the wire breaks.
    pub receiver: FrameReceiver,
}

/// Why a link does not work just now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// Nobody says where that Region is.
    #[error("no address is configured for Region {0}")]
    Unknown(RegionName),
    /// The other end cannot be reached or went away.
    #[error("{0}")]
    Broken(String),
    /// There is no replica of the table there, or not yet.
    #[error("the other Region has no replica of the table")]
    NoReplica,
    /// One end does not accept the other's certificate. Ends with the next step to take.
    #[error("{0}")]
    Certificate(String),
    /// The other end refuses the link and says why.
    #[error("refused by the other end: {0}")]
    Refused(String),
}

/// Opens connections to other Regions.
pub trait Transport: Send + Sync + 'static {
    /// The Regions that can be reached; `None` if any Region can be named.
    fn known(&self) -> Option<Vec<RegionName>>;

    /// Where a Region is reached, for people; `None` if that is not known, or nowhere in particular.
    fn address(&self, to: &RegionName) -> Option<String> {
        let _ = to;
        None
    }

    /// What more there is to know of the way from one Region to another, for people.
    fn status(&self, from: &RegionName, to: &RegionName) -> Option<Value> {
        let _ = (from, to);
        None
    }

    /// Resolves when connections that failed may succeed now. A hint: links also try by themselves.
    fn worth_retrying(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Opens a connection from one Region to another.
    fn connect<'a>(
        &'a self,
        from: &'a RegionName,
        to: &'a RegionName,
    ) -> BoxFuture<'a, Result<Wire, LinkError>>;
}
