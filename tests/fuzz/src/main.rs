//! `FUZZ_TARGET=csv fuzz …`: libFuzzer around one target. Built without it, `fuzz FILE…` replays inputs as they are.
#![cfg_attr(feature = "libfuzzer", no_main)]

use std::env;

#[expect(clippy::disallowed_methods, reason = "which target it is is no setting of a service")]
fn chosen() -> fuzz::Target {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).expect("FUZZ_TARGET must name a target")
}

#[cfg(feature = "libfuzzer")]
mod fuzzer {
    use std::sync::OnceLock;

    static TARGET: OnceLock<fuzz::Target> = OnceLock::new();

    libfuzzer_sys::fuzz_target!(init: fuzz::quiet(), |input: &[u8]| {
        fuzz::unharmed(*TARGET.get_or_init(super::chosen), input);
    });
}

#[cfg(not(feature = "libfuzzer"))]
fn main() -> std::io::Result<()> {
    env::args_os().skip(1).try_for_each(|file| std::fs::read(file).map(|input| chosen()(&input)))
}
