//! The memory allocator of the programs that move data.
//!
//! ```ignore
//! #[global_allocator]
//! static ALLOCATOR: allocator::Allocator = allocator::Allocator;
//!
//! fn main() {
//!     allocator::give_back();
//! }
//! ```
//!
//! mimalloc gives freed memory back to the system only while the thread that had it asks for more, and that of a thread
//! that has ended only when another thread comes across it: a service at rest would keep what its last job needed, and the
//! next job, of another format and so with other threads, would need its own beside it. As jemalloc does it with
//! `background_thread`, a thread looks after that.
#![expect(unsafe_code, reason = "the library is told in no other way")]

use std::thread;
use std::time::Duration;

pub use mimalloc::MiMalloc as Allocator;

/// How long freed memory is kept for whoever asks next. By default it is 10 ms, which is less than lies between two
/// batches: then each of them is cleared by the system anew, and an ingest takes a twentieth longer. With 100 ms it is no
/// faster than with this, and holds some 50 MB more.
pub const FREED_IS_KEPT: Duration = Duration::from_millis(FREED_IS_KEPT_MS as u64);
const FREED_IS_KEPT_MS: u8 = 20;
/// What lies unused is looked for so often.
const PERIOD: Duration = Duration::from_secs(1);

/// From now on freed memory goes back to the system. To be called once, before there are other threads, by a program that
/// moves data: it starts rayon's global pool.
pub fn give_back() {
    // `mi_option_purge_delay`, to which the bindings give no name.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: takes numbers; not to be called by two threads at a time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, FREED_IS_KEPT_MS.into()) }
    let look_after = || loop {
        thread::park_timeout(PERIOD);
        collect();
        // Rows are made on the pool's threads and freed by those that write them: nobody else can take that back.
        rayon::broadcast(|_| collect());
    };
    // Without the thread memory is given back later.
    let _ = thread::Builder::new().name("allocator".to_owned()).spawn(look_after);
}

/// Gives back what this thread had and ended ones left.
fn collect() {
    // SAFETY: may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
