//! A file that nobody writes any more, read through a map: what is looked at twice is copied by nobody.

use std::fs::File;
use std::io;
use std::ops::Deref;

use crate::guarded::Guarded;

/// The bytes of a file.
#[derive(Debug)]
pub struct MappedFile {
    file: File,
    map: Guarded,
}

impl MappedFile {
    /// Maps all of the file, wherever it stands.
    pub fn open(file: File) -> io::Result<Self> {
        let map = Guarded::map(&file)?;
        Ok(Self { file, map })
    }

    /// Whether the file is still as long as it was mapped. To be asked after anything was read: pages behind the end of
    /// a truncated file are zeros.
    pub fn check_length(&self) -> io::Result<()> {
        if self.file.metadata()?.len() == self.len() as u64 {
            return Ok(());
        }
        Err(io::Error::other("it was cut off while it was read"))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_cut_off_is_noticed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 10_000]).unwrap();
        let mapped = MappedFile::open(file.try_clone().unwrap()).unwrap();
        assert_eq!((mapped.len(), mapped[9_999]), (10_000, b'x'));
        mapped.check_length().unwrap();
        file.set_len(100).unwrap();
        assert_eq!(mapped[9_999], 0);
        assert!(mapped.check_length().is_err());
        assert_eq!(MappedFile::open(tempfile::tempfile().unwrap()).unwrap().len(), 0);
    }
}
