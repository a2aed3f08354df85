//! Names and ARNs.

use graticule_model::{
    IndexName, RegionName, TableName,
    names::{index_arn, parse_stream_arn, parse_table_reference, stream_arn, table_arn},
};

#[test]
fn table_names() {
    for good in ["abc", "a.b", "A-_9", &"x".repeat(255)] {
        assert!(good.parse::<TableName>().is_ok(), "{good}");
    }
    let error = "a!".parse::<TableName>().unwrap_err().to_string();
    assert_eq!(
        error,
        "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a!' at 'tableName' failed to satisfy constraint: Member \
         must have length greater than or equal to 3"
    );
    for bad in ["", "ab", "a b c", "täbel", &"x".repeat(256)] {
        assert!(bad.parse::<TableName>().is_err(), "{bad}");
    }
}

#[test]
fn region_names() {
    for good in ["us-east-1", "ap-northeast-1", "local", "us-gov-west-1"] {
        assert!(good.parse::<RegionName>().is_ok(), "{good}");
    }
    for bad in ["", "US-EAST-1", "us east", "../etc", "1a", &"a".repeat(33)] {
        assert!(bad.parse::<RegionName>().is_err(), "{bad}");
    }
}

#[test]
fn arns_are_read_back() {
    let region: RegionName = "eu-west-1".parse().unwrap();
    let table: TableName = "orders".parse().unwrap();
    let index: IndexName = "by-day".parse().unwrap();
    let arn = table_arn(&region, &table);
    assert_eq!(arn, "arn:aws:dynamodb:eu-west-1:000000000000:table/orders");
    assert_eq!(index_arn(&region, &table, &index), format!("{arn}/index/by-day"));
    assert_eq!(parse_table_reference(&arn, &region).unwrap(), table);
    assert_eq!(parse_table_reference("orders", &region).unwrap(), table);
    assert!(parse_table_reference(&arn.replace("eu-west-1", "us-east-1"), &region).is_err());
    assert!(parse_table_reference("arn:aws:s3:::bucket", &region).is_err());
    let stream = stream_arn(&region, &table, "2026-01-01T00:00:00.000");
    assert_eq!(parse_stream_arn(&stream).unwrap(), (table, "2026-01-01T00:00:00.000".to_owned()));
    assert!(parse_stream_arn(&arn).is_err());
}
