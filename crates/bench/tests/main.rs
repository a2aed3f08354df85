//! What the benchmark believes about the bytes it reads and writes.

use std::time::Duration;

use graticule_bench::{
    accounting::parse_stat,
    http::{Endpoint, Head, parse_head},
    requests::{KEY_SLOT, PayloadPool, Random, Request},
};

#[test]
fn a_head_is_read_once_it_is_complete() {
    let answer =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}";
    let body_start = answer.len() - 2;
    for length in 0..body_start {
        assert_eq!(parse_head(&answer[..length]), Ok(None), "{length} bytes");
    }
    let head = Head { status: 200, body_start, body_len: 2, keep_alive: true };
    for length in body_start..=answer.len() {
        assert_eq!(parse_head(&answer[..length]), Ok(Some(head)), "{length} bytes");
    }
}

#[test]
fn heads_say_how_the_connection_goes_on() {
    let keep_alive = |text: &str| parse_head(text.as_bytes()).unwrap().unwrap().keep_alive;
    assert!(keep_alive("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert!(keep_alive("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n"));
    assert!(!keep_alive("HTTP/1.1 400 Bad Request\r\nCONNECTION: Close\r\ncontent-length: 0\r\n\r\n"));
    assert!(!keep_alive("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert!(keep_alive("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"));
}

#[test]
fn heads_that_cannot_be_framed_are_errors() {
    for text in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/2 200\r\ncontent-length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        assert!(parse_head(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(parse_head(&[b'a'; 70_000]).is_err());
    let no_body = parse_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
    assert_eq!((no_body.status, no_body.body_len), (204, 0));
}

#[test]
fn endpoints_are_plain_http() {
    let authority = |url: &str| Endpoint::parse(url).map(|endpoint| endpoint.authority().to_owned());
    assert_eq!(authority("http://127.0.0.1:8000").as_deref(), Ok("127.0.0.1:8000"));
    assert_eq!(authority("http://[::1]:8000/").as_deref(), Ok("[::1]:8000"));
    assert_eq!(authority("http://localhost").as_deref(), Ok("localhost:80"));
    assert!(authority("https://localhost:8000").is_err());
    assert!(authority("localhost:8000").is_err());
    assert!(authority("http://localhost:8000/path").is_err());
}

#[test]
fn requests_are_patched_in_place() {
    let endpoint = Endpoint::parse("http://127.0.0.1:8000").unwrap();
    let body = format!(r#"{{"a":"{KEY_SLOT}","b":"{KEY_SLOT}","payload":"****"}}"#);
    let mut request = Request::new(&endpoint, "eu-west-1", "PutItem", &body);
    let length = request.bytes().len();
    request.set_keys(99, 1);
    request.set_payloads(&PayloadPool::new(4), &mut Random::new(1));

    let text = std::str::from_utf8(request.bytes()).unwrap();
    assert_eq!(text.len(), length);
    assert!(text.contains(&format!("Content-Length: {}\r\n\r\n", body.len())), "{text}");
    assert!(text.contains("/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders="), "{text}");
    assert!(text.contains(r#"{"a":"0000000099","b":"0000000100","payload":""#), "{text}");
    assert!(!text.contains('*'), "{text}");
}

#[test]
fn cpu_time_is_user_and_system_time() {
    let stat = "42 (a) name (x) S 1 42 42 0 -1 4194560 9 0 0 0 150 25 7 7 20 0 3 0 100 1 1";
    assert_eq!(parse_stat(stat), Some(Duration::from_millis(1750)));
    assert_eq!(parse_stat("42 (short) S 1"), None);
}

/// A whole run, with servers that do nothing: started, loaded, measured, stopped, written down.
#[test]
fn a_run_leaves_json_a_picture_and_a_page() {
    let out = std::env::temp_dir().join(format!("graticule-bench-test-{}", std::process::id()));
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_graticule-bench"))
        .args(["--quick", "--parts", "memory", "--workloads", "get", "--servers", "null,null-unread"])
        .args(["--rounds", "1", "--seconds", "0.1", "--binary", "/nowhere", "--ratios", "/nowhere", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let read = |kind: &str| std::fs::read_to_string(out.join(format!("benchmarks.{kind}"))).unwrap();
    let results: serde_json::Value = serde_json::from_str(&read("json")).unwrap();
    let rows = results["memory"]["rows"].as_array().unwrap();
    let servers: Vec<_> = rows.iter().map(|row| row["server"].as_str().unwrap()).collect();
    assert_eq!(servers, ["null", "null-unread"]);
    assert!(rows.iter().all(|row| row["rounds"][0]["operations"].as_u64() > Some(0)), "{results}");
    assert!(read("svg").starts_with("<svg"));
    assert!(read("md").contains("| GetItem, 1 KB | 64 |"));
    std::fs::remove_dir_all(&out).unwrap();
}
