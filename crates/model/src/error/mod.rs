//! Every error that a client can see: one variant per cause, its wording, and the table that gives it a code.
//!
//! Wordings are the live service's own, with its typing slips, where they are known.

mod absent;
mod expression;
mod injected;
mod legacy;
mod partiql;
mod throttling;

use serde_json::{Value, json};

pub use absent::Absent;
pub use expression::{ExpressionError, ExpressionKind};
pub use injected::Injected;
pub use legacy::LegacyError;
pub use partiql::{Location, PartiqlError, SyntaxError};
pub use throttling::{CapacityKind, CapacityLimit, Throttling};

use crate::value::Item;

/// An item to be inserted is there already.
const DUPLICATE_ITEM: &str = "Duplicate primary key exists in table";

/// Why one action of a transaction stood in its way, or did not.
#[derive(Debug, Clone, PartialEq)]
pub enum CancellationReason {
    /// This action was not at fault.
    None,
    /// Its condition did not hold; carries the stored item if the action asked for it.
    ConditionalCheckFailed(Option<Item>),
    /// It was to insert an item that is there; carries the stored item if the statement asked for it.
    DuplicateItem(Option<Item>),
    /// It was not valid for the stored item.
    Validation(String),
    /// The item was being written by someone else.
    TransactionConflict,
    /// Its item collection would have become larger than it may be.
    CollectionTooLarge,
    /// Its table or an index had no capacity left.
    Throttled(Throttling),
}

impl CancellationReason {
    fn code(&self) -> &'static str {
        match self {
            CancellationReason::None => "None",
            CancellationReason::ConditionalCheckFailed(_) => "ConditionalCheckFailed",
            CancellationReason::DuplicateItem(_) => "DuplicateItem",
            CancellationReason::Validation(_) => "ValidationError",
            CancellationReason::TransactionConflict => "TransactionConflict",
            CancellationReason::CollectionTooLarge => "ItemCollectionSizeLimitExceeded",
            CancellationReason::Throttled(throttling) => throttling.code(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            CancellationReason::None => json!({"Code": "None"}),
            CancellationReason::ConditionalCheckFailed(item) => {
                let mut reason = json!({"Code": self.code(), "Message": "The conditional request failed"});
                if let Some(item) = item {
                    reason["Item"] = crate::codec::item_to_value(item);
                }
                reason
            }
            CancellationReason::DuplicateItem(item) => {
                let mut reason = json!({"Code": self.code(), "Message": DUPLICATE_ITEM});
                if let Some(item) = item {
                    reason["Item"] = crate::codec::item_to_value(item);
                }
                reason
            }
            CancellationReason::Validation(message) => json!({"Code": self.code(), "Message": message}),
            CancellationReason::TransactionConflict => {
                json!({"Code": self.code(), "Message": "Transaction is ongoing for the item."})
            }
            CancellationReason::CollectionTooLarge => {
                json!({"Code": self.code(), "Message": Error::CollectionTooLarge.to_string()})
            }
            CancellationReason::Throttled(throttling) => {
                json!({"Code": self.code(), "Message": throttling.message()})
            }
        }
    }
}

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    // --- the envelope: protocol, signature, shapes
    /// The body is not JSON, or a member has the wrong JSON type.
    #[error("{0}")]
    Serialization(String),
    /// No such operation.
    #[error("")]
    UnknownOperation,
    /// No signature at all.
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// A signature that cannot be read.
    #[error("{0}")]
    IncompleteSignature(String),
    /// A signature that names nobody.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// A signature for something else than this server.
    #[error("{0}")]
    InvalidSignature(String),
    /// The request may not be made here.
    #[error("{0}")]
    AccessDenied(String),
    /// The body is larger than the server takes.
    #[error("The request payload is larger than {limit_bytes} bytes")]
    RequestTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Members that break the constraints of the service model, all of them.
    #[error("{count} validation error{s} detected: {list}", count = .0.len(), s = if .0.len() == 1 { "" } else { "s" }, list = .0.join("; "))]
    Constraints(Vec<String>),
    /// Any other invalid input whose wording needs nothing but the words.
    #[error("{0}")]
    Validation(String),
    /// Input refused with the common opening words.
    #[error("One or more parameter values were invalid: {0}")]
    Parameter(String),

    // --- values
    /// Not a number at all.
    #[error("The parameter cannot be converted to a numeric value{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    NumberInvalid(String),
    /// More than 38 significant digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    NumberTooPrecise,
    /// Too large.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    NumberOverflow,
    /// Too close to zero.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    NumberUnderflow,
    /// An attribute value without a type.
    #[error("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")]
    ValueEmpty,
    /// An attribute value with several types.
    #[error(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )]
    ValueAmbiguous,
    /// `{"NULL": false}`.
    #[error(
        "One or more parameter values were invalid: Null attribute value types must have the value of true"
    )]
    NullNotTrue,
    /// A set without elements; carries its type.
    #[error("One or more parameter values were invalid: {}", match *.0 { "SS" => "An string set  may not be empty", "NS" => "An number set  may not be empty", _ => "Binary sets should not be empty" })]
    SetEmpty(&'static str),
    /// A set of strings with an element twice; carries the elements as given.
    #[error("One or more parameter values were invalid: Input collection [{0}] contains duplicates.")]
    StringSetDuplicates(String),
    /// A set of numbers with an element twice.
    #[error("Input collection contains duplicates")]
    NumberSetDuplicates,
    /// A set of binaries with an element twice; carries the elements as given, in base64.
    #[error(
        "One or more parameter values were invalid: Input collection [{0}]of type BS contains duplicates."
    )]
    BinarySetDuplicates(String),
    /// An attribute without a name.
    #[error("One or more parameter values were invalid: Attribute names must have at least one character")]
    AttributeNameEmpty,
    /// An attribute name over 65,535 bytes, wherever it stands.
    #[error("1 validation error detected: Attribute name is too large, must be less than 65536 bytes")]
    AttributeNameTooLong,
    /// Lists and maps too deep.
    #[error(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    )]
    NestingTooDeep,
    /// An item over 400 KB.
    #[error("Item size has exceeded the maximum allowed size")]
    ItemTooLarge,
    /// An item that an update would make larger than 400 KB.
    #[error("Item size to update has exceeded the maximum allowed size")]
    UpdatedItemTooLarge,

    // --- keys
    /// The item lacks a key attribute.
    #[error("One or more parameter values were invalid: Missing the key {0} in the item")]
    KeyMissing(String),
    /// A key attribute of the wrong type.
    #[error(
        "One or more parameter values were invalid: Type mismatch for key {name} expected: {expected} actual: {actual}"
    )]
    KeyTypeMismatch {
        /// The attribute.
        name: String,
        /// The type in the key schema.
        expected: &'static str,
        /// The type given.
        actual: &'static str,
    },
    /// The `Key` parameter does not fit the key schema.
    #[error("The provided key element does not match the schema")]
    KeySchemaMismatch,
    /// An empty key value.
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
    )]
    KeyEmpty {
        /// The attribute.
        name: String,
        /// `string` or `binary`.
        kind: &'static str,
    },
    /// An index key attribute of the wrong type.
    #[error(
        "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {expected} Actual: {actual} IndexName: {index}"
    )]
    IndexKeyTypeMismatch {
        /// The attribute.
        name: String,
        /// The index.
        index: String,
        /// The type in the key schema.
        expected: &'static str,
        /// The type given.
        actual: &'static str,
    },
    /// An empty index key value.
    #[error(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. IndexName: {index}, IndexKey: {name}"
    )]
    IndexKeyEmpty {
        /// The attribute.
        name: String,
        /// The index.
        index: String,
        /// `string` or `binary`.
        kind: &'static str,
    },
    /// An update gives an index key attribute an empty value; `string` or `binary`.
    #[error(
        "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty {0} value."
    )]
    IndexKeyUpdatedEmpty(&'static str),
    /// An update leaves an index key attribute with the wrong type.
    #[error("The update expression attempted to update the secondary index key to unsupported type")]
    IndexKeyUpdatedType,
    /// An update leaves an index key that is too long.
    #[error("The update expression attempted to update the secondary index key beyond allowed size limits")]
    IndexKeyUpdatedSize,
    /// A partition key over 2048 bytes.
    #[error(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )]
    PartitionKeyTooLong,
    /// A sort key over 1024 bytes.
    #[error(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    )]
    SortKeyTooLong,
    /// An update expression names a key attribute.
    #[error(
        "One or more parameter values were invalid: Cannot update attribute {0}. This attribute is part of the key"
    )]
    KeyUpdated(String),

    // --- expressions
    /// An expression that cannot be used; says which parameter it came in.
    #[error("{}", expression::render(.0, .1))]
    Expression(ExpressionKind, ExpressionError),
    /// An update expression that does not fit the stored item.
    #[error("{0}")]
    UpdateNotApplicable(ExpressionError),
    /// A parameter from before there were expressions that cannot be used.
    #[error("{0}")]
    Legacy(LegacyError),

    /// A value of `ExpressionAttributeValues` that is none.
    #[error("ExpressionAttributeValues contains invalid value: {cause} for key {token}")]
    PlaceholderValueInvalid {
        /// The placeholder.
        token: String,
        /// What is wrong.
        cause: Box<Error>,
    },

    // --- data operations
    /// PutItem and DeleteItem have no updated values to return.
    #[error("ReturnValues can only be ALL_OLD or NONE")]
    ReturnValuesNotThere,
    /// The condition did not hold; carries the stored item if the request asked for it.
    #[error("The conditional request failed")]
    ConditionalCheckFailed(Option<Item>),
    /// A PartiQL statement that cannot be executed.
    #[error("{0}")]
    Partiql(PartiqlError),
    /// An item to be inserted is there already.
    #[error("{DUPLICATE_ITEM}")]
    DuplicateItem,
    /// A write would make an item collection larger than it may be.
    #[error("Collection size exceeded.")]
    CollectionTooLarge,
    /// A transaction did not go through.
    #[error("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", .0.iter().map(CancellationReason::code).collect::<Vec<_>>().join(", "))]
    TransactionCanceled(Vec<CancellationReason>),
    /// A ClientRequestToken came again with another request.
    #[error(
        "An error occurred (IdempotentParameterMismatchException): The request uses the same client token as a previous, but non-identical request."
    )]
    IdempotentParameterMismatch,
    /// A table or an index has no capacity left.
    #[error("{}", .0.message())]
    Throttled(Throttling),
    /// A write of one item that a transaction is writing, or reading in a condition, at the same time.
    #[error("Transaction is ongoing for the item")]
    TransactionConflict,
    /// A ClientRequestToken whose transaction is still under way.
    #[error("The transaction with the given request token is already in progress.")]
    TransactionInProgress,
    /// An exclusive start key that no page of this request can have ended with.
    #[error("The provided starting key is invalid")]
    StartKeyInvalid,
    /// A `Select` that leaves nothing to choose, together with a choice of attributes.
    #[error("Cannot specify the {projection} when choosing to get {select}")]
    SelectWithProjection {
        /// The parameter that chooses.
        projection: &'static str,
        /// What `Select` asks for.
        select: &'static str,
    },
    /// No such index on the table.
    #[error("The table does not have the specified index: {0}")]
    IndexMissing(String),
    /// The index is still being filled.
    #[error("Cannot read from backfilling global secondary index: {0}")]
    IndexBackfilling(String),

    // --- tables
    /// A data operation on a missing table.
    #[error("Requested resource not found")]
    ResourceNotFound,
    /// An operation on a missing table that names it.
    #[error("Requested resource not found: Table: {0} not found")]
    TableNotFound(String),
    /// A missing resource that is no table.
    #[error("{0}")]
    OtherNotFound(String),
    /// DescribeContinuousBackups and its kin have an error of their own for a missing table.
    #[error("Table not found: {0}")]
    BackupTableNotFound(String),
    /// A thing that is not there and has an exception of its own.
    #[error("{0}")]
    Absent(Absent),
    /// CreateTable for an existing table.
    #[error("Table already exists: {0}")]
    TableExists(String),
    /// The resource is busy.
    #[error("{0}")]
    ResourceInUse(String),
    /// A limit on concurrent or counted things.
    #[error("{0}")]
    LimitExceeded(String),
    /// DeleteTable on a protected table.
    #[error(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    )]
    DeletionProtected,

    // --- streams
    /// A shard iterator older than 15 minutes.
    #[error("The provided iterator exceeds the maximum age allowed.")]
    ExpiredIterator,
    /// A position whose records are gone.
    #[error("The data you are trying to access has been trimmed")]
    TrimmedDataAccess,

    // --- the server's own troubles
    /// One that somebody asked for, to see what an application does with it.
    #[error("{}", .0.message())]
    Injected(Injected),
    /// Something failed that the client cannot mend; the log says what.
    #[error("{0}")]
    Internal(String),
}

/// How an error travels: HTTP status, the prefix and name of `__type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// HTTP status.
    pub status: u16,
    /// What stands before `#` in `__type`.
    pub namespace: &'static str,
    /// The exception's name.
    pub name: &'static str,
}

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810";
const CORAL_AVAILABILITY: &str = "com.amazon.coral.availability";
const CORAL_SERVICE: &str = "com.amazon.coral.service";
const CORAL_VALIDATE: &str = "com.amazon.coral.validate";

impl From<LegacyError> for Error {
    fn from(error: LegacyError) -> Error {
        Error::Legacy(error)
    }
}

impl From<PartiqlError> for Error {
    fn from(error: PartiqlError) -> Error {
        Error::Partiql(error)
    }
}

impl Error {
    /// The error's code, status and namespace: the one table.
    pub fn envelope(&self) -> Envelope {
        let (status, namespace, name) = match self {
            Error::Serialization(_) => (400, CORAL_SERVICE, "SerializationException"),
            Error::UnknownOperation => (400, CORAL_SERVICE, "UnknownOperationException"),
            Error::MissingAuthenticationToken => (400, CORAL_SERVICE, "MissingAuthenticationTokenException"),
            Error::IncompleteSignature(_) => (400, CORAL_SERVICE, "IncompleteSignatureException"),
            Error::UnrecognizedClient => (400, CORAL_SERVICE, "UnrecognizedClientException"),
            Error::InvalidSignature(_) => (400, CORAL_SERVICE, "InvalidSignatureException"),
            Error::AccessDenied(_) => (400, CORAL_SERVICE, "AccessDeniedException"),
            Error::RequestTooLarge { .. } => (413, CORAL_SERVICE, "RequestEntityTooLargeException"),
            Error::ConditionalCheckFailed(_) => (400, DYNAMODB, "ConditionalCheckFailedException"),
            Error::DuplicateItem => (400, DYNAMODB, "DuplicateItemException"),
            Error::TransactionCanceled(_) => (400, DYNAMODB, "TransactionCanceledException"),
            Error::IdempotentParameterMismatch => (400, DYNAMODB, "IdempotentParameterMismatchException"),
            Error::Throttled(throttling) => match throttling.limit {
                CapacityLimit::Provisioned => (400, DYNAMODB, "ProvisionedThroughputExceededException"),
                CapacityLimit::OnDemandMaximum => (400, CORAL_AVAILABILITY, "ThrottlingException"),
            },
            Error::CollectionTooLarge => (400, DYNAMODB, "ItemCollectionSizeLimitExceededException"),
            Error::TransactionConflict => (400, DYNAMODB, "TransactionConflictException"),
            Error::TransactionInProgress => (400, DYNAMODB, "TransactionInProgressException"),
            Error::ResourceNotFound | Error::TableNotFound(_) | Error::OtherNotFound(_) => {
                (400, DYNAMODB, "ResourceNotFoundException")
            }
            Error::BackupTableNotFound(_) => (400, DYNAMODB, "TableNotFoundException"),
            Error::Absent(absent) => (400, DYNAMODB, absent.exception()),
            Error::TableExists(_) | Error::ResourceInUse(_) => (400, DYNAMODB, "ResourceInUseException"),
            Error::LimitExceeded(_) => (400, DYNAMODB, "LimitExceededException"),
            Error::ExpiredIterator => (400, DYNAMODB, "ExpiredIteratorException"),
            Error::TrimmedDataAccess => (400, DYNAMODB, "TrimmedDataAccessException"),
            Error::Injected(Injected::Throttling) => (400, CORAL_AVAILABILITY, "ThrottlingException"),
            Error::Injected(Injected::InternalServerError) => (500, DYNAMODB, "InternalServerError"),
            Error::Injected(injected) => (400, DYNAMODB, injected.name()),
            Error::Internal(_) => (500, DYNAMODB, "InternalServerError"),
            _ => (400, CORAL_VALIDATE, "ValidationException"),
        };
        Envelope { status, namespace, name }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let envelope = self.envelope();
        let mut body = json!({"__type": format!("{}#{}", envelope.namespace, envelope.name)});
        let message = self.to_string();
        if !message.is_empty() {
            // The two families of exceptions spell this member differently.
            let capital = matches!(
                self,
                Error::TransactionCanceled(_) | Error::TransactionInProgress | Error::Serialization(_)
            );
            let member = if capital { "Message" } else { "message" };
            body[member] = Value::String(message);
        }
        match self {
            Error::ConditionalCheckFailed(Some(item)) => body["Item"] = crate::codec::item_to_value(item),
            Error::TransactionCanceled(reasons) => {
                body["CancellationReasons"] = reasons.iter().map(CancellationReason::to_json).collect();
            }
            Error::Throttled(throttling) => {
                let (member, reasons) = throttling.reasons();
                body[member] = reasons;
            }
            _ => {}
        }
        body
    }
}
