//! What is too large, too slow, too much or no HTTP at all.

use std::time::Duration;

use graticule_server::Options;

use super::harness::{head, request, start};

fn small() -> Options {
    Options { body_bytes_max: 100_000, bodies_bytes_max: 150_000, ..Options::default() }
}

// limit: REQUEST_BODY_BYTES_MAX
#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_before_the_body_is_read() {
    let server = start(small());
    let mut client = server.connect().await;
    client
        .send(head("DynamoDB_20120810.Size") + "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n")
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.error().0, "RequestEntityTooLargeException");
    assert_eq!(answer.headers["connection"], "close");
    assert!(client.is_ended().await);

    let answer = server.ask(request("Size", &"x".repeat(100_000))).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"100000".as_slice()));
}

/// A server that closes with input unread resets the connection, and the client never sees why it was refused.
#[tokio::test]
async fn a_client_that_sends_its_oversize_body_anyway_still_gets_the_answer() {
    let server = start(small());
    for _ in 0..5 {
        let mut client = server.connect().await;
        client.send(request("Size", &"x".repeat(20_000_000))).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 413);
        assert!(client.is_ended().await);
    }
}

#[tokio::test]
async fn chunks_beyond_the_limit_are_refused() {
    let server = start(small());
    let mut client = server.connect().await;
    client.send(head("DynamoDB_20120810.Size") + "Transfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("{:x}\r\n{}\r\n", 30_000, "x".repeat(30_000));
    client.send(chunk.repeat(4)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.headers["connection"].as_str()), (413, "close"));

    let mut client = server.connect().await;
    client.send(head("DynamoDB_20120810.Size") + "Transfer-Encoding: chunked\r\n\r\n").await;
    client.send(chunk.repeat(3) + "0\r\n\r\n").await;
    assert_eq!(client.answer().await.body, b"90000");
}

#[tokio::test]
async fn bodies_that_do_not_fit_into_memory_together_wait_for_each_other() {
    let server = start(small());
    let mut first = server.connect().await;
    first.send(head("DynamoDB_20120810.Size") + "Content-Length: 90000\r\n\r\nx").await;
    server.env.sleep(Duration::from_millis(100)).await;

    let mut second = server.connect().await;
    second.send(request("Size", &"x".repeat(90_000))).await;
    let waits = server.env.timeout(Duration::from_millis(200), second.answer()).await.is_none();
    assert!(waits, "the second body has no room");
    assert_eq!(server.ask(request("Size", "small")).await.status, 200, "a waiting giant is in nobody's way");

    first.send("x".repeat(89_999)).await;
    assert_eq!(first.answer().await.body, b"90000");
    assert_eq!(second.answer().await.body, b"90000");
}

#[tokio::test]
async fn a_body_that_dawdles_is_given_up() {
    let server = start(Options { body_timeout: Duration::from_millis(200), ..Options::default() });
    let mut client = server.connect().await;
    client.send(head("DynamoDB_20120810.Size") + "Content-Length: 10\r\n\r\nabc").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.headers["connection"].as_str()), (408, "close"));
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    let options =
        Options { write_timeout: Duration::from_millis(300), connections_max: 1, ..Options::default() };
    let server = start(options);
    let mut first = server.connect().await;
    first.send(request("Echo", &"x".repeat(30_000_000))).await;
    assert_eq!(server.ask(request("Echo", "2")).await.status, 200);
}

#[tokio::test]
async fn headers_that_dawdle_and_idle_connections_are_given_up() {
    let server = start(Options { head_timeout: Duration::from_millis(200), ..Options::default() });
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Tar").await;
    assert!(client.is_ended().await);

    let mut client = server.connect().await;
    client.send(request("Slow", "{}")).await;
    assert_eq!(client.answer().await.status, 200, "a slow answer is not a slow request");
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn garbage_gets_a_bad_request_and_harms_nobody() {
    let server = start(Options { head_bytes_max: 10_000, ..Options::default() });
    let tls_handshake = "\x16\x03\x01\x02\x00\x01\x00\x01";
    for garbage in [tls_handshake, "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n"] {
        let mut client = server.connect().await;
        client.send(garbage).await;
        assert_eq!(client.answer().await.status, 400, "{garbage}");
        assert!(client.is_ended().await);
    }
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Huge: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(server.ask(huge).await.status, 431);

    let contradiction = head("DynamoDB_20120810.Echo")
        + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc\r\n0\r\n\r\n";
    assert_eq!(server.ask(contradiction).await.status, 400);
    assert_eq!(server.ask(request("Echo", "fine")).await.status, 200);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let server = start(Options { connections_max: 1, ..Options::default() });
    let mut first = server.connect().await;
    first.send(request("Echo", "1")).await;
    assert_eq!(first.answer().await.status, 200);

    let mut second = server.connect().await;
    second.send(request("Echo", "2")).await;
    assert!(server.env.timeout(Duration::from_millis(200), second.answer()).await.is_none());
    drop(first);
    assert_eq!(second.answer().await.json()["body"], "2");
}
