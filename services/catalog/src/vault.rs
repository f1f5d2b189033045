//! What a job's Hub token is in the database: sealed with a key that lies outside of it, and bound to its job.
//!
//! The key is a file that the operator names, else one that is made when it is first needed, readable by its owner only.
//! Replicas of the catalog need the same file.

use crate::config::Config;
use dataset_model::{JobId, Problem, Reason};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use std::{
    fmt, fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

const KEY_BYTES: usize = 32;

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    /// Named by the operator.
    named: Option<PathBuf>,
    /// Made when none is named.
    own: PathBuf,
    key: Arc<OnceLock<LessSafeKey>>,
}

/// Why a secret can be neither kept nor read; it holds nothing of the secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the key file cannot be used")]
    File(#[source] io::Error),
    #[error("the key file does not hold 64 hexadecimal digits")]
    Key,
    #[error("the secret was sealed with another key, or for another job")]
    Sealed,
    #[error("there are no random numbers")]
    Random,
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        tracing::error!(error = %crate::error::chain(&error), "a Hub token cannot be kept or read");
        Self::new(Reason::NotImplemented, "this server cannot keep a Hub token")
            .next_step("name a key file in `secrets.key_file`, or leave `hf_token` out")
    }
}

impl Vault {
    pub fn new(config: &Config) -> Self {
        let own = config.storage.data_dir.join("secrets.key");
        Self { named: config.secrets.key_file.clone(), own, key: Arc::default() }
    }

    /// The secret as it may be stored with the job.
    pub fn seal(&self, job: JobId, secret: &str) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| VaultError::Random)?;
        let mut sealed = secret.as_bytes().to_vec();
        let key = self.key()?;
        let done = key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(job), &mut sealed);
        done.map_err(|_| VaultError::Sealed)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    /// The secret again.
    pub fn open(&self, job: JobId, sealed: &[u8]) -> Result<String, VaultError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Sealed)?;
        let mut secret = sealed.to_vec();
        let opened = self.key()?.open_in_place(Nonce::assume_unique_for_key(*nonce), aad(job), &mut secret);
        let opened = opened.map_err(|_| VaultError::Sealed)?;
        String::from_utf8(opened.to_vec()).map_err(|_| VaultError::Sealed)
    }

    fn key(&self) -> Result<&LessSafeKey, VaultError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let text = match &self.named {
            Some(path) => fs::read_to_string(path).map_err(VaultError::File)?,
            None => own_key(&self.own)?,
        };
        let bytes = hex::decode(text.trim()).map_err(|_| VaultError::Key)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| VaultError::Key)?;
        Ok(self.key.get_or_init(|| LessSafeKey::new(key)))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("named", &self.named).finish_non_exhaustive()
    }
}

/// A secret that was copied to another job's row cannot be opened there.
fn aad(job: JobId) -> Aad<[u8; 16]> {
    Aad::from(*job.0.as_bytes())
}

/// Reads the key, or makes one. Of two that make one, both use the one that got its name first.
fn own_key(path: &Path) -> Result<String, VaultError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read.map_err(VaultError::File),
    }
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| VaultError::Random)?;
    let made = path.with_extension(format!("{}.new", JobId::new()));
    let named = write(&made, &hex::encode(bytes)).and_then(|()| match fs::hard_link(&made, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    });
    drop(fs::remove_file(&made));
    named.map_err(VaultError::File)?;
    fs::read_to_string(path).map_err(VaultError::File)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn vault(folder: &Path) -> Vault {
        let mut config = Config::default();
        config.storage.data_dir = folder.join("data");
        Vault::new(&config)
    }

    #[test]
    fn a_secret_is_sealed_for_its_job_with_a_key_of_its_own() {
        let folder = std::env::temp_dir().join(JobId::new().to_string());
        let job = JobId::new();
        let sealed = vault(&folder).seal(job, "hf_canary").unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("canary"));
        assert_ne!(vault(&folder).seal(job, "hf_canary").unwrap(), sealed, "never the same twice");
        // Another process reads the same key.
        assert_eq!(vault(&folder).open(job, &sealed).unwrap(), "hf_canary");
        assert!(matches!(vault(&folder).open(JobId::new(), &sealed), Err(VaultError::Sealed)));
        assert!(matches!(vault(&folder).open(job, &sealed[..5]), Err(VaultError::Sealed)));
        let key = folder.join("data/secrets.key");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.join("data")).unwrap().count(), 1);
        let named = Vault { named: Some(folder.join("none")), ..vault(&folder) };
        assert!(matches!(named.seal(job, "x"), Err(VaultError::File(_))));
        fs::write(&key, "short").unwrap();
        assert!(matches!(vault(&folder).open(job, &sealed), Err(VaultError::Key)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
