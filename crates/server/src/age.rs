//! How old a signature is: its date, read and compared with the clock in the live service's words.
//!
//! A signature in a header is good for five minutes to both sides; one in a query string says itself for how long, and
//! that begins no later than five minutes from now. Knows nothing of what is signed.

use std::{
    ops::Range,
    time::{Duration, UNIX_EPOCH},
};

use graticule_model::Error;

use crate::{refusal::Refusal, signature::incomplete};

/// How old a signature in a header may be.
pub(crate) const HEADER_VALID_FOR: Duration = Duration::from_secs(5 * 60);
/// How far ahead the signer's clock may be.
const AHEAD_MAX: Duration = Duration::from_secs(5 * 60);
/// The longest that a query string may say.
const EXPIRES_S_MAX: u64 = 7 * 24 * 60 * 60;
/// The length of a date such as 20260102T030405Z.
const BASIC_CHARS: usize = 16;

/// Whether a date is in ISO 8601's basic format rather than in HTTP's own, which a `Date` header may have.
pub(crate) fn is_basic(date: &str) -> Result<bool, Refusal> {
    let digits = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & byte.is_ascii_digit());
    let basic = <&[u8; BASIC_CHARS]>::try_from(date.as_bytes()).is_ok_and(|bytes| {
        bytes[8] == b'T' && bytes[15] == b'Z' && digits(&bytes[..8]) && digits(&bytes[9..15])
    });
    if basic {
        Ok(true)
    } else if date.contains(", ") && date.ends_with(" GMT") {
        Ok(false)
    } else {
        Err(malformed(date))
    }
}

/// A date of HTTP's own form in the form that is signed.
pub(crate) fn basic_of_http(date: &str) -> Result<String, Refusal> {
    let time = httpdate::parse_http_date(date).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map(basic).ok_or_else(|| malformed(date))
}

/// How long a presigned request is good for, by its `X-Amz-Expires`; as long as others if it does not say.
pub(crate) fn presigned_valid_for(expires: Option<&str>) -> Result<Duration, Refusal> {
    let Some(expires) = expires else { return Ok(HEADER_VALID_FOR) };
    let seconds = expires.parse().ok().filter(|seconds| (1..=EXPIRES_S_MAX).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        incomplete(format!(
            "'X-Amz-Expires' must be a number of seconds from 1 to {EXPIRES_S_MAX}, got '{expires}'. "
        ))
    })
}

/// Compares a date, in the basic format, with the clock.
pub(crate) fn check(date: &str, now: Duration, valid_for: Duration) -> Result<(), Refusal> {
    let at = unix_s(date);
    let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let invalid = |message| Err(Error::InvalidSignature(message).into());
    if at < now_s.saturating_sub(seconds(valid_for)) {
        let bound = basic(now.saturating_sub(valid_for));
        return invalid(format!(
            "Signature expired: {date} is now earlier than {bound} ({} - {}.)",
            basic(now),
            told(valid_for)
        ));
    }
    if at > now_s.saturating_add(seconds(AHEAD_MAX)) {
        let bound = basic(now.saturating_add(AHEAD_MAX));
        return invalid(format!(
            "Signature not yet current: {date} is still later than {bound} ({} + {}.)",
            basic(now),
            told(AHEAD_MAX)
        ));
    }
    Ok(())
}

/// A time since the epoch in ISO 8601's basic format.
fn basic(time: Duration) -> String {
    // Further than any clock goes, the end of what can be told.
    let last = Duration::from_secs(253_402_300_799);
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + time.min(last)).to_string();
    text.chars().filter(|char| !matches!(char, '-' | ':')).collect()
}

fn told(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}

/// The seconds since the epoch of a date in the basic format. Months and days that do not exist run on into others.
fn unix_s(date: &str) -> i64 {
    let number = |digits: Range<usize>| {
        date.as_bytes()[digits].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
    };
    // Years begin in March here, so that the leap day is their last.
    let (year, month) = match number(4..6) {
        month if month > 2 => (number(0..4), month - 3),
        month => (number(0..4) - 1, month + 9),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + number(6..8) - 719_469;
    ((days * 24 + number(9..11)) * 60 + number(11..13)) * 60 + number(13..15)
}

fn malformed(date: &str) -> Refusal {
    incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for seconds in (0..4_102_444_800_u64).step_by(86_400 * 13 + 12_345) {
            let date = basic(Duration::from_secs(seconds));
            assert_eq!(u64::try_from(unix_s(&date)), Ok(seconds), "{date}");
        }
        assert_eq!(unix_s("20240229T235959Z"), 1_709_251_199);
        assert_eq!(unix_s("00000101T000000Z"), -62_167_219_200);
        assert_eq!(basic_of_http("Fri, 02 Jan 2026 03:04:05 GMT").unwrap(), "20260102T030405Z");
        assert!(basic_of_http("Fri, 42 Jan 2026 03:04:05 GMT").is_err());
    }

    #[test]
    fn a_signature_is_good_for_a_while() {
        let now = Duration::from_secs(u64::try_from(unix_s("20260102T030405Z")).unwrap());
        let said = |date: &str, valid_for_s| match check(date, now, Duration::from_secs(valid_for_s)) {
            Err(Refusal::Api(Error::InvalidSignature(message))) => message,
            outcome => format!("{outcome:?}"),
        };
        let fine = "Ok(())";
        assert_eq!(said("20260102T025905Z", 300), fine);
        assert_eq!(said("20260102T030905Z", 300), fine);
        assert_eq!(
            said("20260102T025904Z", 300),
            "Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)"
        );
        assert_eq!(
            said("20260102T030906Z", 300),
            "Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z \
             (20260102T030405Z + 5 min.)"
        );
        assert_eq!(said("20260102T020406Z", 3600), fine);
        assert_eq!(
            said("20260102T030234Z", 90),
            "Signature expired: 20260102T030234Z is now earlier than 20260102T030235Z (20260102T030405Z - 90 sec.)"
        );
        assert!(said("99999999T999999Z", 300).starts_with("Signature not yet current"));
        assert!(said("00000000T000000Z", 300).starts_with("Signature expired"));
    }

    #[test]
    fn presigned_requests_say_how_long_they_are_good_for() {
        let seconds = |expires| presigned_valid_for(expires).map(|duration| duration.as_secs());
        assert_eq!(seconds(None), Ok(300));
        assert_eq!(seconds(Some("1")), Ok(1));
        assert_eq!(seconds(Some("604800")), Ok(604_800));
        for wrong in ["", "0", "-1", "604801", "x", "99999999999999999999"] {
            assert!(seconds(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
