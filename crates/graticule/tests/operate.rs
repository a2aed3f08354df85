//! Seeing and steering a running server: the commands, the requests behind them, and who may use them.

use std::{
    io::Write,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::program::{PROGRAM, Running};

const DEADLINE: Duration = Duration::from_secs(25);
const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

/// Exit code, standard output and standard error of a command against a server.
fn ask(server: &Running, arguments: &[&str]) -> (i32, String, String) {
    ask_at(&server.endpoint(), arguments)
}

fn ask_at(endpoint: &str, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(PROGRAM).args(arguments).args(["--endpoint", endpoint]).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The output of a command that must do.
fn told(server: &Running, arguments: &[&str]) -> String {
    let (code, out, err) = ask(server, arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}: {out}");
    out
}

#[allow(clippy::disallowed_methods)] // the program is another process, on the clock of the machine
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn call(server: &Running, region: &str, operation: &str, body: &Value) -> Value {
    let (status, answer) = server.call(region, operation, &body.to_string());
    assert_eq!(status, "HTTP/1.1 200 OK", "{operation} {body}: {answer}");
    serde_json::from_str(&answer).unwrap()
}

fn put(server: &Running, region: &str, by: &str) {
    let item = json!({"id": {"S": "1"}, "by": {"S": by}});
    call(server, region, "PutItem", &json!({"TableName": "entity", "Item": item}));
}

fn reads(server: &Running, region: &str) -> Option<String> {
    let key = json!({"TableName": "entity", "Key": {"id": {"S": "1"}}});
    let answer = call(server, region, "GetItem", &key);
    answer["Item"]["by"]["S"].as_str().map(str::to_owned)
}

fn create(server: &Running, name: &str) {
    let table = json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    call(server, HOME, "CreateTable", &table);
}

/// A global table in two Regions of one server.
fn global_table(server: &Running) {
    create(server, "entity");
    let update = json!({"TableName": "entity", "ReplicaUpdates": [{"Create": {"RegionName": AWAY}}]});
    call(server, HOME, "UpdateTable", &update);
    eventually("the replica to be active", || {
        let table = call(server, HOME, "DescribeTable", &json!({"TableName": "entity"}));
        (table["Table"]["Replicas"][0]["ReplicaStatus"] == "ACTIVE").then_some(())
    });
}

#[test]
#[allow(clippy::disallowed_methods)] // two writes by the clock of the machine
fn a_cut_two_writes_a_healing_and_the_last_writer_wins() {
    let server = Running::start(&["--in-memory"]);
    global_table(&server);
    let set = told(&server, &["dials", "set", "cut=us-east-1:eu-west-1"]);
    assert_eq!(set, "cut=eu-west-1:us-east-1:one-way\ncut=us-east-1:eu-west-1:one-way\n");
    eventually("the links to be down", || {
        let replicas = told(&server, &["replicas"]);
        (replicas.matches("DOWN: the link is cut by a dial").count() == 2).then_some(())
    });
    put(&server, HOME, "first");
    thread::sleep(Duration::from_millis(5));
    put(&server, AWAY, "last");
    assert_eq!(reads(&server, HOME).as_deref(), Some("first"));
    let seen: Value = serde_json::from_str(&told(
        &server,
        &["replicas", "--format", "json", "--region", HOME, "--table", "entity"],
    ))
    .unwrap();
    let peer = &seen["Regions"][0]["Tables"][0]["Peers"][0];
    assert_eq!((&peer["Region"], &peer["PendingChanges"]), (&json!(AWAY), &json!(1)), "{seen}");
    assert!(peer["PendingBytes"].as_u64().unwrap() > 50, "{seen}");

    assert_eq!(told(&server, &["dials", "set", "heal=us-east-1:eu-west-1"]), "no dial is set\n");
    eventually("the last write to be everywhere", || {
        (reads(&server, HOME).as_deref() == Some("last")).then_some(())
    });
    assert_eq!(reads(&server, AWAY).as_deref(), Some("last"));

    let listed = eventually("the conflict to be listed", || {
        let listed = told(&server, &["conflicts", "--table", "entity", "--since", "10m", "--format", "json"]);
        (!listed.is_empty()).then_some(listed)
    });
    let conflict: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(conflict["ListedIn"], AWAY);
    assert_eq!((&conflict["Winner"]["Region"], &conflict["Loser"]["Region"]), (&json!(AWAY), &json!(HOME)));
    assert_eq!(conflict["Discarded"], json!({"id": {"S": "1"}, "by": {"S": "first"}}));
    let text = told(&server, &["conflicts", "--table", "entity", "--region", AWAY]);
    assert!(text.starts_with("eu-west-1: 1 listed, 1 counted ever, 0 of them forgotten\n"), "{text}");
    assert!(text.contains("\"first\""), "{text}");
    let until = told(&server, &["conflicts", "--table", "entity", "--until", "10m", "--format", "json"]);
    assert_eq!(until, "", "nothing was discarded so long ago");

    let verified = told(&server, &["verify", "--table", "entity"]);
    assert!(verified.contains("equal"), "{verified}");
    let metrics = eventually("both writes to be acknowledged", || {
        let (status, metrics) = server.request("GET /metrics HTTP/1.1", "");
        assert_eq!(status, "HTTP/1.1 200 OK");
        let count =
            "milliseconds_count{region=\"us-east-1\",table=\"entity\",receiving_region=\"eu-west-1\"} 1\n";
        // What came from elsewhere is passed over with a heartbeat.
        let pending =
            "pending_changes{region=\"us-east-1\",table=\"entity\",receiving_region=\"eu-west-1\"} 0\n";
        (metrics.contains(count) && metrics.contains(pending)).then_some(metrics)
    });
    for line in [
        "# TYPE graticule_replication_latency_milliseconds histogram",
        "graticule_replication_latency_milliseconds_bucket{le=\"+Inf\",region=\"us-east-1\",table=\"entity\",receiving_region=\"eu-west-1\"} 1",
        "graticule_replication_pending_changes{region=\"us-east-1\",table=\"entity\",receiving_region=\"eu-west-1\"} 0",
        "graticule_replication_conflicts_total{region=\"eu-west-1\",table=\"entity\"} 1",
        "graticule_replication_conflicts_total{region=\"us-east-1\",table=\"entity\"} 0",
        "graticule_replication_link_up{region=\"us-east-1\",receiving_region=\"eu-west-1\"} 1",
        "graticule_replication_link_connects_total{region=\"us-east-1\",receiving_region=\"eu-west-1\"} 2",
        "graticule_requests_total{operation=\"PutItem\",status=\"200\"} 2",
        "graticule_replication_differing_keys{region=\"eu-west-1\",table=\"entity\",receiving_region=\"us-east-1\"} 0",
        "graticule_dials_set 0",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} is missing in {metrics}");
    }
}

#[test]
fn requests_fail_as_they_are_told_to() {
    let server = Running::start(&[
        "--in-memory",
        "--dial",
        "error=ThrottlingException:1:table=entity:operation=PutItem",
    ]);
    create(&server, "entity");
    create(&server, "other");
    let item = json!({"id": {"S": "1"}});
    let put =
        |table: &str| server.call(HOME, "PutItem", &json!({"TableName": table, "Item": item}).to_string());
    let (status, body) = put("entity");
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["__type"], "com.amazon.coral.availability#ThrottlingException");
    assert!(body["message"].as_str().unwrap().starts_with("Throughput exceeds the current capacity"));
    assert_eq!(put("other").0, "HTTP/1.1 200 OK");
    assert_eq!(reads(&server, HOME), None, "other operations go on");
    let set = told(
        &server,
        &[
            "dials",
            "set",
            "error=ThrottlingException:0:table=entity:operation=PutItem",
            "error=InternalServerError:1:region=eu-west-1",
        ],
    );
    assert_eq!(set, "error=InternalServerError:1:region=eu-west-1\n");
    assert_eq!(put("entity").0, "HTTP/1.1 200 OK");
    let (status, body) = server.call(AWAY, "ListTables", "{}");
    assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
    assert!(body.contains("InternalServerError"), "{body}");
    for (name, prefix) in [
        ("ProvisionedThroughputExceededException", "com.amazonaws.dynamodb.v20120810#"),
        ("RequestLimitExceeded", "com.amazonaws.dynamodb.v20120810#"),
    ] {
        told(&server, &["dials", "reset"]);
        told(&server, &["dials", "set", &format!("error={name}:1")]);
        let (status, body) = put("other");
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert!(body.contains(&format!("\"{prefix}{name}\"")), "{body}");
    }
    assert_eq!(told(&server, &["dials", "reset"]), "no dial is set\n");
    assert_eq!(put("other").0, "HTTP/1.1 200 OK");
}

#[test]
fn the_clock_of_a_region_can_be_set_apart() {
    let server = Running::start(&["--in-memory", "--dial", "clock=us-east-1:-7200000"]);
    create(&server, "entity");
    let created = |server: &Running| {
        let table = call(server, HOME, "DescribeTable", &json!({"TableName": "entity"}));
        table["Table"]["CreationDateTime"].as_f64().unwrap()
    };
    let behind = created(&server);
    told(&server, &["dials", "set", "clock=us-east-1:0"]);
    call(&server, HOME, "DeleteTable", &json!({"TableName": "entity"}));
    create(&server, "entity");
    let apart = created(&server) - behind;
    assert!((7200.0..7260.0).contains(&apart), "{apart}");
}

#[test]
fn a_server_that_others_can_reach_lets_in_only_the_token() {
    let mut token = tempfile::NamedTempFile::new().unwrap();
    writeln!(token, "a token of some length").unwrap();
    let mut wrong = tempfile::NamedTempFile::new().unwrap();
    writeln!(wrong, "a token of some other length").unwrap();
    let (token, wrong) = (token.path().to_str().unwrap(), wrong.path().to_str().unwrap());
    let open = ["--in-memory", "--insecure-listen", "--listen", "0.0.0.0:0"];
    let without = Running::start_with(&open);
    for command in [&["replicas"][..], &["dials", "show"], &["dials", "set", "cut=a:b"], &["dials", "reset"]]
    {
        let (code, out, err) = ask(&without, command);
        assert_eq!((code, out.as_str()), (6, ""), "{command:?}");
        assert!(err.contains("--admin-token-file"), "{err}");
    }
    let (status, body) = without.request("GET /metrics HTTP/1.1", "");
    assert_eq!(status, "HTTP/1.1 403 Forbidden");
    assert!(body.contains("--admin-token-file"), "{body}");

    let guarded = Running::start_with(&[&open[..], &["--admin-token-file", token]].concat());
    for arguments in [&["dials", "show"][..], &["dials", "show", "--token-file", wrong]] {
        let (code, out, err) = ask(&guarded, arguments);
        assert_eq!((code, out.as_str()), (6, ""), "{arguments:?}");
        assert!(err.contains("--token-file"), "{err}");
    }
    assert_eq!(told(&guarded, &["dials", "show", "--token-file", token]), "no dial is set\n");
    assert_eq!(guarded.request("GET /metrics HTTP/1.1", "").0, "HTTP/1.1 401 Unauthorized");
    let bearer = "GET /metrics HTTP/1.1\r\nAuthorization: Bearer a token of some length";
    assert_eq!(guarded.request(bearer, "").0, "HTTP/1.1 200 OK");
}

#[test]
fn what_goes_wrong_is_told_by_kind() {
    let server = Running::start(&["--in-memory"]);
    global_table(&server);
    let short = tempfile::NamedTempFile::new().unwrap();
    let short = short.path().to_str().unwrap();
    for (code, arguments, words) in [
        (2, &["conflicts"][..], "--table"),
        (2, &["dials", "set"], "DIAL"),
        (2, &["dials", "set", "cut=us-east-1"], "two Regions"),
        (2, &["conflicts", "--table", "entity", "--since", "yesterday"], "10m"),
        (2, &["replicas", "--token-file", short], "fewer than 16 bytes"),
        (7, &["replicas", "--region", "ap-south-1"], "ap-south-1 is not open here"),
        (7, &["conflicts", "--table", "nothing"], "no Region here has a replica"),
        (7, &["conflicts", "--table", "nothing", "--region", HOME], "Table: nothing not found"),
        (7, &["dials", "set", "delay=a:b:600001"], "at most 600000 ms"),
        (7, &["dials", "set", "error=Boom:1"], "Boom is no error"),
    ] {
        let (found, out, err) = ask(&server, arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
    for (code, endpoint, words) in [
        (5, "http://127.0.0.1:1", "cannot be reached"),
        (2, "https://127.0.0.1:1", "no endpoint"),
        (2, "127.0.0.1:8000", "no endpoint"),
    ] {
        let (found, out, err) = ask_at(endpoint, &["replicas"]);
        assert_eq!((found, out.as_str()), (code, ""), "{endpoint}: {err}");
        assert!(err.contains(words), "{err}");
    }
    for (request, status) in [
        ("GET /_graticule/replication?tabel=x HTTP/1.1", "400"),
        ("GET /_graticule/conflicts HTTP/1.1", "400"),
        ("GET /_graticule/conflicts?region=us-east-1&table=entity&limit=x HTTP/1.1", "400"),
        ("GET /_graticule/conflicts?region=us-east-1&table=entity&after=x HTTP/1.1", "400"),
        ("PUT /_graticule/dials HTTP/1.1", "404"),
        ("POST /metrics HTTP/1.1", "404"),
    ] {
        let (found, body) = server.request(request, "");
        assert!(found.contains(status), "{request}: {found} {body}");
    }
    for body in ["", "[]", "{\"Links\":[{\"From\":\"a\"}]}", "{\"Nothing\":1}"] {
        let (found, answer) = server.request("POST /_graticule/dials HTTP/1.1", body);
        assert!(found.contains("400") && answer.contains("these are no dials"), "{body}: {answer}");
    }
}

#[test]
fn help_of_every_command_shows_how() {
    for (command, words) in [
        (&["replicas", "--help"][..], "graticule replicas --table entity --watch"),
        (&["conflicts", "--help"], "--since 10m"),
        (&["dials", "--help"], "graticule dials set cut=us-east-1:eu-west-1"),
        (&["dials", "set", "--help"], "error=NAME:PROBABILITY"),
        (&["serve", "--help"], "--admin-token-file"),
    ] {
        let Output { status, stdout, .. } = Command::new(PROGRAM).args(command).output().unwrap();
        let text = String::from_utf8(stdout).unwrap();
        assert!(status.success() && text.contains(words), "{command:?}: {text}");
        assert!(text.contains("Exit codes:"), "{text}");
    }
}
