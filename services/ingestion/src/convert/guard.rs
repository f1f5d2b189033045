//! Decoders meet strangers' files: a panic in one is the file's fault, and no other task's business.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a decoder says is wrong.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Runs a decoder; a panic in it becomes an error.
pub(super) fn guard<T>(decode: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    let text = |panic: Box<dyn Any + Send>| {
        Cause::from(panic.downcast::<String>().map_or_else(|_| "the decoder gave up".to_owned(), |text| *text))
    };
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| Err(text(panic)))
}
