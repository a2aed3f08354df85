//! What a signature must look like, and what is said about one that does not.

use graticule_server::Options;

use super::harness::{DATE, start};

const DATE_LINE: &str = "X-Amz-Date: 20260102T030405Z\r\n";

async fn outcome(server: &super::harness::Running, query: &str, lines: &str) -> (String, String) {
    let head =
        format!("POST /{query} HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.Echo\r\n{lines}");
    let answer = server.ask(head + "Content-Length: 2\r\n\r\n{}").await;
    if answer.status == 200 {
        let json = answer.json();
        return (json["region"].as_str().unwrap().into(), json["access_key"].as_str().unwrap().into());
    }
    assert_eq!(answer.status, 400);
    answer.error()
}

#[tokio::test]
async fn headers() {
    let server = start(Options::default());
    const INCOMPLETE: &str = "IncompleteSignatureException";
    const INVALID: &str = "InvalidSignatureException";
    const MISSING: (&str, &str) =
        ("MissingAuthenticationTokenException", "Request is missing Authentication Token");
    const REST: &str = "SignedHeaders=host, Signature=abc";
    let credential = |credential: &str| format!("AWS4-HMAC-SHA256 Credential={credential}, {REST}");
    let dated = |authorization: &str| format!("{DATE_LINE}Authorization: {authorization}\r\n");
    let rows = [
        (DATE_LINE.to_owned(), MISSING),
        (dated("Basic YTpi"), MISSING),
        (dated(&credential("AK/20260102/us-east-1/dynamodb/aws4_request")), ("us-east-1", "AK")),
        (
            dated(
                "AWS4-HMAC-SHA256 Credential=AK/20260102/local/dynamodb/aws4_request,SignedHeaders=,Signature=x",
            ),
            ("local", "AK"),
        ),
        (
            format!(
                "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\nAuthorization: {}\r\n",
                credential("AK/20260102/us-east-1/dynamodb/aws4_request")
            ),
            ("us-east-1", "AK"),
        ),
        (
            "Authorization: AWS4-HMAC-SHA256\r\n".to_owned(),
            (
                INCOMPLETE,
                "Authorization header requires 'Credential' parameter. \
                 Authorization header requires 'Signature' parameter. \
                 Authorization header requires 'SignedHeaders' parameter. \
                 Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
                 (Hashed with SHA-256 and encoded with Base64) \
                 Authorization=YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0=",
            ),
        ),
        (
            dated("AWS4-HMAC-SHA256 Credential"),
            (
                INCOMPLETE,
                "Invalid key=value pair (missing equal-sign) in Authorization header \
                 (hashed with SHA-256 and encoded with Base64): 'KfSoC26UaBDGXxo5AUFS45c1cmAbyLKDOxOTKcZYWt4='.",
            ),
        ),
        (
            format!(
                "X-Amz-Date: 201\r\nAuthorization: {}\r\n",
                credential("AK/20260102/us-east-1/dynamodb/aws4_request")
            ),
            (
                INCOMPLETE,
                "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
            ),
        ),
        (
            dated(&format!("AWS4-HMAC-SHA25 Credential=a/b/c/d, {REST}")),
            (INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "),
        ),
        (
            dated(&credential("a/b/c/d")),
            (
                INCOMPLETE,
                "Credential must have exactly 5 slash-delimited elements, \
                 e.g. keyid/date/region/service/term, got 'a/b/c/d'",
            ),
        ),
        (
            dated(&credential("AK/20260103//s3/aws5_request")),
            (
                INVALID,
                "Credential should be scoped to a valid region, not ''. \
                 Credential should be scoped to correct service: 'dynamodb'. \
                 Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. \
                 Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '20260103' != '20260102', from '20260102T030405Z'.",
            ),
        ),
        (
            dated(&credential("/20260102/us-east-1/dynamodb/aws4_request")),
            ("UnrecognizedClientException", "The security token included in the request is invalid."),
        ),
    ];
    for (lines, (first, second)) in rows {
        assert_eq!(outcome(&server, "", &lines).await, (first.to_owned(), second.to_owned()), "{lines}");
    }
}

#[tokio::test]
async fn presigned_query_strings() {
    let server = start(Options::default());
    let query = |credential: &str| {
        format!(
            "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={DATE}\
             &X-Amz-SignedHeaders=host&X-Amz-Signature=abc"
        )
    };
    let signed = query("AK%2F20260102%2Fus-east-1%2Fdynamodb%2Faws4_request");
    assert_eq!(outcome(&server, &signed, "").await, ("us-east-1".to_owned(), "AK".to_owned()));

    let (name, message) = outcome(&server, &signed, "Authorization: AWS4-HMAC-SHA256\r\n").await;
    assert_eq!(name, "InvalidSignatureException");
    assert_eq!(
        message,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    );

    let (name, message) = outcome(&server, "?X-Amz-Algorithm&X-Amz-Credential=a&X-Amz-Date=b", "").await;
    assert_eq!(name, "IncompleteSignatureException");
    assert_eq!(
        message,
        "AWS query-string parameters must include 'X-Amz-Algorithm'. \
         AWS query-string parameters must include 'X-Amz-Signature'. \
         AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
         Re-examine the query-string parameters."
    );

    let (name, _) = outcome(&server, &query("AK%2F20260102%2Fus-east-1%2Fs3%2Faws4_request"), "").await;
    assert_eq!(name, "InvalidSignatureException");
    let (name, _) = outcome(&server, &query("%zz%"), "").await;
    assert_eq!(name, "IncompleteSignatureException");
}
