//! The program itself: started, asked, ended.

use std::process::Command;

fn mundo(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mundo"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_program_explains_itself() {
    let (good, help) = mundo(&["serve", "--help"]);
    assert!(
        good && help.contains("--port") && help.contains("Folder of the database"),
        "{help}"
    );
    let (good, version) = mundo(&["version"]);
    assert!(good && version.starts_with("mundo 0."), "{version}");
    let (good, config) = mundo(&["config", "--port", "7"]);
    assert!(
        good && config.contains("server.port") && config.contains("(flag)"),
        "{config}"
    );
}

#[test]
fn a_wrong_setting_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mundo.toml");
    std::fs::write(&file, "[server]\nprot = 5000\n").unwrap();
    let (good, text) = mundo(&["serve", "--config", file.to_str().unwrap()]);
    assert!(
        !good && text.contains("line 2: server.prot is not a setting"),
        "{text}"
    );
}
