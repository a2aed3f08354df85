//! PutItem.

use graticule_expr::ExpressionKind;
use graticule_model::{Error, Item, TableName, value::check_item_size};
use graticule_tables::{Action, ActionKind};
use serde::Deserialize;

use super::{
    capacity::Detail,
    expressions::{Given, Names, RawValues, condition, placeholders, read_values},
    legacy::{self, Expected},
    return_values::{Metrics, OnFailure, ReturnValues, Wanted},
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
    reply::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    table_name: String,
    #[serde(borrow)]
    item: RawAttributes<'a>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    #[serde(borrow)]
    expression_attribute_values: Option<RawValues<'a>>,
    return_values: Option<ReturnValues>,
    return_values_on_condition_check_failure: Option<OnFailure>,
    return_consumed_capacity: Option<Detail>,
    return_item_collection_metrics: Option<Metrics>,
    #[serde(borrow)]
    expected: Option<Expected<'a>>,
    conditional_operator: Option<String>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let table_name = context.table_name(&request.table_name)?;
    let wanted = Wanted::new(
        request.return_values,
        request.return_values_on_condition_check_failure,
        request.return_consumed_capacity,
        request.return_item_collection_metrics,
    );
    let text = request.condition_expression.as_deref();
    let given = Given {
        legacy: &[
            ("Expected", request.expected.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
        ],
        expressions: &[("ConditionExpression", text.is_some())],
        names: request.expression_attribute_names.is_some(),
        values: request.expression_attribute_values.is_some(),
    };
    given.check()?;
    let item = request.item.read()?;
    wanted.refuse_updated_values()?;
    check_item_size(&item)?;
    let expected = legacy::expected(request.expected, request.conditional_operator.as_deref())?;
    let values = read_values(request.expression_attribute_values)?;
    let mut placeholders = placeholders(request.expression_attribute_names, values)?;
    let condition = condition(ExpressionKind::Condition, text, &mut placeholders)?.or(expected);
    placeholders.finish()?;

    let key = wanted.key_for_metrics(&item);
    let action = Action {
        condition,
        return_old_on_failure: wanted.on_failure == OnFailure::AllOld,
        ..Action::new(table_name.clone(), ActionKind::Put(item))
    };
    let written = context.region.write_one(action).await?;
    let old = written.old.as_ref().filter(|_| wanted.values == ReturnValues::AllOld);
    wanted.answer(&request.table_name, &written, old.map(|record| record.json.clone()), key.as_ref())
}

/// A put without conditions that answers with nothing.
pub(crate) async fn plain(context: &Context, table_name: TableName, item: Item) -> Result<Vec<u8>, Error> {
    check_item_size(&item)?;
    context.region.write_one(Action::new(table_name, ActionKind::Put(item))).await?;
    Ok(Reply::new().finish())
}
