//! The program as its users meet it: flags, start-up, refusals, and the pages that describe it.

mod compat;
mod program;
