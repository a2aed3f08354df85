//! Who may make Graticule's own requests, those under `/_graticule/` and `/metrics`.
//!
//! With a token, whoever has it. Without one, whoever is on this machine, and only if the server listens on loopback
//! alone: a server that others can reach refuses everybody until it is given a token. Pages of other origins are always
//! refused, and so are, without a token, requests that call the server by a name that is not loopback's: a page whose
//! name was made to resolve to this machine sends its own.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use sha2::{Digest, Sha256};

/// Fewer bytes than this can be guessed.
pub const ADMIN_TOKEN_BYTES_MIN: usize = 16;

/// The secret of those who may make Graticule's own requests. Kept as its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken([u8; 32]);

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken")
    }
}

impl AdminToken {
    /// A token from its bytes; `None` if there are too few.
    pub fn new(bytes: &[u8]) -> Option<AdminToken> {
        (bytes.len() >= ADMIN_TOKEN_BYTES_MIN).then(|| AdminToken(Sha256::digest(bytes).into()))
    }

    /// Compares digests, all of them to the end, so that the time it takes tells nothing of what was right.
    fn is(&self, offered: &[u8]) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered).into();
        self.0.iter().zip(&offered).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It comes from a page of another origin.
    Origin,
    /// The server can be reached from other machines and has no token.
    NoToken,
    /// It calls the server by a name that is not loopback's.
    Host,
    /// It brings no token, or a wrong one.
    WrongToken,
}

impl Denied {
    /// HTTP status and reason, with the next step.
    pub(crate) fn render(self) -> (u16, &'static str) {
        match self {
            Denied::Origin => (403, "Requests from pages of other origins are refused"),
            Denied::NoToken => (
                403,
                "This server can be reached from other machines, so its own requests need a token: start it with --admin-token-file FILE, or let it listen on 127.0.0.1",
            ),
            Denied::Host => (
                403,
                "Without a token this server answers its own requests only under the names of this machine: use http://127.0.0.1 or http://localhost, or start it with --admin-token-file FILE",
            ),
            Denied::WrongToken => (
                401,
                "This request needs the server's token: send Authorization: Bearer TOKEN, or give graticule --token-file FILE",
            ),
        }
    }
}

/// Lets a request in, or says why not. The precedence of the checks is the order of the lines.
pub(crate) fn admit(
    token: Option<&AdminToken>,
    listening: SocketAddr,
    headers: &HeaderMap,
) -> Result<(), Denied> {
    if !same_origin(headers) {
        return Err(Denied::Origin);
    }
    match token {
        Some(token) if bearer(headers).is_some_and(|offered| token.is(offered)) => Ok(()),
        Some(_) => Err(Denied::WrongToken),
        None if !listening.ip().is_loopback() => Err(Denied::NoToken),
        None if !loopback_host(headers) => Err(Denied::Host),
        None => Ok(()),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
}

/// False for what a web page elsewhere makes its visitor's browser send. For the API a browser asks before it sends
/// `X-Amz-Target` to another origin, and is not given leave.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin == host)
}

/// Whether the client calls the server by a name that only means this machine.
fn loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, _port)) => name,
            None => return false,
        },
        None => host.rsplit_once(':').map_or(host, |(name, _port)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn outcome(token: bool, listening: &str, pairs: &[(HeaderName, &str)]) -> Result<(), Denied> {
        let token = token.then(|| AdminToken::new(b"sixteen bytes...").unwrap());
        admit(token.as_ref(), listening.parse().unwrap(), &headers(pairs))
    }

    #[test]
    fn names_of_this_machine_and_others() {
        for host in
            ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:8000"]
        {
            assert_eq!(outcome(false, "127.0.0.1:8000", &[(HOST, host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:8000",
            "0.0.0.0",
            "[::2]",
            "[::1",
            "::1",
            "",
            "example:127.0.0.1",
        ] {
            assert_eq!(outcome(false, "127.0.0.1:8000", &[(HOST, host)]), Err(Denied::Host), "{host}");
        }
        assert_eq!(outcome(false, "[::1]:8000", &[(HOST, "[::1]:8000")]), Ok(()));
        assert_eq!(outcome(false, "127.0.0.1:8000", &[]), Err(Denied::Host));
    }

    #[test]
    fn a_server_that_others_can_reach_wants_a_token() {
        let local = (HOST, "localhost");
        for listening in ["0.0.0.0:8000", "10.1.2.3:8000", "[::]:8000"] {
            assert_eq!(outcome(false, listening, std::slice::from_ref(&local)), Err(Denied::NoToken));
        }
        for (header, wanted) in [
            ("Bearer sixteen bytes...", Ok(())),
            ("bearer  sixteen bytes...", Ok(())),
            ("Bearer sixteen bytes..", Err(Denied::WrongToken)),
            ("Bearer sixteen bytes....", Err(Denied::WrongToken)),
            ("Bearer ", Err(Denied::WrongToken)),
            ("Basic sixteen bytes...", Err(Denied::WrongToken)),
            ("sixteen bytes...", Err(Denied::WrongToken)),
        ] {
            for listening in ["0.0.0.0:8000", "127.0.0.1:8000"] {
                // With the token the name does not matter.
                let pairs = [(HOST, "db.internal"), (AUTHORIZATION, header)];
                assert_eq!(outcome(true, listening, &pairs), wanted, "{header} at {listening}");
            }
        }
        assert_eq!(outcome(true, "127.0.0.1:8000", &[local]), Err(Denied::WrongToken));
    }

    #[test]
    fn pages_of_other_origins_are_refused_whatever_they_bring() {
        let pairs = [
            (HOST, "localhost:1"),
            (ORIGIN, "http://evil.example"),
            (AUTHORIZATION, "Bearer sixteen bytes..."),
        ];
        assert_eq!(outcome(true, "127.0.0.1:1", &pairs), Err(Denied::Origin));
        assert_eq!(outcome(false, "127.0.0.1:1", &pairs), Err(Denied::Origin));
    }

    #[test]
    fn a_token_has_sixteen_bytes() {
        assert!(AdminToken::new(b"fifteen bytes..").is_none());
        let token = AdminToken::new(b"sixteen bytes...").unwrap();
        assert!(!format!("{token:?}").contains("sixteen"));
    }
}
