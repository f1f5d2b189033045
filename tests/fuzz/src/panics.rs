//! Panics that a decoder's guard catches are no fault; one that reaches us is.
//!
//! libFuzzer's own hook ends the process at the first panic, before anybody could catch it. Ours only remembers the
//! panic, and it is shown when nobody did.

use std::{
    panic::{catch_unwind, set_hook},
    process::abort,
    sync::{Mutex, PoisonError},
};

use crate::Target;

static LAST: Mutex<String> = Mutex::new(String::new());

/// Replaces the hook: caught panics are silent, as there may be thousands a second.
pub fn quiet() {
    set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
}

/// Runs a target; a panic that comes out of it is shown and ends the process, which libFuzzer takes for a crash.
pub fn unharmed(target: Target, input: &[u8]) {
    if catch_unwind(|| target(input)).is_err() {
        eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
        abort();
    }
}
