//! `--credentials-file`: who is answered, on which addresses, and what becomes of a file that changes.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::program::Running;

const PATIENCE: Duration = Duration::from_secs(25);
const TARGET: &str = "DynamoDB_20120810.ListTables";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Calls ListTables, signed; the error's name, or nothing if it was answered.
#[allow(clippy::disallowed_methods)] // the time of a real request to a real server
fn list(server: &Running, access_key: &str, secret: &str) -> Option<String> {
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(['-', ':'], "");
    let (scope, names) =
        (format!("{}/us-east-1/dynamodb/aws4_request", &date[..8]), "host;x-amz-date;x-amz-target");
    let canonical = format!(
        "POST\n/\n\nhost:localhost\nx-amz-date:{date}\nx-amz-target:{TARGET}\n\n{names}\n{}",
        hex(&Sha256::digest("{}"))
    );
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part);
    }
    let signature = hex(&hmac(&key, &text));
    let head = format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: {TARGET}\r\nX-Amz-Date: {date}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    let (status, body) = server.request(&head, "{}");
    if status == "HTTP/1.1 200 OK" {
        assert_eq!(body, r#"{"TableNames":[]}"#);
        return None;
    }
    Some(body.split("#").nth(1).unwrap().split('"').next().unwrap().to_owned())
}

/// Replaces a file in one step.
fn put(path: &Path, contents: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, contents).unwrap();
    std::fs::rename(beside, path).unwrap();
}

#[allow(clippy::disallowed_methods)] // a test waits for a real server
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_with_a_credentials_file_answers_those_who_are_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    put(&path, "# who may ask\nFIRST first/secret\n");
    let file = path.to_str().unwrap();
    // No --insecure-listen: whoever comes from another machine needs a secret, too.
    let server = Running::start_with(&["--listen", "0.0.0.0:0", "--in-memory", "--credentials-file", file]);
    assert!(server.line().contains("signatures: verified"), "{}", server.line());

    let unrecognized = Some("UnrecognizedClientException".to_owned());
    let invalid = Some("InvalidSignatureException".to_owned());
    assert_eq!(list(&server, "FIRST", "first/secret"), None);
    assert_eq!(list(&server, "FIRST", "another"), invalid);
    assert_eq!(list(&server, "SECOND", "second"), unrecognized);
    let (status, body) = server.call("us-east-1", "ListTables", "{}");
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert!(body.contains("InvalidSignatureException"), "{body}");
    // Graticule's own requests have a token of their own.
    let (status, _) = server.request("GET /metrics HTTP/1.1", "");
    assert_eq!(status, "HTTP/1.1 403 Forbidden");

    put(&path, "SECOND second\nTHIRD third\n");
    wait_until("new keys are taken", || list(&server, "SECOND", "second").is_none());
    assert_eq!(list(&server, "THIRD", "third"), None);
    assert_eq!(list(&server, "FIRST", "first/secret"), unrecognized);
}

#[test]
#[allow(clippy::disallowed_methods)] // a test waits for a real server
fn a_broken_credentials_file_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    put(&path, "FIRST first\n");
    let server = Running::start(&["--in-memory", "--credentials-file", path.to_str().unwrap()]);
    for broken in ["", "SECOND second\nthird\n"] {
        put(&path, broken);
        // Longer than it takes to look at the file twice.
        let limit = Instant::now() + Duration::from_secs(6);
        while Instant::now() < limit {
            assert_eq!(list(&server, "FIRST", "first"), None);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    put(&path, "FIRST changed\n");
    wait_until("the next good one is taken", || list(&server, "FIRST", "changed").is_none());
}

#[test]
fn a_server_does_not_start_with_a_broken_credentials_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let file = path.to_str().unwrap();
    for (contents, reason) in [("A sesame\nsesame\n", "keys, line 2"), ("# A sesame", "holds no access key")]
    {
        put(&path, contents);
        let (code, text) = crate::program::run(&["serve", "--in-memory", "--credentials-file", file]);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(reason) && !text.contains("sesame"), "{text}");
    }
}
