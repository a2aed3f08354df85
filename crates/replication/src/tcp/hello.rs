//! The first words of both ends, inside TLS: who is calling whom, and in which version of the protocol.
//!
//! JSON behind a length, so that either end may say more one day and the other one passes over it.

use std::{io, ops::RangeInclusive};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const HELLO_BYTES_MAX: usize = 4096;

/// What the source says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The oldest and the newest version that it speaks.
    pub(super) versions: (u16, u16),
    pub(super) from: String,
    pub(super) to: String,
    /// What it can decompress.
    #[serde(default)]
    pub(super) compression: Vec<String>,
}

/// What the target answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Welcome {
    /// The link is open.
    Ok {
        version: u16,
        /// What both ends can decompress, if anything.
        #[serde(default)]
        compression: Option<String>,
    },
    /// It is not, and this is why.
    Refused(String),
}

/// What both ends have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) version: u16,
    pub(super) compression: bool,
}

/// The one compression that there is.
pub(super) const LZ4: &str = "lz4";

/// The newest version common to both ends.
pub(super) fn common_version(ours: &RangeInclusive<u16>, theirs: (u16, u16)) -> Option<u16> {
    let (oldest, newest) = theirs;
    let version = newest.min(*ours.end());
    (version >= oldest && ours.contains(&version)).then_some(version)
}

pub(super) async fn say(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> Result<(), io::Error> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(&json);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

pub(super) async fn hear<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> Result<T, io::Error> {
    let unreadable = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let length = stream.read_u32().await? as usize;
    if length > HELLO_BYTES_MAX {
        return Err(unreadable("the other end does not speak the link protocol".to_owned()));
    }
    let mut json = vec![0; length];
    stream.read_exact(&mut json).await?;
    serde_json::from_slice(&json)
        .map_err(|error| unreadable(format!("the other end does not speak the link protocol: {error}")))
}
