//! Who may ask: access keys with their secrets, and the signing keys that follow from them.
//!
//! A signing key belongs to a day and a Region. It is kept once a signature was right under it, so that only those who
//! know a secret take room. Secrets are kept as the state of their HMAC and are never shown. Where they come from is
//! not known here.

use std::{collections::BTreeMap, fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::RwLock;
use sha2::Sha256;

use crate::signature::{Claim, SERVICE, TERMINATOR};

/// Signing keys that are kept. When there are more, all are made anew.
const SIGNING_KEYS_MAX: usize = 1024;

/// The secret of an access key.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret from its text.
    pub fn new(text: &str) -> Secret {
        Secret(keyed(format!("AWS4{text}").as_bytes()))
    }

    fn signing_key(&self, day: &str, region: &str) -> Hmac<Sha256> {
        let mut key = self.0.clone();
        for part in [day, region, SERVICE, TERMINATOR] {
            key.update(part.as_bytes());
            key = keyed(&key.finalize().into_bytes());
        }
        key
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The access keys of a server. They can be replaced while it runs.
pub struct AccessKeys(RwLock<State>);

struct State {
    secrets: BTreeMap<String, Secret>,
    /// How often secrets were replaced.
    generation: u64,
    /// By credential: access key, day, Region, service and terminator.
    signing: BTreeMap<Box<str>, Arc<Hmac<Sha256>>>,
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeys({})", self.0.read().secrets.len())
    }
}

impl AccessKeys {
    /// Access key ids and their secrets.
    pub fn new(secrets: BTreeMap<String, Secret>) -> AccessKeys {
        AccessKeys(RwLock::new(State { secrets, generation: 0, signing: BTreeMap::new() }))
    }

    /// From now on, these and no others. A request that is under way is still measured by the old ones.
    pub fn replace(&self, secrets: BTreeMap<String, Secret>) {
        let mut state = self.0.write();
        let generation = state.generation + 1;
        *state = State { secrets, generation, signing: BTreeMap::new() };
    }

    /// What a claim is to be measured by; `None` if nobody has the access key.
    pub(crate) fn find(&self, claim: &Claim<'_>) -> Option<SigningKey> {
        let state = self.0.read();
        if let Some(key) = state.signing.get(claim.credential()) {
            return Some(SigningKey { key: Arc::clone(key), made_in: None });
        }
        let secret = state.secrets.get(claim.access_key())?.clone();
        let generation = state.generation;
        drop(state);
        let key = Arc::new(secret.signing_key(claim.day(), claim.region()));
        Some(SigningKey { key, made_in: Some(generation) })
    }

    /// Keeps a signing key under which a signature was right.
    pub(crate) fn keep(&self, claim: &Claim<'_>, signing: SigningKey) {
        let SigningKey { key, made_in: Some(generation) } = signing else { return };
        let mut state = self.0.write();
        if state.generation != generation {
            return;
        }
        if state.signing.len() >= SIGNING_KEYS_MAX {
            state.signing.clear();
        }
        state.signing.insert(claim.credential().into(), key);
    }
}

/// What signatures of one access key, day and Region are made with.
pub(crate) struct SigningKey {
    key: Arc<Hmac<Sha256>>,
    /// The generation of its secret; `None` if it is kept already.
    made_in: Option<u64>,
}

impl SigningKey {
    /// A message authentication code that is yet to be given its message.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        Hmac::clone(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;
    use crate::signature;

    fn with_claim(credential: &str, look: impl FnOnce(&Claim<'_>)) {
        let mut headers = HeaderMap::new();
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("x-amz-date", "20260102T030405Z".parse().unwrap());
        look(&signature::read(&headers, None, None).unwrap());
    }

    fn secrets(of: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        of.iter().map(|(key, secret)| ((*key).to_owned(), Secret::new(secret))).collect()
    }

    fn tag(key: &SigningKey) -> Vec<u8> {
        key.mac().finalize().into_bytes().to_vec()
    }

    #[test]
    fn signing_keys_are_kept_when_they_have_proved_right_and_go_with_their_secrets() {
        let keys = AccessKeys::new(secrets(&[("AK", "first"), ("BK", "other")]));
        with_claim("AK/20260102/us-east-1/dynamodb/aws4_request", |claim| {
            let first = keys.find(claim).unwrap();
            assert!(first.made_in.is_some());
            assert!(keys.find(claim).unwrap().made_in.is_some(), "nothing is kept unproved");
            let first_tag = tag(&first);
            keys.keep(claim, first);
            let kept = keys.find(claim).unwrap();
            assert!(kept.made_in.is_none());
            assert_eq!(tag(&kept), first_tag);

            let late = SigningKey { key: kept.key, made_in: Some(0) };
            keys.replace(secrets(&[("AK", "second")]));
            keys.keep(claim, late);
            let second = keys.find(claim).unwrap();
            assert!(second.made_in.is_some(), "a key of an old secret must not be kept after it");
            assert_ne!(tag(&second), first_tag);
        });
        with_claim("BK/20260102/us-east-1/dynamodb/aws4_request", |claim| {
            assert!(keys.find(claim).is_none());
        });
    }

    #[test]
    fn signing_keys_are_bounded() {
        let keys = AccessKeys::new(secrets(&[("AK", "secret")]));
        for region in 0..SIGNING_KEYS_MAX + 10 {
            with_claim(&format!("AK/20260102/r{region}/dynamodb/aws4_request"), |claim| {
                keys.keep(claim, keys.find(claim).unwrap());
            });
        }
        assert_eq!(keys.0.read().signing.len(), 10);
    }

    #[test]
    fn secrets_are_not_shown() {
        let secrets = secrets(&[("AK", "sesame")]);
        let shown = format!("{secrets:?} {:?}", AccessKeys::new(secrets.clone()));
        assert_eq!(shown, r#"{"AK": Secret} AccessKeys(1)"#);
    }
}
