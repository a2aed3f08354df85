//! Requests as bytes: built once per connection, then patched in place with the next key and payload.
//!
//! A body marks its variable places with runs of a slot character: ten `#` for a key, a run of `*` as long as
//! the payload. Their lengths never change, so neither does Content-Length.

use crate::http::Endpoint;

/// Digits of a key.
pub const KEY_DIGITS: usize = 10;
/// The place of a key in a body.
pub const KEY_SLOT: &str = "##########";

/// A server without access keys reads Region and access key from the credential and believes the rest.
const SIGNATURE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A request whose variable parts can be overwritten.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
    key_slots: Vec<usize>,
    payload_slots: Vec<std::ops::Range<usize>>,
}

impl Request {
    /// `POST /` for an operation of DynamoDB's API in a Region.
    pub fn new(endpoint: &Endpoint, region: &str, operation: &str, body: &str) -> Self {
        let head = format!(
            "POST / HTTP/1.1\r\n\
             Host: {}\r\n\
             Content-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: DynamoDB_20120810.{operation}\r\n\
             X-Amz-Date: 20260101T000000Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=bench/20260101/{region}/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature={SIGNATURE}\r\n\
             Content-Length: {}\r\n\r\n",
            endpoint.authority(),
            body.len()
        );
        let runs = |slot: u8| {
            slot_runs(body.as_bytes(), slot)
                .into_iter()
                .map(|run| head.len() + run.start..head.len() + run.end)
                .collect::<Vec<_>>()
        };
        let keys = runs(b'#').into_iter().inspect(|run| debug_assert_eq!(run.len(), KEY_DIGITS));
        let key_slots = keys.map(|run| run.start).collect();
        let payload_slots = runs(b'*');
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.as_bytes());
        Self { bytes, key_slots, payload_slots }
    }

    /// The complete request.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes `first_key`, `first_key + step`, ... into the key slots in their order.
    pub fn set_keys(&mut self, first_key: u64, step: u64) {
        let mut key = first_key;
        for slot in &self.key_slots {
            let mut rest = key;
            for digit in self.bytes[*slot..*slot + KEY_DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            key += step;
        }
    }

    /// Writes fresh random text into every payload slot.
    pub fn set_payloads(&mut self, pool: &PayloadPool, random: &mut Random) {
        for slot in &self.payload_slots {
            let text = pool.slice(slot.len(), random);
            self.bytes[slot.clone()].copy_from_slice(text);
        }
    }
}

/// Runs of at least two `slot` characters.
fn slot_runs(body: &[u8], slot: u8) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let length = body[at..].iter().take_while(|byte| **byte == slot).count();
        if length >= 2 {
            runs.push(at..at + length);
        }
        at += length.max(1);
    }
    runs
}

/// Random text to cut payloads from, so that an engine's compression has next to nothing to win.
#[derive(Debug)]
pub struct PayloadPool {
    text: Vec<u8>,
}

impl PayloadPool {
    /// How many payloads of one length there are.
    pub const SPREAD_BYTES: usize = 1 << 20;

    /// A pool for payloads of up to `payload_bytes_max`.
    pub fn new(payload_bytes_max: usize) -> Self {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut random = Random::new(u64::MAX);
        let length = Self::SPREAD_BYTES + payload_bytes_max;
        Self { text: (0..length).map(|_| ALPHABET[random.below(64) as usize]).collect() }
    }

    /// Text of a payload: where a payload starts is a number below [`PayloadPool::SPREAD_BYTES`].
    pub fn text(&self, start: usize, length: usize) -> &[u8] {
        &self.text[start..start + length]
    }

    fn slice(&self, length: usize, random: &mut Random) -> &[u8] {
        self.text(random.below(Self::SPREAD_BYTES as u64) as usize, length)
    }
}

/// SplitMix64: quick, and good enough to pick keys.
#[derive(Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A sequence of its own for each seed, the same in every run.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0xd1b5_4a32_d192_ed03) }
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }
}
