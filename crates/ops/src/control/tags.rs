//! TagResource, UntagResource, ListTagsOfResource: labels of a table in this Region. Replicas do not share them.

use std::collections::{BTreeMap, BTreeSet};

use graticule_model::{Error, TableName, limits::TAGS_MAX};
use graticule_tables::{Table, schema::TableStatus};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::in_use;
use crate::{Context, parameters::parse, reply::Reply};

/// A tag in a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagInput {
    key: String,
    value: String,
}

fn has_tag_characters(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c))
}

/// Reads tags whose constraints are checked.
///
/// # Errors
/// If one cannot be a tag, comes twice, or there are too many.
pub(super) fn read_tags(inputs: &[TagInput]) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = BTreeMap::new();
    for input in inputs {
        let TagInput { key, value } = input;
        if !has_tag_characters(key) {
            return Err(Error::Validation(format!("The Tag Key provided is invalid, Key: {key}")));
        }
        if !has_tag_characters(value) {
            return Err(Error::Validation(format!("The Tag Value provided is invalid, Value: {value}")));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(Error::Validation(format!("Tag Key cannot be prefixed with aws:, Key: {key}")));
        }
        if tags.insert(key.clone(), value.clone()).is_some() {
            return Err(Error::Validation(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )));
        }
    }
    check_count(tags.len())?;
    Ok(tags)
}

fn check_count(count: usize) -> Result<(), Error> {
    if count <= TAGS_MAX {
        return Ok(());
    }
    Err(Error::Validation("Number of Tags exceed the current limit for the provided ResourceArn".to_owned()))
}

/// The table that a `ResourceArn` names, and how its absence is told.
struct Resource {
    table: TableName,
    missing: Error,
}

impl Resource {
    fn read(context: &Context, arn: &str) -> Result<Resource, Error> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        if parts[0] != "arn" {
            return Err(Error::Parameter(format!("ARNs must start with 'arn:': {arn}")));
        }
        let [_, _, "dynamodb", region, _, resource] = parts[..] else {
            return Err(Error::Parameter(format!("Provided Arn is not a DynamoDB resource arn: {arn}")));
        };
        if region != context.region.name().as_str() {
            return Err(Error::Validation(format!(
                "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
            )));
        }
        let missing =
            Error::OtherNotFound(format!("Requested resource not found: ResourceArn: {arn} not found"));
        let name = resource.strip_prefix("table/").filter(|name| !name.contains("/index/"));
        let Some(name) = name else {
            return Err(Error::Parameter(format!(
                "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
            )));
        };
        // A stream has no tags of its own; what cannot be a table's name cannot be found.
        match name.parse() {
            Ok(table) => Ok(Resource { table, missing }),
            Err(_) => Err(missing),
        }
    }

    /// The same error, naming the resource if it is missing.
    fn explain(&self, error: Error) -> Error {
        if error == Error::ResourceNotFound { self.missing.clone() } else { error }
    }

    /// Changes the table's tags.
    async fn change(
        &self,
        context: &Context,
        mut change: impl FnMut(&mut BTreeMap<String, String>) -> Result<(), Error> + Send,
    ) -> Result<Vec<u8>, Error> {
        let changed = context.region.update_table(&self.table, |table: &mut Table, _| {
            match table.status {
                TableStatus::Creating => return Err(Error::ResourceNotFound),
                TableStatus::Deleting => {
                    return Err(in_use(table, &format!("Table is being deleted: {}", table.name)));
                }
                TableStatus::Active => {}
            }
            change(&mut table.tags)
        });
        changed.await.map_err(|error| self.explain(error))?;
        Ok(Reply::new().finish())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagRequest {
    resource_arn: String,
    tags: Vec<TagInput>,
}

/// Answers TagResource.
///
/// # Errors
/// [`Error::OtherNotFound`], or what is wrong with the tags.
pub(crate) async fn tag_resource(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: TagRequest = parse(body)?;
    if request.tags.is_empty() {
        return Err(Error::Validation("Atleast one Tag needs to be provided as Input.".to_owned()));
    }
    let tags = read_tags(&request.tags)?;
    let resource = Resource::read(context, &request.resource_arn)?;
    let change = |stored: &mut BTreeMap<String, String>| {
        stored.extend(tags.clone());
        check_count(stored.len())
    };
    resource.change(context, change).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagRequest {
    resource_arn: String,
    tag_keys: Vec<String>,
}

/// Answers UntagResource.
///
/// # Errors
/// [`Error::OtherNotFound`], or what is wrong with the keys.
pub(crate) async fn untag_resource(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: UntagRequest = parse(body)?;
    let keys = &request.tag_keys;
    if keys.is_empty() {
        return Err(Error::Validation("Atleast one Tag Key needs to be provided as Input.".to_owned()));
    }
    if let Some(key) = keys.iter().find(|key| !has_tag_characters(key)) {
        return Err(Error::Validation(format!("The Tag Key provided is invalid, Key: {key}")));
    }
    let keys: BTreeSet<&String> = keys.iter().collect();
    let resource = Resource::read(context, &request.resource_arn)?;
    let change = |stored: &mut BTreeMap<String, String>| {
        stored.retain(|key, _| !keys.contains(key));
        Ok(())
    };
    resource.change(context, change).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    resource_arn: String,
    next_token: Option<IgnoredAny>,
}

/// Answers ListTagsOfResource: all tags at once, so there is never a token to go on with.
///
/// # Errors
/// [`Error::OtherNotFound`].
pub(crate) async fn list_tags_of_resource(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: ListRequest = parse(body)?;
    if request.next_token.is_some() {
        return Err(Error::Validation("Invalid NextToken provided as input".to_owned()));
    }
    let resource = Resource::read(context, &request.resource_arn)?;
    let table = context.region.table(&resource.table).await.map_err(|error| resource.explain(error))?;
    if table.status == TableStatus::Creating {
        return Err(resource.missing);
    }
    let tags: Vec<Value> =
        table.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let mut reply = Reply::new();
    reply.value("Tags", &tags);
    Ok(reply.finish())
}
