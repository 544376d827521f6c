//! Programs that are not ours, let loose on the server.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The program that `make test` names, or the one that is there otherwise.
pub fn program(variable: &str, otherwise: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| otherwise.into(), PathBuf::from)
}

pub fn node() -> Command {
    Command::new(program("MUNDO_TEST_NODE", "node"))
}

pub fn chromium() -> PathBuf {
    program("MUNDO_TEST_CHROMIUM", "/usr/bin/chromium")
}

/// Runs it while the server goes on, and gives what it printed; fails with that when it fails.
#[track_caller]
pub fn succeeds(mut command: Command) -> impl Future<Output = String> {
    let caller = std::panic::Location::caller();
    let run = tokio::task::spawn_blocking(move || {
        let name = command.get_program().to_owned();
        let output = command.output().unwrap_or_else(|error| {
            panic!(
                "{} does not start: {error}; `make test` installs it",
                name.display()
            )
        });
        (
            output.status,
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    });
    async move {
        let (status, text) = run.await.expect("the program was run");
        assert!(status.success(), "at {caller}, {status}:\n{text}");
        text
    }
}
