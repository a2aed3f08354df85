//! Well-formed requests and what every answer carries; the other doors than `POST /`.

use std::io::{Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use graticule_server::Options;
use serde_json::json;

use super::harness::{Answer, head, request, start};

fn assert_carries_the_usual(answer: &Answer) {
    let id = &answer.headers["x-amzn-requestid"];
    assert_eq!(id.len(), 52);
    assert!(id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{id}");
    let checksum = crc32fast::hash(&answer.body).to_string();
    assert_eq!(answer.headers["x-amz-crc32"], checksum);
}

#[tokio::test]
async fn a_call_reaches_the_handler_and_its_answer_the_client() {
    let server = start(Options::default());
    let answer = server.ask(request("Echo", "{\"a\":1}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    assert_carries_the_usual(&answer);
    assert_eq!(
        answer.json(),
        json!({"region": "eu-west-1", "access_key": "AKID", "streams": false, "body": "{\"a\":1}"})
    );

    let streams = head("DynamoDBStreams_20120810.Echo") + "Content-Length: 0\r\n\r\n";
    let answer = server.ask(streams).await;
    assert_eq!(answer.json()["streams"], true);
    assert_eq!(answer.json()["body"], "");
}

#[tokio::test]
async fn errors_travel_in_their_envelope() {
    let server = start(Options::default());
    let answer = server.ask(request("Missing", "{}")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    assert_carries_the_usual(&answer);
    assert_eq!(
        answer.json(),
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            "message": "Requested resource not found: Table: t not found",
        })
    );
    let answer = server.ask(request("Broken", "{}")).await;
    assert_eq!((answer.status, answer.error().0.as_str()), (500, "InternalServerError"));
}

#[tokio::test]
async fn unknown_operations_are_named_so_before_the_signature_is_looked_at() {
    let server = start(Options::default());
    let targets = [
        "",
        "X-Amz-Target: Echo\r\n",
        "X-Amz-Target: DynamoDB_20120810.\r\n",
        "X-Amz-Target: DynamoDB_20120810.Nope\r\n",
        "X-Amz-Target: DynamoDB_20111205.Echo\r\n",
        "X-Amz-Target: dynamodb_20120810.Echo\r\n",
        "X-Amz-Target: DynamoDB_20120810.Echo.Echo\r\n",
    ];
    let mut client = server.connect().await;
    for target in targets {
        client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{target}Content-Length: 2\r\n\r\n{{}}")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{target}");
        assert_eq!(answer.json(), json!({"__type": "com.amazon.coral.service#UnknownOperationException"}));
        assert_carries_the_usual(&answer);
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests_in_turn() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let operation = if number % 3 == 0 { "Missing" } else { "Echo" };
        client.send(request(operation, &number.to_string())).await;
        let answer = client.answer().await;
        if operation == "Echo" {
            assert_eq!(answer.json()["body"], number.to_string());
        }
        ids.push(answer.headers["x-amzn-requestid"].clone());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20, "every request has an id of its own");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    let mut all = request("Slow", "{}");
    for number in 0..50 {
        all += &request("Echo", &number.to_string());
    }
    client.send(all).await;
    assert_eq!(client.answer().await.json(), json!({"slow": true}));
    for number in 0..50 {
        assert_eq!(client.answer().await.json()["body"], number.to_string());
    }
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    client.send(request("Echo", "1") + "POST / HT").await;
    assert_eq!(client.answer().await.json()["body"], "1");
}

#[tokio::test]
async fn chunked_bodies_are_put_together() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    client.send(head("DynamoDB_20120810.Echo") + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    server.env.sleep(std::time::Duration::from_millis(50)).await;
    client.send("4\r\ndefg\r\n0\r\n\r\n").await;
    assert_eq!(client.answer().await.json()["body"], "abcdefg");
    client.send(request("Echo", "again")).await;
    assert_eq!(client.answer().await.json()["body"], "again");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    client.send(head("DynamoDB_20120810.Echo") + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 100);
    client.send("hello").await;
    assert_eq!(client.answer().await.json()["body"], "hello");
}

#[tokio::test]
async fn a_panic_costs_one_request_and_not_the_connection() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    client.send(request("Panic", "{}")).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 500);
    assert_carries_the_usual(&answer);
    assert_eq!(answer.error(), ("InternalServerError".to_owned(), "Internal server error".to_owned()));
    client.send(request("Echo", "still here")).await;
    assert_eq!(client.answer().await.json()["body"], "still here");
}

#[tokio::test]
async fn the_other_doors() {
    let server = start(Options::default());
    let mut client = server.connect().await;
    let rows = [
        ("GET /", 200, "healthy: graticule"),
        ("GET /health", 200, "{\"status\":\"healthy\"}"),
        ("GET /_graticule/links?a=b", 202, "{\"body\":\"abc\",\"method\":\"GET\",\"query\":\"a=b\"}"),
        ("POST /_graticule/links", 202, "{\"body\":\"abc\",\"method\":\"POST\",\"query\":\"\"}"),
        ("GET /metrics", 200, "up 1\n"),
        ("GET /_graticule/nothing", 404, ""),
        ("GET /nothing", 404, ""),
        ("PUT /", 404, ""),
        ("OPTIONS /", 404, ""),
        ("POST /health", 404, ""),
    ];
    for (line, status, body) in rows {
        client.send(format!("{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status, "{line}");
        assert_carries_the_usual(&answer);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        if body.is_empty() {
            let path = line.split(' ').nth(1).unwrap();
            assert!(answer.json()["message"].as_str().unwrap().contains(path), "{line}");
        } else {
            assert_eq!(String::from_utf8(answer.body).unwrap(), body);
        }
    }
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn with_headers(operation: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let target = format!("DynamoDB_20120810.{operation}");
    let head = head(&target) + &format!("{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn compressed_requests_are_read_within_the_same_bounds() {
    let server = start(Options { body_bytes_max: 100_000, ..Options::default() });
    let gzip = "Content-Encoding: gzip\r\n";
    let rows = [
        (gzip, compressed(&vec![b'a'; 90_000]), 200, "90000"),
        (gzip, compressed(&vec![b'a'; 100_001]), 413, "RequestEntityTooLarge"),
        (gzip, b"plain".to_vec(), 400, "SerializationException"),
        (gzip, compressed(&vec![b'a'; 90_000])[..60].to_vec(), 400, "SerializationException"),
        ("Content-Encoding: identity\r\n", b"plain".to_vec(), 200, "5"),
        ("Content-Encoding: br\r\n", b"plain".to_vec(), 415, "UnsupportedEncodingException"),
    ];
    for (header, body, status, shown) in rows {
        let answer = server.ask(with_headers("Size", header, &body)).await;
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(answer.status, status, "{header} {text}");
        assert!(text.contains(shown), "{text} instead of {shown}");
    }
}

#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_ask() {
    let server = start(Options::default());
    let long = format!("{{\"a\":\"{}\"}}", "b".repeat(5000));
    let rows = [
        ("Accept-Encoding: gzip, deflate\r\n", &long[..], true),
        ("Accept-Encoding: deflate, gzip;q=0.5\r\n", &long, true),
        ("Accept-Encoding: gzip;q=0\r\n", &long, false),
        ("Accept-Encoding: identity\r\n", &long, false),
        ("", &long, false),
        ("Accept-Encoding: gzip\r\n", "{}", false),
    ];
    for (header, body, is_compressed) in rows {
        let answer = server.ask(with_headers("Echo", header, body.as_bytes())).await;
        assert_carries_the_usual(&answer);
        let mut plain = Vec::new();
        if is_compressed {
            assert_eq!(answer.headers["content-encoding"], "gzip");
            GzDecoder::new(&answer.body[..]).read_to_end(&mut plain).unwrap();
        } else {
            assert!(!answer.headers.contains_key("content-encoding"), "{header}");
            plain = answer.body;
        }
        let answer: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        assert_eq!(answer["body"], body);
    }
}
