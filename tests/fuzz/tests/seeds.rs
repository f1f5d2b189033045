//! Every seed goes through its target: those that once were crashes too.

use std::{fs, path::Path};

#[test]
fn each_seed_is_unharmed() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, target) in fuzz::TARGETS {
        let files: Vec<_> = fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 3, "{name} has too few seeds to start from");
        for file in files {
            eprintln!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}
