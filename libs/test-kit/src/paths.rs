//! Where the project and what `make tools` and `make data` fetched for it lie.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use embedded_servers::Tools;

/// The folder that holds the workspace's Cargo.toml.
pub fn project_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or_else(|error| panic!("no project folder `{}`: {error}", root.display()))
}

/// The servers' programs.
pub fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    TOOLS.get_or_init(|| Tools::find(&[]).unwrap_or_else(|error| panic!("{error}")))
}

/// A Python with everything in tests/python/requirements.txt.
pub fn python() -> PathBuf {
    let python = project_root().join(".tools/venv/bin/python");
    assert!(python.exists(), "no `{}`: run `make tools`", python.display());
    python
}

/// A folder of sample repositories in `local-hub`'s layout, built on first use (15 s). Read only: tests share it.
pub fn sample_hub() -> PathBuf {
    let (root, data) = (project_root(), project_root().join(".tools/data"));
    if !data.join("stamp").exists() {
        let built = Command::new(python()).arg(root.join("tests/tools/sample_data.py")).output();
        match built {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!("`make data` failed: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("cannot run `{}`: {error}", python().display()),
        }
    }
    data.join("hub")
}

/// A folder of the chat templates of published models, built with [`sample_hub`].
pub fn sample_templates() -> PathBuf {
    sample_hub().with_file_name("templates")
}
