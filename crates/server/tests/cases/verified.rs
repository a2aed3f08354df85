//! A server that verifies signatures: what it takes, what it refuses and in which words, and that nothing is executed then.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use graticule_env::{Env, Shift};
use graticule_server::{AccessKeys, Options, Secret};

use super::{
    harness::{Answer, Running, start_in},
    signer::Signing,
};

const SECRET: &str = "a/secret+of=tests";
const DATE: &str = "20260102T030405Z";
const DATE_UNIX_S: u64 = 1_767_323_045;
const TARGET: &str = "DynamoDB_20120810.Echo";
const BODY: &str = "{\"a\":1}";
const INVALID: &str = "InvalidSignatureException";
const UNRECOGNIZED: (&str, &str) =
    ("UnrecognizedClientException", "The security token included in the request is invalid.");
const MISMATCH: (&str, &str) = (
    INVALID,
    "The request signature we calculated does not match the signature you provided. \
     Check your AWS Secret Access Key and signing method. \
     Consult the service documentation for details.",
);

fn secrets(of: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    of.iter().map(|(key, secret)| ((*key).to_owned(), Secret::new(secret))).collect()
}

/// A server with one key whose clock shows `DATE` and a few seconds, and is set by the shift.
fn start() -> (Running, Shift, Arc<AccessKeys>) {
    let real = Env::real();
    let shift = Shift::default();
    set(&real, &shift, 0);
    let keys = Arc::new(AccessKeys::new(secrets(&[("AKID", SECRET)])));
    let options = Options { access_keys: Some(Arc::clone(&keys)), ..Options::default() };
    (start_in(real.shifted(&shift), [127, 0, 0, 1], options), shift, keys)
}

/// Lets the clock show `DATE` and so many seconds.
fn set(real: &Env, shift: &Shift, seconds: i64) {
    let wanted = i64::try_from(DATE_UNIX_S * 1000).unwrap() + seconds * 1000;
    shift.set_ms(wanted - i64::try_from(real.unix_ms()).unwrap());
}

async fn ask(server: &Running, query: &str, lines: &[(&str, &str)], body: &[u8]) -> Answer {
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST /{query} HTTP/1.1\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
    server.ask([head.as_bytes(), body].concat()).await
}

/// A request as SDKs make it, signed, before it is spoilt.
struct Sent {
    access_key: &'static str,
    secret: &'static str,
    date: &'static str,
    signed: Vec<(&'static str, &'static str)>,
    /// Sent in the place of what was signed, or beside it.
    sent: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

fn request() -> Sent {
    Sent {
        access_key: "AKID",
        secret: SECRET,
        date: DATE,
        signed: vec![("host", "localhost"), ("x-amz-date", DATE), ("x-amz-target", TARGET)],
        sent: vec![],
        body: BODY,
    }
}

impl Sent {
    async fn to(&self, server: &Running) -> Answer {
        let signing = Signing {
            access_key: self.access_key,
            secret: self.secret,
            date: self.date,
            region: "eu-west-1",
            headers: &self.signed,
            query: "",
            body: BODY.as_bytes(),
        };
        let authorization = signing.authorization();
        let kept = |name: &str| !self.sent.iter().any(|(other, _)| *other == name);
        let mut lines: Vec<_> = self.signed.iter().filter(|(name, _)| kept(name)).copied().collect();
        lines.extend(&self.sent);
        lines.push(("authorization", &authorization));
        ask(server, "", &lines, self.body.as_bytes()).await
    }
}

async fn refused(server: &Running, sent: &Sent) -> (String, String) {
    let before = server.calls.load(Ordering::Relaxed);
    let answer = sent.to(server).await;
    assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(server.calls.load(Ordering::Relaxed), before, "a refused request must not be executed");
    answer.error()
}

fn owned((name, message): (&str, &str)) -> (String, String) {
    (name.to_owned(), message.to_owned())
}

#[tokio::test]
async fn right_signatures_are_taken() {
    let (server, ..) = start();
    // Twice: made anew, and under the key that was kept.
    for _ in 0..2 {
        let answer = request().to(&server).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["access_key"], "AKID");
        assert_eq!(answer.json()["region"], "eu-west-1");
        assert_eq!(answer.json()["body"], BODY);
    }
    // What is not signed may be anything.
    let answer =
        Sent { sent: vec![("user-agent", "x"), ("content-type", "y")], ..request() }.to(&server).await;
    assert_eq!(answer.status, 200);
    assert_eq!(server.calls.load(Ordering::Relaxed), 3);
}

/// Vectors made with botocore.
#[tokio::test]
async fn signatures_are_those_of_the_sdks() {
    let (server, ..) = start();
    let header = |names: &str, signature: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/dynamodb/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        )
    };
    let plain = header(
        "content-type;host;x-amz-date;x-amz-target;x-blanks",
        "dd406ad486da0559a88127ed8bb72eaccab046e9cfd2ec5559914826b7c2600b",
    );
    let lines = [
        ("Host", "localhost"),
        ("X-Amz-Target", TARGET),
        ("Content-Type", "application/x-amz-json-1.0"),
        ("X-Blanks", "  a   b  "),
        ("X-Amz-Date", DATE),
        ("Authorization", &plain),
    ];
    assert_eq!(ask(&server, "", &lines, BODY.as_bytes()).await.status, 200);

    let with_query = header(
        "host;x-amz-date;x-amz-target",
        "0956eec9a12e44dfb6bcad72f2d7c1d0d401c341e120a872b6c167c22777ee3c",
    );
    let lines = [lines[0], lines[1], lines[4], ("Authorization", &with_query)];
    assert_eq!(ask(&server, "?b=%2F%20x&a=~", &lines, BODY.as_bytes()).await.status, 200);
    assert_eq!(ask(&server, "?a=%7e&b=/%20x", &lines, BODY.as_bytes()).await.status, 200);
    assert_eq!(ask(&server, "?b=%2F%20x&a=", &lines, BODY.as_bytes()).await.error(), owned(MISMATCH));
}

#[tokio::test]
async fn wrong_signatures_are_refused() {
    let (server, ..) = start();
    let host = ("host", "localhost");
    let (date, target) = (("x-amz-date", DATE), ("x-amz-target", TARGET));
    let must_be_signed = |name: &str| {
        (INVALID.to_owned(), format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
    };
    let rows = [
        ("a wrong secret", Sent { secret: "another", ..request() }, owned(MISMATCH)),
        ("a changed body", Sent { body: "{\"a\":2}", ..request() }, owned(MISMATCH)),
        ("no body", Sent { body: "", ..request() }, owned(MISMATCH)),
        ("another host", Sent { sent: vec![("host", "other")], ..request() }, owned(MISMATCH)),
        (
            "another operation",
            Sent { sent: vec![("x-amz-target", "DynamoDB_20120810.Size")], ..request() },
            owned(MISMATCH),
        ),
        (
            "another date",
            Sent { sent: vec![("x-amz-date", "20260102T030406Z")], ..request() },
            owned(MISMATCH),
        ),
        (
            "a header twice",
            Sent { sent: vec![("host", "localhost"), ("host", "localhost")], ..request() },
            owned(MISMATCH),
        ),
        ("an unknown key", Sent { access_key: "OTHER", ..request() }, owned(UNRECOGNIZED)),
        (
            "a session token",
            Sent { sent: vec![("x-amz-security-token", "token")], ..request() },
            owned(UNRECOGNIZED),
        ),
        (
            "a session token with a wrong secret",
            Sent { secret: "another", sent: vec![("x-amz-security-token", "token")], ..request() },
            owned(MISMATCH),
        ),
        (
            "no host among what is signed",
            Sent { signed: vec![date, target], sent: vec![host], ..request() },
            { must_be_signed("Host' or ':authority") },
        ),
        (
            "no operation among what is signed",
            Sent { signed: vec![host, date], sent: vec![target], ..request() },
            must_be_signed("X-Amz-Target"),
        ),
        (
            "no date among what is signed",
            Sent { signed: vec![host, target], sent: vec![date], ..request() },
            must_be_signed("X-Amz-Date"),
        ),
        (
            "signed headers out of order",
            Sent { signed: vec![host, target, date], ..request() },
            owned(MISMATCH),
        ),
        (
            "a hash of another body",
            Sent {
                signed: vec![host, ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), date, target],
                ..request()
            },
            owned(MISMATCH),
        ),
    ];
    for (what, sent, expected) in &rows {
        assert_eq!(refused(&server, sent).await, *expected, "{what}");
    }
    assert_eq!(request().to(&server).await.status, 200, "the right one still is");
}

#[tokio::test]
async fn a_hash_of_the_body_may_be_signed() {
    let (server, ..) = start();
    let hash = ("x-amz-content-sha256", "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
    let signed = vec![("host", "localhost"), hash, ("x-amz-date", DATE), ("x-amz-target", TARGET)];
    assert_eq!(Sent { signed, ..request() }.to(&server).await.status, 200);
}

/// What is wrong with the form is told first, as without keys; but the age comes before the credential, as on the live
/// service.
#[tokio::test]
async fn signatures_have_an_age() {
    let (server, shift, _) = start();
    let real = Env::real();
    for fine in [-240, 240] {
        set(&real, &shift, fine);
        assert_eq!(request().to(&server).await.status, 200);
    }
    set(&real, &shift, 600);
    for sent in
        [request(), Sent { secret: "another", ..request() }, Sent { access_key: "OTHER", ..request() }]
    {
        let (name, message) = refused(&server, &sent).await;
        assert_eq!(name, INVALID);
        let expected = format!("Signature expired: {DATE} is now earlier than 20260102T0309");
        assert!(message.starts_with(&expected) && message.ends_with(" - 5 min.)"), "{message}");
    }
    set(&real, &shift, -600);
    let (name, message) = refused(&server, &request()).await;
    assert_eq!(name, INVALID);
    let expected = format!("Signature not yet current: {DATE} is still later than 20260102T025");
    assert!(message.starts_with(&expected) && message.ends_with(" + 5 min.)"), "{message}");
}

#[tokio::test]
async fn a_date_in_the_form_of_http_is_signed_in_the_other_form() {
    let (server, ..) = start();
    let signed =
        vec![("date", "Fri, 02 Jan 2026 03:04:05 GMT"), ("host", "localhost"), ("x-amz-target", TARGET)];
    assert_eq!(Sent { signed, ..request() }.to(&server).await.status, 200);
    let signed =
        vec![("date", "Fri, 02 Jan 2026 03:04:06 GMT"), ("host", "localhost"), ("x-amz-target", TARGET)];
    assert_eq!(refused(&server, &Sent { signed, ..request() }).await, owned(MISMATCH));
}

fn presigned(expires: &str, secret: &str) -> String {
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260102%2Feu-west-1%2Fdynamodb%2Faws4_request\
         &X-Amz-Date={DATE}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host%3Bx-amz-target"
    );
    let signing = Signing {
        access_key: "AKID",
        secret,
        date: DATE,
        region: "eu-west-1",
        headers: &[("host", "localhost"), ("x-amz-target", TARGET)],
        query: &query,
        body: BODY.as_bytes(),
    };
    format!("?{query}&X-Amz-Signature={}", signing.signature())
}

#[tokio::test]
async fn presigned_requests() {
    let (server, shift, _) = start();
    let real = Env::real();
    let lines = [("Host", "localhost"), ("X-Amz-Target", TARGET)];
    let answer = |query: String, body: &'static str| {
        let server = &server;
        async move { ask(server, &query, &lines, body.as_bytes()).await }
    };
    assert_eq!(answer(presigned("600", SECRET), BODY).await.status, 200);
    assert_eq!(answer(presigned("600", SECRET), "{}").await.error(), owned(MISMATCH));
    assert_eq!(answer(presigned("600", "another"), BODY).await.error(), owned(MISMATCH));
    assert_eq!(answer(presigned("600", SECRET) + "&a=1", BODY).await.error(), owned(MISMATCH));
    assert_eq!(answer(presigned("604801", SECRET), BODY).await.error().0, "IncompleteSignatureException");
    let token = presigned("600", SECRET) + "&X-Amz-Security-Token=token";
    assert_eq!(answer(token, BODY).await.error(), owned(MISMATCH));

    // As botocore makes it of a request with parameters of its own.
    let made = "?a=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260102%2Feu-west-1%2Fdynamodb%2Faws4_request\
                &X-Amz-Date=20260102T030405Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host%3Bx-amz-target\
                &X-Amz-Signature=c4d5430991f559e15230b2b9ba364047d8ca9f446678f7cb4adec8b8208d11ec";
    assert_eq!(answer(made.to_owned(), "").await.status, 200);

    set(&real, &shift, 500);
    assert_eq!(answer(presigned("600", SECRET), BODY).await.status, 200);
    set(&real, &shift, 700);
    let (name, message) = answer(presigned("600", SECRET), BODY).await.error();
    assert_eq!(name, INVALID);
    assert!(message.starts_with("Signature expired: ") && message.ends_with(" - 10 min.)"), "{message}");
    assert_eq!(answer(presigned("86400", SECRET), BODY).await.status, 200);
}

#[tokio::test]
async fn keys_are_replaced_while_the_server_runs() {
    let (server, _, keys) = start();
    let other = || Sent { access_key: "NEW", secret: "new", ..request() };
    assert_eq!(request().to(&server).await.status, 200);
    assert_eq!(refused(&server, &other()).await, owned(UNRECOGNIZED));
    keys.replace(secrets(&[("NEW", "new")]));
    assert_eq!(other().to(&server).await.status, 200);
    assert_eq!(refused(&server, &request()).await, owned(UNRECOGNIZED), "its signing key is not kept");
    keys.replace(secrets(&[("NEW", "newer")]));
    assert_eq!(refused(&server, &other()).await, owned(MISMATCH));
}

#[tokio::test]
async fn form_comes_first_and_other_doors_stay_open() {
    let (server, ..) = start();
    let missing = server.ask(format!("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET}\r\n\r\n")).await;
    assert_eq!(missing.error().0, "MissingAuthenticationTokenException");
    let unknown = Sent { sent: vec![("x-amz-target", "DynamoDB_20120810.Nothing")], ..request() };
    assert_eq!(refused(&server, &unknown).await.0, "UnknownOperationException");
    assert_eq!(server.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.status, 200);
}

/// Somebody without a key: the answer comes although the body takes all memory that there is for bodies, and more.
#[tokio::test]
async fn whoever_has_no_key_takes_no_memory() {
    let real = Env::real();
    let shift = Shift::default();
    set(&real, &shift, 0);
    let keys = Arc::new(AccessKeys::new(secrets(&[("AKID", SECRET)])));
    let options = Options {
        access_keys: Some(keys),
        body_bytes_max: 100_000,
        bodies_bytes_max: 100_000,
        body_timeout: Duration::from_secs(60),
        ..Options::default()
    };
    let server = start_in(real.shifted(&shift), [127, 0, 0, 1], options);
    let head = |access_key| {
        let signing = Signing {
            access_key,
            secret: SECRET,
            date: DATE,
            region: "eu-west-1",
            headers: &[("host", "localhost"), ("x-amz-date", DATE), ("x-amz-target", TARGET)],
            query: "",
            body: b"",
        };
        format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Date: {DATE}\r\nX-Amz-Target: {TARGET}\r\n\
             Authorization: {}\r\nContent-Length: 100000\r\n\r\n",
            signing.authorization()
        )
    };
    let half = "x".repeat(50_000);
    let mut strangers = Vec::new();
    for _ in 0..3 {
        let mut stranger = server.connect().await;
        stranger.send(head("OTHER") + &half).await;
        strangers.push(stranger);
    }
    // All memory is free for somebody with a key.
    let mut known = server.connect().await;
    known.send(head("AKID") + &half + &half).await;
    assert_eq!(known.answer().await.error(), owned(MISMATCH));
    for mut stranger in strangers {
        stranger.send(&half).await;
        assert_eq!(stranger.answer().await.error(), owned(UNRECOGNIZED));
    }
}

/// What is signed is what travels; a wrong signature is refused before anything is decompressed.
#[tokio::test]
async fn compressed_bodies_are_verified_as_they_travel() {
    let (server, ..) = start();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, BODY.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    for (signed, sent, expected) in [(&body[..], &body[..], "200"), (&body, b"no gzip", INVALID)] {
        let headers = [("host", "localhost"), ("x-amz-date", DATE), ("x-amz-target", TARGET)];
        let signing = Signing {
            access_key: "AKID",
            secret: SECRET,
            date: DATE,
            region: "eu-west-1",
            headers: &headers,
            query: "",
            body: signed,
        };
        let authorization = signing.authorization();
        let lines =
            [&headers[..], &[("authorization", &authorization), ("content-encoding", "gzip")]].concat();
        let answer = ask(&server, "", &lines, sent).await;
        let outcome = if answer.status == 200 { "200".to_owned() } else { answer.error().0 };
        assert_eq!(outcome, expected);
    }
}
