//! How many requests were answered, by operation and outcome: two array lookups and one relaxed addition each.

use std::sync::atomic::{AtomicU64, Ordering};

use graticule_model::Error;
use graticule_ops::{DYNAMODB_OPERATIONS, STREAMS_OPERATIONS};
use graticule_server::{Service, Target};

/// Outcomes that are told apart: answered, the client's fault, ours.
pub(crate) const OUTCOMES: [&str; 3] = ["200", "4xx", "5xx"];

/// The counters.
#[derive(Debug)]
pub(crate) struct Requests {
    dynamodb: Vec<[AtomicU64; OUTCOMES.len()]>,
    streams: Vec<[AtomicU64; OUTCOMES.len()]>,
}

impl Default for Requests {
    fn default() -> Requests {
        let zeros = |operations: &[&str]| operations.iter().map(|_| Default::default()).collect();
        Requests { dynamodb: zeros(DYNAMODB_OPERATIONS), streams: zeros(STREAMS_OPERATIONS) }
    }
}

impl Requests {
    /// Counts one request.
    pub(crate) fn count(&self, target: Target<'_>, error: Option<&Error>) {
        let (operations, counters) = match target.service {
            Service::DynamoDb => (DYNAMODB_OPERATIONS, &self.dynamodb),
            Service::Streams => (STREAMS_OPERATIONS, &self.streams),
        };
        let outcome = error.map_or(0, |error| if error.envelope().status < 500 { 1 } else { 2 });
        // The lists are in the order of their names.
        if let Ok(place) = operations.binary_search(&target.operation) {
            counters[place][outcome].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Operation, outcome and count of all that there were.
    pub(crate) fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        let dynamodb = DYNAMODB_OPERATIONS.iter().zip(&self.dynamodb);
        let streams = STREAMS_OPERATIONS.iter().zip(&self.streams);
        let counts = dynamodb.chain(streams).flat_map(|(operation, counters)| {
            let counted = OUTCOMES.iter().zip(counters);
            counted.map(|(outcome, counter)| (*operation, *outcome, counter.load(Ordering::Relaxed)))
        });
        counts.filter(|(_, _, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_counted_under_its_name() {
        let requests = Requests::default();
        for (service, operations) in
            [(Service::DynamoDb, DYNAMODB_OPERATIONS), (Service::Streams, STREAMS_OPERATIONS)]
        {
            for operation in operations {
                requests.count(Target { service, operation }, None);
                requests.count(Target { service, operation }, Some(&Error::ResourceNotFound));
            }
        }
        let internal = Error::Internal(String::new());
        requests.count(Target { service: Service::DynamoDb, operation: "PutItem" }, Some(&internal));
        let all = requests.all();
        assert_eq!(all.len(), 2 * (DYNAMODB_OPERATIONS.len() + STREAMS_OPERATIONS.len()) + 1);
        assert!(all.contains(&("PutItem", "5xx", 1)));
        assert!(all.iter().all(|(_, _, count)| *count == 1));
    }
}
