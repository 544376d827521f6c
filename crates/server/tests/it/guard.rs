//! The server over protected files.

use crate::support::{Server, UNHINDERED};
use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

const SETTINGS: &str = r#"
[[protect]]
class = "pages"
paths = ["pages/*.txt"]
minimum = 20

[guard]
places = [".guard", "../copies"]
key = "../guard.key"
writable = ["data"]
"#;

/// `mundo guard …` on the server's folder.
fn mundo_guard(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mundo"));
    command
        .arg0("mundo")
        .args(["guard", "--root"])
        .arg(root)
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn set_up(root: &Path) {
    fs::create_dir_all(root.join("pages")).unwrap();
    for n in 0..20 {
        fs::write(
            root.join(format!("pages/{n}.txt")),
            format!("page {n}\n").repeat(50),
        )
        .unwrap();
    }
    fs::write(root.join("guard.toml"), SETTINGS).unwrap();
    let output = mundo_guard(root, &["init"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn wait_for(what: &str, mut test: impl FnMut() -> bool) {
    let began = Instant::now();
    while !test() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_guarded_server_restores_before_and_while_it_runs_and_frees_its_port_when_killed() {
    let mut server = Server::new(None, &UNHINDERED);
    let root = server.folder().join("root");
    set_up(&root);
    server.stands_in(&root);
    fs::remove_dir_all(root.join("pages")).unwrap();
    server.start().await;
    assert_eq!(
        fs::read_dir(root.join("pages")).unwrap().count(),
        20,
        "restored before the start"
    );
    for _ in 0..3 {
        wait_for("a watcher", || {
            let status = mundo_guard(&root, &["status"]);
            String::from_utf8_lossy(&status.stdout).contains("on  watch")
        });
        fs::remove_file(root.join("pages/3.txt")).unwrap();
        wait_for("the restore", || root.join("pages/3.txt").exists());
        // The port is free as soon as the server is dead, whatever its watcher does.
        server.kill();
        server.start().await;
    }
    let log = server.log();
    assert!(log.contains("landlock"), "the level is told: {log}");
    let metrics = async || {
        let answer = server
            .http
            .get(format!("{}/metrics", server.url))
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    };
    let text = testkit::eventually(async || {
        let text = metrics().await;
        text.contains("guard_restores_total 23").then_some(text)
    })
    .await;
    assert!(text.contains("guard_files{class=\"pages\"} 20"), "{text}");
    let pid = server.pid();
    server.terminate().await;
    wait_for("the watcher's end", || {
        let status = mundo_guard(&root, &["status"]);
        String::from_utf8_lossy(&status.stdout).contains("nobody watches")
    });
    let log = String::from_utf8(mundo_guard(&root, &["log"]).stdout).unwrap();
    assert!(
        log.contains(&format!("start of process {pid} (restore)")),
        "{log}"
    );
}

#[tokio::test]
async fn a_server_that_shall_only_verify_refuses_to_start_on_a_loss() {
    let mut server = Server::new(None, &[("MUNDO_GUARD_MODE", "verify")]);
    let root = server.folder().join("root");
    set_up(&root);
    server.stands_in(&root);
    fs::write(root.join("pages/1.txt"), "").unwrap();
    let said = server.refusal().await;
    assert!(
        said.contains("pages/1.txt is empty") && said.contains("mundo guard verify --restore"),
        "{said}"
    );
    assert_eq!(
        fs::read(root.join("pages/1.txt")).unwrap(),
        b"",
        "it only verifies"
    );
    assert!(!mundo_guard(&root, &["verify"]).status.success());
    assert!(mundo_guard(&root, &["verify", "--restore"]).status.success());
    server.start().await;
    server.terminate().await;
}

#[tokio::test]
async fn a_proof_holds_and_its_report_is_signed() {
    let server = Server::new(None, &[]);
    let root = server.folder().join("root");
    set_up(&root);
    let report = server.folder().join("proof.md");
    let path = report.to_string_lossy().into_owned();
    let output = mundo_guard(
        &root,
        &[
            "prove",
            "--restarts",
            "4",
            "--chaos",
            "--seed",
            "7",
            "--report",
            &path,
        ],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(report).unwrap();
    assert!(text.contains("**0 missing, 0 different.**"), "{text}");
    assert!(guard::verify_proof(&text).is_some());
    assert!(guard::verify_proof(&text.replace("\"restarts\":4", "\"restarts\":400")).is_none());
}

#[test]
fn this_repository_passes_its_own_guard() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let problems = guard::ci(&root, None).unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
}
