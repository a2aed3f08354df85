//! Who is let in to Graticule's own requests, over real sockets.

use graticule_server::{AdminToken, Options};

use super::harness::{start, start_on};

const TOKEN: &str = "a token of some length";

fn with_token() -> Options {
    Options { admin_token: AdminToken::new(TOKEN.as_bytes()), ..Options::default() }
}

fn ask(line: &str, headers: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost:8000\r\n{headers}Content-Length: 2\r\n\r\n{{}}")
}

/// A page that a developer happens to visit can make the browser send a plain POST to a local port.
#[tokio::test]
async fn pages_of_other_origins_cannot_reach_the_admin_requests() {
    let server = start(Options::default());
    for (origin, status) in [("http://evil.example", 403), ("null", 403), ("http://localhost:8000", 202)] {
        let answer = server.ask(ask("POST /_graticule/links", &format!("Origin: {origin}\r\n"))).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

/// A page whose name was made to resolve to this machine is of the same origin, under its own name.
#[tokio::test]
async fn names_that_are_made_to_mean_this_machine_are_refused() {
    let server = start(Options::default());
    for (host, status) in [("evil.example:8000", 403), ("127.0.0.1:8000", 202), ("[::1]:8000", 202)] {
        let request = format!(
            "POST /_graticule/links HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = server.ask(request).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_server_that_others_can_reach_needs_a_token() {
    let server = start_on([0, 0, 0, 0], Options::default());
    for line in ["GET /_graticule/links", "POST /_graticule/links", "GET /metrics", "GET /_graticule/nothing"]
    {
        let answer = server.ask(ask(line, "")).await;
        assert_eq!(answer.status, 403, "{line}");
        assert!(answer.json()["message"].as_str().unwrap().contains("--admin-token-file"));
    }
    assert_eq!(server.ask(ask("GET /health", "")).await.status, 200, "what is not ours stays open");
}

#[tokio::test]
async fn a_token_is_demanded_wherever_the_server_listens() {
    for address in [[0, 0, 0, 0], [127, 0, 0, 1]] {
        let server = start_on(address, with_token());
        for (header, status) in [
            (String::new(), 401),
            ("Authorization: Bearer a token of some lengtH\r\n".to_owned(), 401),
            (format!("Authorization: Bearer {TOKEN}\r\n"), 202),
        ] {
            let answer = server.ask(ask("POST /_graticule/links", &header)).await;
            assert_eq!(answer.status, status, "{header}");
        }
        assert_eq!(server.ask(ask("GET /metrics", "")).await.status, 401);
    }
}

#[tokio::test]
async fn bodies_of_the_admin_requests_are_bounded() {
    let server = start(Options::default());
    let head = "POST /_graticule/links HTTP/1.1\r\nHost: localhost\r\n";
    let fits = "x".repeat(64 * 1024);
    let answer = server.ask(format!("{head}Content-Length: {}\r\n\r\n{fits}", fits.len())).await;
    assert_eq!(answer.json()["body"], fits);
    let answer = server.ask(format!("{head}Content-Length: {}\r\n\r\n{fits}x", fits.len() + 1)).await;
    assert_eq!((answer.status, answer.error().0.as_str()), (413, "RequestEntityTooLargeException"));
    let chunks = format!("{:x}\r\n{fits}x\r\n0\r\n\r\n", fits.len() + 1);
    let answer = server.ask(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}")).await;
    assert_eq!(answer.status, 413);
}
