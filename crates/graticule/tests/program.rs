//! The binary itself: what it prints, what it refuses, how it ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_graticule");

/// Exit code and everything that is printed.
pub(crate) fn run(arguments: &[&str]) -> (i32, String) {
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
        Running::start_with(&[&["--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// A server that is told where to listen, too.
    pub(crate) fn start_with(arguments: &[&str]) -> Running {
        let mut child = Command::new(PROGRAM)
            .arg("serve")
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

    /// What it said at its start.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Where this machine reaches it.
    fn address(&self) -> String {
        let rest =
            self.line.split("http://").nth(1).expect("the start-up line says where the server listens");
        rest.split_whitespace().next().unwrap().replace("0.0.0.0", "127.0.0.1")
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address())
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

    pub(crate) fn call(&self, region: &str, operation: &str, body: &str) -> (String, String) {
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
        (&["serve", "--in-memory", "--listen", "0.0.0.0:0"], "--credentials-file"),
        (&["serve", "--in-memory", "--credentials-file", "/does/not/exist"], "--credentials-file"),
        (&["serve", "--in-memory", "--log", "a=b=c"], "is no filter"),
        (&["serve", "--peer", "eu-west-1=127.0.0.1:1,nowhere"], "REGION=HOST:PORT"),
        (
            &["serve", "--in-memory", "--region", "us-east-1", "--link-listen", "127.0.0.1:0"],
            "--link-certificate",
        ),
        (&["serve", "--in-memory", "--link-key", "x"], "--link-certificate"),
        (
            &[
                "serve",
                "--in-memory",
                "--region",
                "us-east-1",
                "--link-ca",
                "/does/not/exist",
                "--link-certificate",
                "/does/not/exist",
                "--link-key",
                "/does/not/exist",
            ],
            "--link-certificate",
        ),
        (&["certificates", "--region", "us-east-1"], "--out"),
        (&["certificates", "--out", "x"], "--region"),
        (&["certificates", "--out", "x", "--region", "Mars!"], "looks like us-east-1"),
        (&["certificates", "--out", "x", "--region", "us-east-1", "--days", "0"], "--days"),
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
    let directory = made(&["--region", "us-east-1"]);
    let [ca, certificate, key] = files(&directory, "us-east-1");
    let mut running = Running::start(&[
        "--in-memory",
        "--region",
        "us-east-1",
        "--region",
        "us-east-1",
        "--link-listen",
        "127.0.0.1:0",
        "--link-ca",
        &ca,
        "--link-certificate",
        &certificate,
        "--link-key",
        &key,
        "--peer",
        "eu-west-1=127.0.0.1:1,127.0.0.1:2",
        "--peer",
        "eu-west-1=127.0.0.1:3",
    ]);
    assert!(running.line.contains("Regions: us-east-1 |"), "{}", running.line);
    let mut links = String::new();
    running.out.read_line(&mut links).unwrap();
    let port = links.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    assert_ne!(port, "0", "{links}");
    assert!(links.contains("eu-west-1 at 127.0.0.1:1 or 127.0.0.1:2, eu-west-1 at 127.0.0.1:3"), "{links}");
}

/// A directory with what `graticule certificates` makes.
fn made(arguments: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    make(&directory, arguments);
    directory
}

fn make(directory: &tempfile::TempDir, arguments: &[&str]) {
    let out = directory.path().to_str().unwrap();
    let (code, text) = run(&[&["certificates", "--out", out], arguments].concat());
    assert_eq!(code, 0, "{text}");
}

fn files(directory: &tempfile::TempDir, region: &str) -> [String; 3] {
    let path = |name: String| directory.path().join(name).to_str().unwrap().to_owned();
    [path("ca.pem".to_owned()), path(format!("{region}.pem")), path(format!("{region}-key.pem"))]
}

#[test]
fn certificates_are_made_for_servers() {
    let directory = made(&["--region", "us-east-1", "--region", "eu-west-1,eu-west-2"]);
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
            entry.file_name().into_string().unwrap()
        })
        .collect();
    names.sort();
    let expected =
        ["ca-key.pem", "ca.pem", "eu-west-1-key.pem", "eu-west-1.pem", "us-east-1-key.pem", "us-east-1.pem"];
    assert_eq!(names, expected);
    // Once more: the CA stays, the certificates are new.
    let (ca, certificate, other) = (read("ca.pem"), read("us-east-1.pem"), read("eu-west-1.pem"));
    make(&directory, &["--region", "us-east-1"]);
    assert_eq!(read("ca.pem"), ca);
    assert_ne!(read("us-east-1.pem"), certificate);
    assert_eq!(read("eu-west-1.pem"), other);
    // A new CA: the old one stays in the file, and new certificates are of the new one.
    make(&directory, &["--new-ca", "--region", "us-east-1"]);
    let both = read("ca.pem");
    assert!(both.ends_with(&ca) && both.len() > ca.len(), "{both}");
    make(&directory, &["--region", "us-east-1"]);
    assert_eq!(read("ca.pem"), both);

    let out = directory.path().to_str().unwrap();
    std::fs::remove_file(directory.path().join("ca-key.pem")).unwrap();
    let (code, text) = run(&["certificates", "--out", out, "--region", "us-east-1"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("ca-key.pem") && text.contains("--new-ca"), "{text}");
}

// A CA of another make has another name, and certificates that name ours as their maker would not be believed.
#[test]
fn certificates_that_would_not_work_are_not_left_unsaid() {
    let (directory, other) = (made(&["--region", "us-east-1"]), made(&["--region", "us-east-1"]));
    std::fs::copy(other.path().join("ca.pem"), directory.path().join("ca.pem")).unwrap();
    let out = directory.path().to_str().unwrap();
    let before = std::fs::read(directory.path().join("us-east-1.pem")).unwrap();
    let (code, text) = run(&["certificates", "--out", out, "--region", "us-east-1"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("was not made by a CA in"), "{text}");
    let after = std::fs::read(directory.path().join("us-east-1.pem")).unwrap();
    assert_eq!(after, before, "what was there stays");
}

#[test]
fn a_certificate_must_name_the_hosted_regions() {
    let directory = made(&["--region", "us-east-1"]);
    let [ca, certificate, key] = files(&directory, "us-east-1");
    let flags = ["--link-ca", &ca, "--link-certificate", &certificate, "--link-key", &key];
    let regions = ["serve", "--in-memory", "--region", "us-east-1", "--region", "us-west-2"];
    let (code, text) = run(&[&regions[..], &flags].concat());
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("names us-east-1, not us-west-2") && text.contains("graticule certificates"),
        "{text}"
    );
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
