//! Maps that survive their file being cut off: reading beyond its new end is `SIGBUS`, which would end the process with
//! everything it serves.
//!
//! The handler puts a page of zeros where the file's page is gone, in maps that are announced here and nowhere else, and
//! the reader goes on. It learns what happened from [`crate::ShardReader::check_unchanged`], which has to follow what was
//! read, by whom ever: the page is lost to all that share the map, and what is sent from it is read when it is sent. Any
//! other `SIGBUS` does what it did before.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::Mmap;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Maps beyond that many work all the same, without the guard.
const SLOTS: usize = 4096;

/// Addresses of one map; a start of 0 is a free slot.
#[derive(Debug)]
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
}

static MAPS: [Slot; SLOTS] = [const { Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0) } }; SLOTS];
static PAGE: AtomicUsize = AtomicUsize::new(4096);
/// What a `SIGBUS` did before; `None` where the handler could not be put in place.
static BEFORE: OnceLock<Option<SigAction>> = OnceLock::new();

/// A file's bytes, for reading.
#[derive(Debug)]
pub(crate) struct Guarded {
    map: Mmap,
    slot: Option<&'static Slot>,
}

impl Guarded {
    #[expect(unsafe_code, reason = "files are sent and decoded from the map without a copy")]
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        BEFORE.get_or_init(install);
        // SAFETY: published shards and verified downloads are never modified in place, only unlinked, which leaves the
        // map intact. A file that is damaged from outside is met by digests and by the checks that the readers make.
        let map = unsafe { Mmap::map(file)? };
        let range = map.as_ptr_range();
        let slot = announce(range.start.addr()..range.end.addr());
        Ok(Self { map, slot })
    }
}

impl AsRef<[u8]> for Guarded {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Before the addresses are anybody else's.
        if let Some(slot) = self.slot {
            slot.end.store(0, Ordering::SeqCst);
            slot.start.store(0, Ordering::SeqCst);
        }
    }
}

fn announce(range: Range<usize>) -> Option<&'static Slot> {
    let free = |slot: &&Slot| slot.start.compare_exchange(0, range.start, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    let slot = MAPS.iter().find(free)?;
    slot.end.store(range.end, Ordering::SeqCst);
    Some(slot)
}

#[expect(unsafe_code, reason = "nothing else turns the signal into something that a reader can find out")]
fn install() -> Option<SigAction> {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    PAGE.store(usize::try_from(page).unwrap_or(4096), Ordering::SeqCst);
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(on_bus), flags, SigSet::empty());
    // SAFETY: the handler does only what a handler may: it reads atomics, and makes two system calls.
    let before = unsafe { sigaction(Signal::SIGBUS, &action) };
    before
        .inspect_err(|error| tracing::warn!(%error, "a shard that is cut off while it is read will end the process"))
        .ok()
}

#[expect(unsafe_code, reason = "see `install`")]
extern "C" fn on_bus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system gives what it says with `SA_SIGINFO`.
    let address = unsafe { (*info).si_addr() }.addr();
    let is_ours = |slot: &Slot| (slot.start.load(Ordering::SeqCst)..slot.end.load(Ordering::SeqCst)).contains(&address);
    if MAPS.iter().any(is_ours) && put_zeros(address) {
        return;
    }
    if let Some(Some(before)) = BEFORE.get() {
        // SAFETY: puts back what was there; the access is tried again and meets it.
        let _ = unsafe { sigaction(Signal::SIGBUS, before) };
    }
}

/// Replaces the page of an address.
#[expect(unsafe_code, reason = "see `install`")]
fn put_zeros(address: usize) -> bool {
    let page = PAGE.load(Ordering::SeqCst);
    let start = std::ptr::without_provenance_mut(address - address % page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page lies in a map of ours, whose end lies in its last page, and nobody writes to it.
    let put = unsafe { libc::mmap(start, page, libc::PROT_READ, flags, -1, 0) };
    put != libc::MAP_FAILED
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_cut_off_reads_as_zeros_and_ends_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; 100_000]).unwrap();
        let maps: Vec<Guarded> = (0..3).map(|_| Guarded::map(&file).unwrap()).collect();
        file.set_len(10).unwrap();
        for map in &maps {
            assert_eq!(map.as_ref()[..10], [7; 10]);
            assert!(map.as_ref()[PAGE.load(Ordering::SeqCst)..].iter().all(|byte| *byte == 0));
        }
        let slots: Vec<_> = maps.iter().map(|map| map.slot.unwrap()).collect();
        drop(maps);
        assert!(slots.iter().all(|slot| slot.end.load(Ordering::SeqCst) == 0));
    }
}
