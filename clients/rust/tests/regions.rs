//! Two clients of one endpoint with different Regions, and a global table between them.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    CreateReplicationGroupMemberAction, DeleteReplicationGroupMemberAction, ReplicaStatus,
    ReplicationGroupUpdate,
};

use crate::support::{client, client_in, create, eventually, item, n, s, wait_for_table};

const OTHER: &str = "eu-west-1";

#[tokio::test]
async fn a_global_table_is_written_and_read_in_both() {
    let (here, there) = (client(), client_in(OTHER));
    let name = create(&here, "global", &["pk:S"]).await;
    let missing = there.describe_table().table_name(&name).send().await.unwrap_err().into_service_error();
    assert!(matches!(missing, DescribeTableError::ResourceNotFoundException(_)), "{missing:?}");
    here.put_item().table_name(&name).item("pk", s("old")).send().await.unwrap();

    let add = CreateReplicationGroupMemberAction::builder().region_name(OTHER).build().unwrap();
    let add = ReplicationGroupUpdate::builder().create(add).build();
    here.update_table().table_name(&name).replica_updates(add).send().await.unwrap();
    let replicas = || async {
        let table = here.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
        let status = |replica: &aws_sdk_dynamodb::types::ReplicaDescription| {
            (replica.region_name.clone().unwrap(), replica.replica_status.clone().unwrap())
        };
        table.replicas().iter().map(status).collect::<Vec<_>>()
    };
    eventually(replicas, vec![(OTHER.to_owned(), ReplicaStatus::Active)]).await;
    wait_for_table(&there, &name).await;
    let copied =
        there.get_item().table_name(&name).key("pk", s("old")).consistent_read(true).send().await.unwrap();
    assert!(copied.item.is_some());

    for (one, other, key) in [(&here, &there, "from here"), (&there, &here, "from there")] {
        let written = item([("pk", s(key)), ("v", n(1))]);
        one.put_item().table_name(&name).set_item(Some(written.clone())).send().await.unwrap();
        let read =
            || async { other.get_item().table_name(&name).key("pk", s(key)).send().await.unwrap().item };
        eventually(read, Some(written)).await;
        one.delete_item().table_name(&name).key("pk", s(key)).send().await.unwrap();
        eventually(read, None).await;
    }

    let remove = DeleteReplicationGroupMemberAction::builder().region_name(OTHER).build().unwrap();
    let remove = ReplicationGroupUpdate::builder().delete(remove).build();
    here.update_table().table_name(&name).replica_updates(remove).send().await.unwrap();
    eventually(replicas, Vec::new()).await;
    // The waiter polls every 20 seconds, so it is asked when the answer is known.
    eventually(|| async { there.describe_table().table_name(&name).send().await.is_err() }, true).await;
    there.wait_until_table_not_exists().table_name(&name).wait(Duration::from_secs(60)).await.unwrap();
}
