//! PartiQL: single statements, batches and transactions with their typed errors.

use aws_sdk_dynamodb::operation::execute_statement::ExecuteStatementError;
use aws_sdk_dynamodb::operation::execute_transaction::ExecuteTransactionError;
use aws_sdk_dynamodb::types::{BatchStatementErrorCodeEnum, BatchStatementRequest, ParameterizedStatement};

use crate::support::{client, create, item, n, s};

#[tokio::test]
async fn statements_batches_and_transactions() {
    let client = client();
    let name = create(&client, "partiql", &["pk:S", "sk:N"]).await;
    let insert = format!(r#"INSERT INTO "{name}" VALUE {{'pk': ?, 'sk': ?}}"#);
    let execute = |statement: &str| client.execute_statement().statement(statement);
    for number in 0..3 {
        execute(&insert).parameters(s("a")).parameters(n(number)).send().await.unwrap();
    }
    let error =
        execute(&insert).parameters(s("a")).parameters(n(0)).send().await.unwrap_err().into_service_error();
    assert!(matches!(error, ExecuteStatementError::DuplicateItemException(_)), "{error:?}");
    let select = format!(r#"SELECT sk FROM "{name}" WHERE pk = 'a' AND sk > 0"#);
    let found = execute(&select).send().await.unwrap().items.unwrap();
    assert_eq!(found, [item([("sk", n(1))]), item([("sk", n(2))])]);

    let update = format!(r#"UPDATE "{name}" SET v = 1 WHERE pk = 'a' AND sk = 9"#);
    let update = BatchStatementRequest::builder().statement(update).build().unwrap();
    let batch = client.batch_execute_statement().statements(update).send().await.unwrap().responses.unwrap();
    assert_eq!(batch[0].error().unwrap().code(), Some(&BatchStatementErrorCodeEnum::ConditionalCheckFailed));

    let statement = |text: String| ParameterizedStatement::builder().statement(text).build().unwrap();
    let transaction = client
        .execute_transaction()
        .transact_statements(statement(format!(r#"DELETE FROM "{name}" WHERE pk = 'a' AND sk = 1"#)))
        .transact_statements(statement(format!(r#"INSERT INTO "{name}" VALUE {{'pk': 'a', 'sk': 2}}"#)));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let ExecuteTransactionError::TransactionCanceledException(error) = error else { panic!("{error:?}") };
    let codes: Vec<_> = error.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "DuplicateItem"]);
}
