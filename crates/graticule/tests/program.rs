//! The binary itself: what it prints, what it refuses, how it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_graticule");

fn run(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(PROGRAM).args(arguments).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code().unwrap(), text)
}

/// A running server; killed when the test ends.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    line: String,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Running {
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        Running { child, out, line }
    }

    fn address(&self) -> &str {
        let rest =
            self.line.split("http://").nth(1).expect("the start-up line says where the server listens");
        rest.split_whitespace().next().unwrap()
    }

    /// The status line and body of an answer.
    pub(crate) fn request(&self, head: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    fn call(&self, region: &str, operation: &str, body: &str) -> (String, String) {
        self.call_target(region, &format!("DynamoDB_20120810.{operation}"), body)
    }

    /// Calls an operation by its full `X-Amz-Target`.
    pub(crate) fn call_target(&self, region: &str, target: &str, body: &str) -> (String, String) {
        let head = format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\nX-Amz-Date: 20260101T000000Z\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=key/20260101/{region}/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature=00"
        );
        self.request(&head, body)
    }

    fn stop(mut self) -> i32 {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_explains_the_program_and_its_flags() {
    let (code, text) = run(&["--help"]);
    assert_eq!(code, 0);
    assert!(text.contains("serve") && text.contains("multi-Region"), "{text}");
    let (code, text) = run(&["serve", "--help"]);
    assert_eq!(code, 0);
    for wanted in
        ["--listen", "127.0.0.1:8000", "--data-dir", "./graticule-data", "--in-memory", "--peer", "Examples:"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in {text}");
    }
}

#[test]
fn wrong_flags_are_refused_with_a_reason() {
    for (arguments, reason) in [
        (&["serve", "--listen", "nowhere"][..], "for example 127.0.0.1:8000"),
        (&["serve", "--region", "Mars!"], "looks like us-east-1"),
        (&["serve", "--peer", "eu-west-1"], "REGION=HOST:PORT"),
        (&["serve", "--peer", "eu-west-1=127.0.0.1:1"], "--region"),
        (&["serve", "--in-memory", "--data-dir", "x"], "cannot be used with"),
        (&["serve", "--cache-mib", "many"], "invalid value"),
        (&["serve", "--in-memory", "--listen", "0.0.0.0:0"], "--insecure-listen"),
        (&["serve", "--in-memory", "--log", "a=b=c"], "is no filter"),
        (&["serve", "--in-memory", "--link-secret-file", "/does/not/exist"], "--link-secret-file"),
        (
            // The second address of a Region silently took the place of the first.
            &[
                "serve",
                "--in-memory",
                "--region",
                "us-east-1",
                "--link-secret-file",
                "x",
                "--link-listen",
                "127.0.0.1:0",
                "--peer",
                "eu-west-1=127.0.0.1:1",
                "--peer",
                "eu-west-1=127.0.0.1:2",
            ],
            "two addresses for the Region eu-west-1",
        ),
        (&["fly"], "unrecognized subcommand"),
    ] {
        let (code, text) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.contains(reason), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(&["serve", "--in-memory", "--listen", &address]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains(&address) && text.contains("--listen"), "{text}");
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let (code, text) = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path]);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains(path) && text.contains("--data-dir"), "{text}");
}

#[test]
fn a_data_directory_serves_one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let running = Running::start(&["--data-dir", path]);
    let (code, text) = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path]);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("in use by another process"), "{text}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn the_start_up_line_says_where_and_what_and_sigterm_ends_it() {
    let running = Running::start(&["--in-memory"]);
    assert!(running.line.starts_with("graticule "), "{}", running.line);
    assert!(
        running.line.contains("any that a client names") && running.line.contains("in memory"),
        "{}",
        running.line
    );
    let (status, body) = running.request("GET /health HTTP/1.1", "");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.contains("\"status\":\"ok\""), "{body}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_server_of_one_region_refuses_the_others() {
    let running = Running::start(&["--in-memory", "--region", "us-east-1"]);
    let (status, body) = running.call("us-east-1", "ListTables", "{}");
    assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", r#"{"TableNames":[]}"#));
    let (status, body) = running.call("eu-west-1", "ListTables", "{}");
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert!(body.contains("InvalidSignatureException") && body.contains("hosts us-east-1"), "{body}");
    let (status, body) = running.call("us-east-1", "FlyToTheMoon", "{}");
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert!(body.contains("UnknownOperationException"), "{body}");
}

// With port 0 the start-up line named port 0, and a Region given twice was shown twice.
#[test]
fn the_start_up_lines_say_what_is_so() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret of some length").unwrap();
    let path = secret.path().to_str().unwrap();
    let mut running = Running::start(&[
        "--in-memory",
        "--region",
        "us-east-1",
        "--region",
        "us-east-1",
        "--link-listen",
        "127.0.0.1:0",
        "--link-secret-file",
        path,
    ]);
    assert!(running.line.contains("Regions: us-east-1 |"), "{}", running.line);
    let mut links = String::new();
    running.out.read_line(&mut links).unwrap();
    let port = links.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    assert_ne!(port, "0", "{links}");
}

#[test]
fn a_source_region_stays_where_the_flag_says_so() {
    const TABLE: &str = r#"{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}"#;
    const ADD: &str = r#"{"TableName": "abc", "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}"#;
    const NAME: &str = r#"{"TableName": "abc"}"#;
    for (flags, stays) in [(&["--in-memory", "--source-region-rule"][..], true), (&["--in-memory"], false)] {
        let running = Running::start(flags);
        for (operation, body) in [("CreateTable", TABLE), ("UpdateTable", ADD)] {
            let (status, answer) = running.call("us-east-1", operation, body);
            assert!(status.contains("200"), "{operation}: {answer}");
        }
        // Until the new replica is complete, the table is in use.
        let answers = (0..100_000).map(|_| running.call("us-east-1", "DeleteTable", NAME));
        let (status, answer) = answers
            .into_iter()
            .find(|(_, answer)| !answer.contains("ResourceInUseException"))
            .expect("a replica of an empty table is complete soon");
        assert_eq!(status.contains("200"), !stays, "{answer}");
        assert_eq!(answer.contains("acted as a source region"), stays, "{answer}");
    }
}
