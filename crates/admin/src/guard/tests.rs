//! Staff look at the guard, on both databases.

use ::guard::{Demand, Guard};
use accounts::{MemberId, Role, staff};
use base::{Clock, Entropy};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path};
use testkit::{TestApp, TestUser, eventually};

const SETTINGS: &str = r#"
[[protect]]
class = "pages"
paths = ["pages/*.txt"]
minimum = 3

[guard]
places = [".guard", "../copies"]
key = "../guard.key"
"#;

/// A guarded folder with four pages.
fn set_up(root: &Path) -> Guard {
    fs::create_dir_all(root.join("pages")).unwrap();
    for n in 0..4 {
        fs::write(root.join(format!("pages/{n}.txt")), format!("page {n}\n")).unwrap();
    }
    fs::write(root.join("guard.toml"), SETTINGS).unwrap();
    let guard = Guard::open(root, Clock::system(), Entropy::system()).unwrap();
    guard.init().unwrap();
    guard
}

/// Tells the story of a server over a guarded folder, on both databases.
async fn guarded(story: impl AsyncFn(&TestApp, &Path, &Guard)) {
    for url in [None, Some(testkit::postgres_url().await)] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let guard = set_up(&root);
        let settings = [("guard.root", root.to_str().unwrap()), ("guard.mode", "auto")];
        let assembly = testkit::area(crate::routes, crate::sockets, crate::workers);
        let app = TestApp::start(&assembly, url, &settings).await;
        story(&app, &root, &guard).await;
        app.end().await;
    }
}

async fn member_with(app: &TestApp, name: &str, role: Role) -> TestUser {
    let user = app.user(name).await;
    let id: MemberId = user.id.parse().unwrap();
    staff::grant(&app.app, staff::By::CommandLine, id, role)
        .await
        .unwrap();
    user
}

fn lose(root: &Path, guard: &Guard, name: &str, foreign: &str) {
    let path = root.join("pages").join(name);
    fs::remove_file(&path).unwrap();
    if !foreign.is_empty() {
        fs::create_dir(&path).unwrap();
        fs::write(path.join("foreign"), foreign).unwrap();
    }
    assert!(guard.pass(&Demand::all(true)).unwrap().is_whole());
}

#[tokio::test]
async fn staff_see_the_state_and_page_through_what_happened() {
    guarded(async |app, root, guard| {
        let maria = member_with(app, "Maria", Role::SuperAdmin).await;
        let state = maria.get("/guard").await.expect(200);
        assert_eq!(state["state"], "unwatched", "{state}");
        assert_eq!(
            state["classes"],
            json!([
                {"class": "guard", "files": 1, "minimum": 0},
                {"class": "pages", "files": 4, "minimum": 3},
            ])
        );
        let watch = state["levels"]
            .as_array()
            .unwrap()
            .iter()
            .find(|level| level["name"] == "watch");
        assert_eq!(watch.unwrap()["active"], false);
        assert_eq!(state["comparison"]["files"], 5);

        // A loss is seen before anybody has undone it.
        fs::write(root.join("pages/2.txt"), "").unwrap();
        let state = maria.get("/guard").await.expect(200);
        assert_eq!(state["state"], "damaged");
        assert_eq!(
            state["comparison"]["faults"],
            json!([{"path": "pages/2.txt", "fault": "emptied"}])
        );
        guard.pass(&Demand::all(true)).unwrap();
        for name in ["0.txt", "1.txt", "3.txt"] {
            lose(root, guard, name, "foreign");
        }
        assert_eq!(maria.get("/guard").await.expect(200)["restored"], 4);

        let mut paths = vec![];
        let mut cursor = String::new();
        loop {
            let page = maria
                .get(&format!("/guard/restores?limit=2{cursor}"))
                .await
                .expect(200);
            for item in page["items"].as_array().unwrap() {
                assert!(item["by"]["unknown"].is_string(), "{item}");
                paths.push(item["path"].as_str().unwrap().to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(
            paths,
            ["pages/3.txt", "pages/1.txt", "pages/0.txt", "pages/2.txt"]
        );

        let quarantine = maria.get("/guard/quarantine?limit=1").await.expect(200);
        assert_eq!(quarantine["items"][0]["was"], "folder");
        assert!(quarantine["next_cursor"].is_string());
        let ledger = maria.get("/guard/ledger?limit=100").await.expect(200);
        let lines = ledger["items"].as_array().unwrap();
        assert_eq!(lines.len() as u64, lines[0]["line"].as_u64().unwrap());
        assert_eq!(lines[0]["kind"], "restored");
        assert_eq!(lines.last().unwrap()["kind"], "trusted");
    })
    .await;
}

#[tokio::test]
async fn nobody_else_hears_of_it() {
    guarded(async |app, _, _| {
        let ana = app.user("Ana").await;
        let admin = member_with(app, "Bruno", Role::Admin).await;
        for path in ["/guard", "/guard/restores", "/guard/quarantine", "/guard/ledger"] {
            ana.get(path).await.refused(403, "forbidden");
            admin.get(path).await.refused(403, "forbidden");
            app.get(&format!("/api/v1{path}"))
                .await
                .refused(401, "unauthenticated");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_guards_nothing_says_so() {
    let assembly = testkit::area(crate::routes, crate::sockets, crate::workers);
    let nowhere = tempfile::tempdir().unwrap();
    let settings = [("guard.root", nowhere.path().to_str().unwrap())];
    let app = TestApp::start(&assembly, None, &settings).await;
    let maria = member_with(&app, "Maria", Role::God).await;
    assert_eq!(maria.get("/guard").await.expect(200)["state"], "off");
    let empty = json!({"items": [], "next_cursor": null});
    assert_eq!(maria.get("/guard/ledger").await.expect(200), empty);
    app.end().await;
}

/// A socket by long polling: all it hears.
struct Hearing {
    url: String,
    app: reqwest::Client,
}

impl Hearing {
    async fn open(app: &TestApp, user: &TestUser) -> Hearing {
        let base = format!("{}/socket.io/?EIO=4&transport=polling", app.url);
        let hello = app.http.get(&base).send().await.unwrap().text().await.unwrap();
        let hello: Value = serde_json::from_str(&hello[1..]).unwrap();
        let hearing = Hearing {
            url: format!("{base}&sid={}", hello["sid"].as_str().unwrap()),
            app: app.http.clone(),
        };
        hearing.say(format!("40{}", json!({"token": user.token}))).await;
        assert!(hearing.poll().await.starts_with("40"));
        hearing
    }

    async fn say(&self, packet: String) {
        let sent = self
            .app
            .request(Method::POST, &self.url)
            .body(packet)
            .send()
            .await;
        assert!(sent.unwrap().status().is_success());
    }

    async fn poll(&self) -> String {
        let answer = self.app.get(&self.url).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Everything about the guard up to the push of that name.
    async fn until(&self, name: &str) -> Vec<Value> {
        let mut heard = vec![];
        loop {
            for packet in self.poll().await.split('\u{1e}') {
                if packet == "2" {
                    self.say("3".to_owned()).await;
                }
                let Some(event) = packet.strip_prefix("42") else {
                    continue;
                };
                let event: Value = serde_json::from_str(event).unwrap();
                if !event[0].as_str().unwrap().starts_with("guard:") {
                    continue;
                }
                heard.push(event);
                if heard.last().unwrap()[0] == name {
                    return heard;
                }
            }
        }
    }
}

#[tokio::test]
async fn staff_who_are_online_hear_of_a_restore_and_of_an_incident_and_the_error_is_kept() {
    guarded(async |app, root, guard| {
        let maria = member_with(app, "Maria", Role::SuperAdmin).await;
        let ana = app.user("Ana").await;
        let (hers, others) = (Hearing::open(app, &maria).await, Hearing::open(app, &ana).await);
        let worker = || {
            let workers = app.app.supervisor.status().workers;
            workers
                .into_iter()
                .find(|worker| worker.name == "guard.news")
                .unwrap()
        };
        eventually(async || (worker().runs > 0).then_some(())).await;
        for _ in 0..5 {
            lose(root, guard, "1.txt", "");
        }
        let heard = hers.until("guard:incident").await;
        let restores: Vec<&Value> = heard
            .iter()
            .filter(|event| event[0] == "guard:restored")
            .collect();
        assert_eq!(restores.len(), 5, "{heard:?}");
        let restore = &restores[0][1]["restore"];
        assert_eq!(
            (&restore["path"], &restore["fault"]),
            (&json!("pages/1.txt"), &json!("missing"))
        );
        // What was pushed stands in the ledger.
        let ledger = maria.get("/guard/ledger?limit=100").await.expect(200);
        let line = |line: &Value| {
            let lines = ledger["items"].as_array().unwrap();
            lines.iter().find(|other| other["line"] == *line).unwrap()["kind"].clone()
        };
        assert_eq!(line(&restore["line"]), "restored");
        assert_eq!(heard.last().unwrap()[1]["times"], 5);
        assert_eq!(line(&heard.last().unwrap()[1]["line"]), "incident");
        let faults = app.take_faults();
        assert!(
            faults.iter().any(|fault| fault.contains("guard_incident")),
            "{faults:?}"
        );

        // A member hears nothing, and a role that was taken is worth nothing any more.
        let id: MemberId = maria.id.parse().unwrap();
        staff::revoke(&app.app, staff::By::CommandLine, id, Role::SuperAdmin)
            .await
            .unwrap();
        staff::grant(
            &app.app,
            staff::By::CommandLine,
            ana.id.parse().unwrap(),
            Role::God,
        )
        .await
        .unwrap();
        let before = worker().runs;
        lose(root, guard, "2.txt", "");
        eventually(async || (worker().runs > before + 1).then_some(())).await;
        let heard = others.until("guard:restored").await;
        assert_eq!(heard.len(), 1, "nothing of what came before the role: {heard:?}");
        assert_eq!(heard[0][1]["restore"]["path"], "pages/2.txt");
        maria.get("/guard").await.refused(403, "forbidden");
    })
    .await;
}
