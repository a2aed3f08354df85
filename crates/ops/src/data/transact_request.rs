//! The request of TransactWriteItems: its shape, and the fingerprint that tells one request from another.

use graticule_model::{Error, Item, TableName, codec::item_to_json};
use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use super::{
    capacity::Detail,
    expressions::{Names, RawValues},
    return_values::{Metrics, OnFailure},
};
use crate::{Context, parameters::RawAttributes};

/// The body of a request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request<'a> {
    #[serde(borrow)]
    transact_items: Vec<TransactItem<'a>>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<Detail>,
    return_item_collection_metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactItem<'a> {
    #[serde(borrow)]
    condition_check: Option<ActionParameters<'a>>,
    #[serde(borrow)]
    put: Option<ActionParameters<'a>>,
    #[serde(borrow)]
    delete: Option<ActionParameters<'a>>,
    #[serde(borrow)]
    update: Option<ActionParameters<'a>>,
}

/// The members of all four kinds of action.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ActionParameters<'a> {
    /// The table as the request calls it.
    pub(crate) table_name: String,
    #[serde(borrow)]
    item: Option<RawAttributes<'a>>,
    #[serde(borrow)]
    key: Option<RawAttributes<'a>>,
    /// Updates only.
    pub(crate) update_expression: Option<String>,
    /// Required of condition checks.
    pub(crate) condition_expression: Option<String>,
    /// `#x`
    pub(crate) expression_attribute_names: Option<Names>,
    /// `:v`
    #[serde(borrow)]
    pub(crate) expression_attribute_values: Option<RawValues<'a>>,
    return_values_on_condition_check_failure: Option<OnFailure>,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `ConditionCheck`
    Check,
    /// `Put`
    Put,
    /// `Delete`
    Delete,
    /// `Update`
    Update,
}

impl Verb {
    fn member(self) -> &'static str {
        match self {
            Verb::Check => "conditionCheck",
            Verb::Put => "put",
            Verb::Delete => "delete",
            Verb::Update => "update",
        }
    }
}

/// One action.
pub(crate) struct Given<'a> {
    /// What it does.
    pub(crate) verb: Verb,
    /// The table.
    pub(crate) table: TableName,
    /// The item of a put, the key of anything else.
    pub(crate) raw: RawAttributes<'a>,
    /// What a failed condition shows.
    pub(crate) on_failure: OnFailure,
    /// Its expressions.
    pub(crate) parameters: ActionParameters<'a>,
}

/// What concerns the transaction as a whole.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// Consumed capacity.
    pub(crate) detail: Detail,
    /// Item collection metrics.
    pub(crate) metrics: Metrics,
    /// `ClientRequestToken`
    pub(crate) token: Option<String>,
}

/// Takes a request apart.
///
/// # Errors
/// If one of its items is not exactly one action.
pub(crate) fn read_request<'a>(
    context: &Context,
    request: Request<'a>,
) -> Result<(Vec<Given<'a>>, Parameters), Error> {
    let parameters = Parameters {
        detail: request.return_consumed_capacity.unwrap_or_default(),
        metrics: request.return_item_collection_metrics.unwrap_or_default(),
        token: request.client_request_token,
    };
    let given = request.transact_items.into_iter().map(|item| action(context, item));
    Ok((given.collect::<Result<_, Error>>()?, parameters))
}

fn action<'a>(context: &Context, item: TransactItem<'a>) -> Result<Given<'a>, Error> {
    let not_one = || {
        let message = "TransactItems can only contain one of Check, Put, Update or Delete";
        Error::Validation(message.to_owned())
    };
    let members = [
        (Verb::Check, item.condition_check),
        (Verb::Put, item.put),
        (Verb::Delete, item.delete),
        (Verb::Update, item.update),
    ];
    let mut present = members.into_iter().filter_map(|(verb, parameters)| Some((verb, parameters?)));
    let (Some((verb, mut parameters)), None) = (present.next(), present.next()) else {
        return Err(not_one());
    };
    let raw = match verb {
        Verb::Put => parameters.item.take(),
        Verb::Check | Verb::Delete | Verb::Update => parameters.key.take(),
    };
    Ok(Given {
        verb,
        table: context.table_name(&parameters.table_name)?,
        // It is there in every request of the right shape.
        raw: raw.ok_or_else(not_one)?,
        on_failure: parameters.return_values_on_condition_check_failure.unwrap_or_default(),
        parameters,
    })
}

/// A hash of all that a transaction does, in a canonical form. It is stored, so it never changes.
#[derive(Default)]
pub(crate) struct Fingerprint(Xxh3);

impl Fingerprint {
    /// Takes in a part of known length, so that parts cannot run into each other.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Takes in the expressions of an action.
    pub(crate) fn expressions(
        &mut self,
        texts: [Option<&str>; 2],
        names: Option<&Names>,
        values: Option<&Item>,
        return_old_on_failure: bool,
    ) {
        for text in texts {
            self.part(text.unwrap_or_default().as_bytes());
        }
        self.part(&(names.map_or(0, Names::len) as u64).to_be_bytes());
        for (token, name) in names.into_iter().flatten() {
            self.part(token.as_bytes());
            self.part(name.as_bytes());
        }
        self.part(&values.map(item_to_json).unwrap_or_default());
        self.part(&[u8::from(return_old_on_failure)]);
    }

    /// Takes in what an action does.
    pub(crate) fn action(&mut self, verb: Verb, table: &TableName, attributes: &Item) {
        self.part(verb.member().as_bytes());
        self.part(table.as_str().as_bytes());
        self.part(&item_to_json(attributes));
    }

    /// The hash.
    pub(crate) fn finish(&self) -> u64 {
        self.0.digest()
    }
}
