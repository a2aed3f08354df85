//! Request and response shapes.
