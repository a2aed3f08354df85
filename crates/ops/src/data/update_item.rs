//! UpdateItem.

use bytes::Bytes;
use graticule_expr::{ExpressionKind, Update};
use graticule_model::{Error, Item, codec::item_to_json};
use graticule_tables::{Action, ActionKind, StoredItem, Written};
use serde::Deserialize;

use super::{
    capacity::Detail,
    expressions::{Given, Names, RawValues, condition, placeholders, read_values},
    legacy::{self, Expected, Updates},
    return_values::{Metrics, OnFailure, ReturnValues, Wanted},
    stored_item,
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    table_name: String,
    #[serde(borrow)]
    key: RawAttributes<'a>,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    #[serde(borrow)]
    expression_attribute_values: Option<RawValues<'a>>,
    return_values: Option<ReturnValues>,
    return_values_on_condition_check_failure: Option<OnFailure>,
    return_consumed_capacity: Option<Detail>,
    return_item_collection_metrics: Option<Metrics>,
    #[serde(borrow)]
    attribute_updates: Option<Updates<'a>>,
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
    let update_text = request.update_expression.as_deref();
    let condition_text = request.condition_expression.as_deref();
    let given = Given {
        legacy: &[
            ("AttributeUpdates", request.attribute_updates.is_some()),
            ("Expected", request.expected.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
        ],
        expressions: &[
            ("UpdateExpression", update_text.is_some()),
            ("ConditionExpression", condition_text.is_some()),
        ],
        names: request.expression_attribute_names.is_some(),
        values: request.expression_attribute_values.is_some(),
    };
    given.check()?;
    let key = request.key.read()?;
    let updates = legacy::updates(request.attribute_updates)?;
    let expected = legacy::expected(request.expected, request.conditional_operator.as_deref())?;
    let values = read_values(request.expression_attribute_values)?;
    let mut placeholders = placeholders(request.expression_attribute_names, values)?;
    let update = update_text.map(|text| Update::parse(text, &mut placeholders)).transpose()?.or(updates);
    let condition = condition(ExpressionKind::Condition, condition_text, &mut placeholders)?.or(expected);
    placeholders.finish()?;

    let metrics_key = wanted.key_for_metrics(&key);
    let shows_updated = matches!(wanted.values, ReturnValues::UpdatedOld | ReturnValues::UpdatedNew);
    let shown = if shows_updated { update.clone() } else { None };
    let action = Action {
        condition,
        return_old_on_failure: wanted.on_failure == OnFailure::AllOld,
        ..Action::new(table_name.clone(), ActionKind::Update(key, update))
    };
    let written = context.region.write_one(action).await?;
    let attributes = image(wanted.values, &written, shown.as_ref())?;
    wanted.answer(&request.table_name, &written, attributes, metrics_key.as_ref())
}

/// The image that was asked for; `update` says what `UPDATED_OLD` and `UPDATED_NEW` show.
fn image(values: ReturnValues, written: &Written, update: Option<&Update>) -> Result<Option<Bytes>, Error> {
    let whole = |record: &Option<StoredItem>| record.as_ref().map(|record| record.json.clone());
    let updated = |record: &Option<StoredItem>, parts: fn(&Update, &Item) -> Item| {
        let (Some(record), Some(update)) = (record, update) else { return Ok(None) };
        let attributes = parts(update, &stored_item(record)?);
        // An answer without attributes has no such member.
        Ok((!attributes.is_empty()).then(|| Bytes::from(item_to_json(&attributes))))
    };
    match values {
        ReturnValues::None => Ok(None),
        ReturnValues::AllOld => Ok(whole(&written.old)),
        ReturnValues::AllNew => Ok(whole(&written.new)),
        ReturnValues::UpdatedOld => updated(&written.old, Update::updated_attributes),
        ReturnValues::UpdatedNew => updated(&written.new, Update::new_attributes),
    }
}
