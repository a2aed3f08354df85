//! One file per concern; `harness` is what they share.

mod authority;
mod calls;
mod harness;
mod lifecycle;
mod limits;
mod signature;
mod signer;
mod verified;
