//! Frames as bytes, by the version that both ends agreed on. Pure.

use std::ops::RangeInclusive;

use super::version1;
use crate::message::{Frame, PROTOCOL_VERSION};

/// The versions that this build speaks.
pub const PROTOCOL_VERSIONS: RangeInclusive<u16> = 1..=PROTOCOL_VERSION;

/// Longest frame: a batch of about a megabyte and one more item, with room to spare.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a frame has no bytes, or bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The frame says what the version has no words for.
    #[error(
        "the other end speaks version {0} of the link protocol, which cannot say this; upgrade Graticule there"
    )]
    Unsayable(u16),
    /// The frame is longer than the other end would take.
    #[error("a frame of {0} bytes is longer than {FRAME_BYTES_MAX}; nothing this long can be replicated")]
    TooLong(usize),
    /// The bytes are not a frame of this version, or the version is none of ours.
    #[error("not a frame of version {version} of the link protocol: {reason}")]
    Unreadable {
        /// The version that was agreed on.
        version: u16,
        /// What is wrong.
        reason: String,
    },
}

/// Encodes a frame for an end that speaks `version`.
///
/// # Errors
/// If the version cannot say it, or it is too long.
pub fn encode(frame: Frame, version: u16) -> Result<Vec<u8>, CodecError> {
    let encoded = match version {
        1 => {
            let frame = version1::Frame::try_from(frame);
            postcard::to_stdvec(&frame.map_err(|version1::Unsayable| CodecError::Unsayable(version))?)
        }
        PROTOCOL_VERSION => postcard::to_stdvec(&frame),
        _ => return Err(CodecError::Unsayable(version)),
    };
    match encoded {
        Ok(bytes) if bytes.len() > FRAME_BYTES_MAX => Err(CodecError::TooLong(bytes.len())),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(CodecError::Unreadable { version, reason: error.to_string() }),
    }
}

/// Decodes a frame of an end that speaks `version`.
///
/// # Errors
/// If the bytes are no such frame.
pub fn decode(bytes: &[u8], version: u16) -> Result<Frame, CodecError> {
    let unreadable = |reason: String| CodecError::Unreadable { version, reason };
    match version {
        1 => postcard::from_bytes::<version1::Frame>(bytes).map(Frame::from),
        PROTOCOL_VERSION => postcard::from_bytes::<Frame>(bytes),
        _ => return Err(unreadable("this end does not speak it".to_owned())),
    }
    .map_err(|error| unreadable(error.to_string()))
}
