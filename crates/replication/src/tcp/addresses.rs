//! Where a Region's links are served: several names, each of several addresses, of which any may be down.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use graticule_env::Env;
use graticule_tables::BoxFuture;
use parking_lot::Mutex;

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);
/// Addresses of one name that are tried.
const ADDRESSES_PER_NAME_MAX: usize = 16;

/// Finds the addresses of names.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `name`, which is `host:port`.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Asks the operating system.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host(name).await?.collect()) })
    }
}

/// The addresses of one Region, and what is known of them.
#[derive(Debug)]
pub(super) struct Addresses {
    /// `host:port` each, as configured.
    names: Vec<String>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What names resolved to last.
    resolved: BTreeMap<String, Vec<SocketAddr>>,
    /// Where the last connection was opened.
    worked: Option<SocketAddr>,
    /// Counts attempts, so that not every one starts with the same address.
    attempts: usize,
}

impl Addresses {
    pub(super) fn new(names: Vec<String>) -> Addresses {
        Addresses { names, known: Mutex::default() }
    }

    /// What to try, in this order: the address that worked last, then the others in rotation. A name that cannot be
    /// resolved just now stands for what it resolved to before. The error says what is wrong if there is nothing to try.
    pub(super) async fn to_try(
        &self,
        env: &Env,
        resolver: &Arc<dyn Resolve>,
    ) -> Result<Vec<SocketAddr>, String> {
        let mut candidates: Vec<SocketAddr> = Vec::new();
        let mut unresolved = Vec::new();
        for name in &self.names {
            let found = match name.parse() {
                Ok(address) => vec![address],
                Err(_) => match self.resolve(name, env, resolver).await {
                    Ok(found) => found,
                    Err(reason) => {
                        unresolved.push(format!("{name} cannot be resolved: {reason}"));
                        continue;
                    }
                },
            };
            for address in found {
                if !candidates.contains(&address) {
                    candidates.push(address);
                }
            }
        }
        if candidates.is_empty() {
            return Err(format!("{}; check the name in --peer and the resolver", unresolved.join("; ")));
        }
        let mut known = self.known.lock();
        let start = known.attempts % candidates.len();
        known.attempts = known.attempts.wrapping_add(1);
        candidates.rotate_left(start);
        if let Some(worked) = known.worked
            && let Some(at) = candidates.iter().position(|address| *address == worked)
        {
            candidates.remove(at);
            candidates.insert(0, worked);
        }
        Ok(candidates)
    }

    async fn resolve(
        &self,
        name: &str,
        env: &Env,
        resolver: &Arc<dyn Resolve>,
    ) -> Result<Vec<SocketAddr>, String> {
        let reason = match env.timeout(RESOLVE_TIMEOUT, resolver.resolve(name)).await {
            Some(Ok(mut found)) if !found.is_empty() => {
                found.truncate(ADDRESSES_PER_NAME_MAX);
                self.known.lock().resolved.insert(name.to_owned(), found.clone());
                return Ok(found);
            }
            Some(Ok(_)) => "it has no address".to_owned(),
            Some(Err(error)) => error.to_string(),
            None => "no answer in time".to_owned(),
        };
        let before = self.known.lock().resolved.get(name).cloned();
        if before.is_some() {
            tracing::warn!(name, reason, "a peer's name cannot be resolved; its earlier addresses are tried");
        }
        before.ok_or(reason)
    }

    /// A connection to `address` was opened.
    pub(super) fn worked(&self, address: SocketAddr) {
        self.known.lock().worked = Some(address);
    }

    /// Where the last connection was opened.
    pub(super) fn in_use(&self) -> Option<SocketAddr> {
        self.known.lock().worked
    }

    /// The names, as configured.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}
