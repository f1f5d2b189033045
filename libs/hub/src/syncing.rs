//! Syncs of a file that is being written.

use std::{
    fs::File,
    io,
    path::Path,
    thread::{self, JoinHandle},
};

/// Syncs a file beside its writing, so that nobody waits for the disk: a crash of the machine costs at most what was
/// written since the last sync but one began.
///
/// Nobody waits for the last of them: what is complete was hashed, and is read once more before it is gone.
#[derive(Default)]
pub(crate) struct Syncing(Option<JoinHandle<io::Result<()>>>);

impl Syncing {
    /// Begins the next, once the one before is over; the error is that of the one before.
    pub(crate) fn again(&mut self, path: &Path) -> io::Result<()> {
        if let Some(before) = self.0.take() {
            before.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs died")))?;
        }
        // A descriptor of its own, as a copy of the part's would hold its lock for longer than the part lives.
        let file = File::open(path)?;
        self.0 = Some(thread::Builder::new().name("sync".to_owned()).spawn(move || file.sync_data())?);
        Ok(())
    }
}
