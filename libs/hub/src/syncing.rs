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
        let file = match File::open(path) {
            // Who took its name away does not want it kept.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        self.0 = Some(thread::Builder::new().name("sync".to_owned()).spawn(move || file.sync_data())?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_waits_for_the_one_before_and_for_no_file_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.part");
        std::fs::write(&path, "x").unwrap();
        let mut syncing = Syncing::default();
        syncing.again(&path).unwrap();
        syncing.again(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        syncing.again(&path).unwrap();
        assert!(syncing.0.is_none(), "the one before is over, and there is nothing to sync");
        assert!(syncing.again(Path::new("\0")).is_err());
    }
}
