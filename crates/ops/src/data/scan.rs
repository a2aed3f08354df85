//! Scan.

use graticule_expr::ExpressionKind;
use graticule_model::Error;
use graticule_tables::{Direction, Span};
use serde::Deserialize;

use super::{
    capacity::Detail,
    expressions::{Given, Names, RawValues, condition, placeholders, projection, read_values},
    legacy::{self, Conditions},
    page::{PageParameters, Reading, Select, Source, start_key, start_key_invalid},
};
use crate::{
    Context,
    parameters::{RawAttributes, parse},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    table_name: String,
    index_name: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<Names>,
    #[serde(borrow)]
    expression_attribute_values: Option<RawValues<'a>>,
    select: Option<Select>,
    limit: Option<usize>,
    consistent_read: Option<bool>,
    segment: Option<u32>,
    total_segments: Option<u32>,
    #[serde(borrow)]
    exclusive_start_key: Option<RawAttributes<'a>>,
    return_consumed_capacity: Option<Detail>,
    attributes_to_get: Option<Vec<String>>,
    #[serde(borrow)]
    scan_filter: Option<Conditions<'a>>,
    conditional_operator: Option<String>,
}

pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request<'_> = parse(body)?;
    let table_name = context.table_name(&request.table_name)?;
    let parameters = PageParameters {
        index: request.index_name,
        select: request.select,
        limit: request.limit,
        consistent: request.consistent_read.unwrap_or(false),
        detail: request.return_consumed_capacity.unwrap_or_default(),
    };
    let projection_text = request.projection_expression.as_deref();
    let filter_text = request.filter_expression.as_deref();
    let given = Given {
        legacy: &[
            ("AttributesToGet", request.attributes_to_get.is_some()),
            ("ScanFilter", request.scan_filter.is_some()),
            ("ConditionalOperator", request.conditional_operator.is_some()),
        ],
        expressions: &[
            ("ProjectionExpression", projection_text.is_some()),
            ("FilterExpression", filter_text.is_some()),
        ],
        names: request.expression_attribute_names.is_some(),
        values: request.expression_attribute_values.is_some(),
    };
    given.check()?;
    let attributes = legacy::projection(request.attributes_to_get.as_deref())?;
    let legacy_filter = legacy::filter(request.scan_filter, request.conditional_operator.as_deref())?;
    let after = start_key(request.exclusive_start_key)?;
    let values = read_values(request.expression_attribute_values)?;
    let mut placeholders = placeholders(request.expression_attribute_names, values)?;
    let filter = condition(ExpressionKind::Filter, filter_text, &mut placeholders)?.or(legacy_filter);
    let projection = projection(projection_text, &mut placeholders)?.or(attributes);
    placeholders.finish()?;
    let (segment, total) = segment(request.segment, request.total_segments)?;
    parameters.check_select(given.projection())?;

    let table = context.region.active_table(&table_name).await?;
    let source = Source::find(&table, parameters.index.as_deref())?;
    let reading =
        Reading { context, table: &table, source, parameters: &parameters, projection, filter, after };
    let whole_items = reading.check_index()?;
    if let Some(after) = &reading.after {
        // Where an index is read, the service does not say what it misses.
        let misfit = match parameters.index {
            None => start_key_invalid(Error::KeySchemaMismatch),
            Some(_) => Error::StartKeyInvalid,
        };
        source.check_start_key(after, misfit)?;
    }
    let outside = || {
        start_key_invalid(format_args!(
            "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: {total} Segment: {segment}"
        ))
    };
    let span = Span::Segment { segment, total };
    reading.answer(&request.table_name, span, Direction::Forward, whole_items, outside).await
}

/// The segment to read and how many there are.
fn segment(segment: Option<u32>, total: Option<u32>) -> Result<(u32, u32), Error> {
    let message = match (segment, total) {
        (None, None) => return Ok((0, 1)),
        (Some(segment), Some(total)) if segment < total => return Ok((segment, total)),
        (Some(segment), Some(total)) => format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
        ),
        (None, Some(_)) => {
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
                .to_owned()
        }
        (Some(_), None) => {
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
                .to_owned()
        }
    };
    Err(Error::Validation(message))
}
