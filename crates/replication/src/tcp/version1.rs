//! Version 1 of the messages, frozen: what this module encodes and decodes never changes again.
//!
//! The shapes are version 1's own, so that [`crate::message`] can go on; conversions are all that is between them. What
//! version 1 has no words for is told apart, not dropped.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::message::{self, Address, WireChange, WireRoad, WireTable};

/// Names whichever replica of the global table is there: version 1 does not tell them apart.
const ANY_REPLICA: &str = "";

/// Version 1 cannot say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsayable;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Frame {
    id: u64,
    body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
enum Body {
    Request(Request),
    Reply(Reply),
}

#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Table {
        table: String,
    },
    Settings {
        shared: Bytes,
    },
    Position {
        table: String,
        log: String,
    },
    Changes {
        table: String,
        group: String,
        log: String,
        changes: Vec<Change>,
        position: Option<u64>,
        watermark: Option<u64>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Table(Option<Table>),
    SettingsMerged { known_since: u64 },
    Foreign,
    Position(Option<u64>),
    Applied,
    Failed(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    deletion_protection: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Change {
    time: u64,
    region: String,
    key: Bytes,
    new: Option<Bytes>,
    expired: bool,
}

impl TryFrom<message::Frame> for Frame {
    type Error = Unsayable;

    fn try_from(frame: message::Frame) -> Result<Frame, Unsayable> {
        let body = match frame.body {
            message::Body::Request(request) => Body::Request(request.try_into()?),
            message::Body::Reply(reply) => Body::Reply(reply.try_into()?),
        };
        Ok(Frame { id: frame.id, body })
    }
}

impl From<Frame> for message::Frame {
    fn from(frame: Frame) -> message::Frame {
        let body = match frame.body {
            Body::Request(request) => message::Body::Request(request.into()),
            Body::Reply(reply) => message::Body::Reply(reply.into()),
        };
        message::Frame { id: frame.id, body }
    }
}

impl TryFrom<message::Request> for Request {
    type Error = Unsayable;

    fn try_from(request: message::Request) -> Result<Request, Unsayable> {
        Ok(match request {
            message::Request::Table { table } => Request::Table { table },
            message::Request::Settings { shared } => Request::Settings { shared },
            message::Request::Position { table, log } => Request::Position { table, log },
            // It does not name the replica, nor the membership that it was made for, nor what the source has.
            message::Request::Changes(message::Changes {
                to,
                log,
                born: _,
                changes,
                road,
                watermark,
                settled: _,
            }) => {
                let position = match road {
                    WireRoad::Log(position) => Some(position),
                    WireRoad::Snapshot(_) => None,
                    WireRoad::Resync | WireRoad::Repair(_) => return Err(Unsayable),
                };
                let changes = changes.into_iter().map(Change::from).collect();
                Request::Changes { table: to.table, group: to.group, log, changes, position, watermark }
            }
            message::Request::Digests { .. }
            | message::Request::Keys { .. }
            | message::Request::Items { .. }
            | message::Request::Settled { .. } => return Err(Unsayable),
        })
    }
}

impl From<Request> for message::Request {
    fn from(request: Request) -> message::Request {
        match request {
            Request::Table { table } => message::Request::Table { table },
            Request::Settings { shared } => message::Request::Settings { shared },
            Request::Position { table, log } => message::Request::Position { table, log },
            Request::Changes { table, group, log, changes, position, watermark } => {
                let changes = changes.into_iter().map(WireChange::from).collect();
                let to = Address { table, group, replica: ANY_REPLICA.to_owned() };
                let road = position.map_or(WireRoad::Snapshot(0), WireRoad::Log);
                let (born, settled) = (None, None);
                message::Request::Changes(message::Changes {
                    to,
                    log,
                    born,
                    changes,
                    road,
                    watermark,
                    settled,
                })
            }
        }
    }
}

impl TryFrom<message::Reply> for Reply {
    type Error = Unsayable;

    fn try_from(reply: message::Reply) -> Result<Reply, Unsayable> {
        Ok(match reply {
            message::Reply::Table(table) => {
                Reply::Table(table.map(|WireTable { deletion_protection }| Table { deletion_protection }))
            }
            message::Reply::SettingsMerged { known_since, more: _ } => Reply::SettingsMerged { known_since },
            message::Reply::Foreign => Reply::Foreign,
            message::Reply::Position { replica: _, applied } => Reply::Position(applied),
            message::Reply::Applied => Reply::Applied,
            message::Reply::Failed(reason) => Reply::Failed(reason),
            message::Reply::Absent => Reply::Failed("there is no replica, and none is to be".to_owned()),
            message::Reply::Digests(_)
            | message::Reply::Keys { .. }
            | message::Reply::Items { .. }
            | message::Reply::Settled(_) => return Err(Unsayable),
        })
    }
}

impl From<Reply> for message::Reply {
    fn from(reply: Reply) -> message::Reply {
        match reply {
            Reply::Table(table) => message::Reply::Table(
                table.map(|Table { deletion_protection }| WireTable { deletion_protection }),
            ),
            Reply::SettingsMerged { known_since } => {
                message::Reply::SettingsMerged { known_since, more: None }
            }
            Reply::Foreign => message::Reply::Foreign,
            // Whether there is a replica shows when it is sent something.
            Reply::Position(applied) => {
                message::Reply::Position { replica: Some(ANY_REPLICA.to_owned()), applied }
            }
            Reply::Applied => message::Reply::Applied,
            Reply::Failed(reason) => message::Reply::Failed(reason),
        }
    }
}

impl From<WireChange> for Change {
    fn from(change: WireChange) -> Change {
        let WireChange { time, region, key, new, expired } = change;
        Change { time, region, key, new, expired }
    }
}

impl From<Change> for WireChange {
    fn from(change: Change) -> WireChange {
        let Change { time, region, key, new, expired } = change;
        WireChange { time, region, key, new, expired }
    }
}
