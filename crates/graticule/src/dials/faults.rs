//! Errors on purpose: requests that fail as they do on the service now and then, before anything is done for them.
//!
//! A request is refused as a whole: a batch of which one table is meant fails, it does not come back in part. The body of
//! a request is looked into only while a rule names a table. Not every request names its tables: `GetRecords` has only an
//! iterator, so no rule with a table meets it.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use graticule_env::Env;
use graticule_model::{Error, RegionName, TableName, error::Injected};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DialError;

/// Which requests fail, how, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct FaultRule {
    /// The exception's name.
    pub(crate) error: String,
    /// How often, from 0 (never: takes the rule away) to 1 (always).
    pub(crate) probability: f64,
    /// Requests that name this table; all if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<TableName>,
    /// Requests of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<String>,
    /// Requests of this Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<RegionName>,
}

impl FaultRule {
    fn is_about_the_same(&self, other: &FaultRule) -> bool {
        self.error == other.error
            && self.table == other.table
            && self.operation == other.operation
            && self.region == other.region
    }
}

/// The rules with `changes` made to them.
pub(super) fn changed(mut rules: Vec<FaultRule>, changes: &[FaultRule]) -> Result<Vec<FaultRule>, DialError> {
    for change in changes {
        if !(0.0..=1.0).contains(&change.probability) {
            return Err(DialError::Probability(change.probability));
        }
        if change.error.parse::<Injected>().is_err() {
            return Err(DialError::UnknownError(change.error.clone()));
        }
        rules.retain(|rule| !rule.is_about_the_same(change));
        if change.probability > 0.0 {
            rules.push(change.clone());
        }
    }
    Ok(rules)
}

/// The rules that are in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    on: AtomicBool,
    rules: RwLock<Vec<FaultRule>>,
}

impl Faults {
    /// Whether there are any.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<FaultRule> {
        self.rules.read().clone()
    }

    pub(super) fn set(&self, rules: Vec<FaultRule>) {
        let mut current = self.rules.write();
        *current = rules;
        self.on.store(!current.is_empty(), Ordering::Relaxed);
    }

    /// The error that strikes a request, if one does.
    pub(crate) fn strike(
        &self,
        env: &Env,
        region: &RegionName,
        operation: &str,
        body: &[u8],
    ) -> Option<Error> {
        if !self.is_on() {
            return None;
        }
        let rules = self.rules.read();
        let mut named = None;
        for rule in rules.iter() {
            let meant = rule.region.as_ref().is_none_or(|meant| meant == region)
                && rule.operation.as_ref().is_none_or(|meant| meant == operation)
                && rule.table.as_ref().is_none_or(|meant| {
                    named.get_or_insert_with(|| tables_named(body)).contains(meant.as_str())
                });
            // 53 bits: as many as a float tells apart.
            let lot = (env.random_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            if meant && lot < rule.probability {
                return rule.error.parse().ok().map(Error::Injected);
            }
        }
        None
    }
}

/// The tables that a request names, wherever its operation has them.
fn tables_named(body: &[u8]) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let Ok(request) = serde_json::from_slice::<Value>(body) else { return named };
    let mut note = |reference: Option<&str>| named.extend(reference.map(table_of));
    for member in ["TableName", "ResourceArn", "StreamArn", "GlobalTableName"] {
        note(request[member].as_str());
    }
    for table in request["RequestItems"].as_object().into_iter().flat_map(|tables| tables.keys()) {
        note(Some(table));
    }
    let actions = request["TransactItems"].as_array().into_iter().flatten();
    for action in actions.filter_map(Value::as_object).flat_map(|action| action.values()) {
        note(action["TableName"].as_str());
    }
    note(request["Statement"].as_str().and_then(table_of_statement));
    for member in ["Statements", "TransactStatements"] {
        for statement in request[member].as_array().into_iter().flatten() {
            note(statement["Statement"].as_str().and_then(table_of_statement));
        }
    }
    named
}

/// The table's name in a name or an ARN.
fn table_of(reference: &str) -> String {
    let name = reference.split_once(":table/").map_or(reference, |(_, rest)| rest);
    name.split('/').next().unwrap_or(name).to_owned()
}

/// The name after the word that a table follows in PartiQL, with or without quotes.
fn table_of_statement(statement: &str) -> Option<&str> {
    let mut words = statement.split_ascii_whitespace();
    words.find(|word| ["FROM", "INTO", "UPDATE"].iter().any(|it| word.eq_ignore_ascii_case(it)))?;
    let word = words.next()?;
    match word.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => word.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> FaultRule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn tables_are_found_in_every_kind_of_request() {
        for (body, tables) in [
            (r#"{"TableName":"orders"}"#, &["orders"][..]),
            (r#"{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/orders"}"#, &["orders"]),
            (
                r#"{"StreamArn":"arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026"}"#,
                &["orders"],
            ),
            (r#"{"RequestItems":{"orders":[],"users":[]}}"#, &["orders", "users"]),
            (
                r#"{"TransactItems":[{"Put":{"TableName":"orders"}},{"ConditionCheck":{"TableName":"users"}}]}"#,
                &["orders", "users"],
            ),
            (r#"{"Statement":"SELECT * FROM \"orders\".\"by-day\" WHERE id = 'FROM users'"}"#, &["orders"]),
            (r#"{"Statement":"insert into orders value {'id': '1'}"}"#, &["orders"]),
            (r#"{"Statements":[{"Statement":"UPDATE \"users\" SET a = 1"}]}"#, &["users"]),
            (r#"{"TransactStatements":[{"Statement":"DELETE FROM \"users\" WHERE id = '1'"}]}"#, &["users"]),
            // What a client stores names nothing.
            (r#"{"TableName":"orders","Item":{"TableName":{"S":"users"}}}"#, &["orders"]),
            (r#"{"TransactItems":[7,{"Put":3}],"RequestItems":[],"Statements":{}}"#, &[]),
            ("no JSON", &[]),
        ] {
            let expected: BTreeSet<String> = tables.iter().map(|table| (*table).to_owned()).collect();
            assert_eq!(tables_named(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_rule_meets_what_it_names_as_often_as_it_says() {
        let (env, faults) = (Env::real(), Faults::default());
        let (here, there) = ("us-east-1".parse().unwrap(), "eu-west-1".parse().unwrap());
        let body = br#"{"TableName":"orders"}"#;
        assert_eq!(faults.strike(&env, &here, "PutItem", body), None);
        faults.set(vec![rule(
            r#"{"Error":"ThrottlingException","Probability":1,"Table":"orders","Operation":"PutItem","Region":"us-east-1"}"#,
        )]);
        let struck = Some(Error::Injected(Injected::Throttling));
        assert_eq!(faults.strike(&env, &here, "PutItem", body), struck);
        assert_eq!(faults.strike(&env, &there, "PutItem", body), None);
        assert_eq!(faults.strike(&env, &here, "GetItem", body), None);
        assert_eq!(faults.strike(&env, &here, "PutItem", br#"{"TableName":"users"}"#), None);
        faults.set(vec![rule(r#"{"Error":"InternalServerError","Probability":0.5}"#)]);
        let struck = (0..1000).filter(|_| faults.strike(&env, &here, "Scan", b"{}").is_some()).count();
        // Beyond ten standard deviations.
        assert!((340..=660).contains(&struck), "{struck}");
    }

    #[test]
    fn a_rule_takes_the_place_of_its_like_and_never_takes_it_away() {
        let one = rule(r#"{"Error":"ThrottlingException","Probability":0.5,"Table":"orders"}"#);
        let rules = changed(Vec::new(), std::slice::from_ref(&one)).unwrap();
        let more = FaultRule { probability: 0.9, ..one.clone() };
        let other = FaultRule { table: None, ..one.clone() };
        let rules = changed(rules, &[more.clone(), other.clone()]).unwrap();
        assert_eq!(rules, [more, other.clone()]);
        let rules = changed(rules, &[FaultRule { probability: 0.0, ..one }]).unwrap();
        assert_eq!(rules, [other]);
    }
}
