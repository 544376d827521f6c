//! Backups: made under writes, restored whole, refused when anything is wrong.

use crate::{app_with, each_db, server};
use accounts::{
    Reason, Revocation, Role,
    staff::{self, By},
};
use db::{Executor, params};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::TestApp;

const PASSPHRASE: &str = "a milonga at midnight";

/// A picture of Ana's goes with the backup and is shown again after it.
async fn picture_of(app: &TestApp, ana: &testkit::TestUser) -> (String, Vec<u8>) {
    let shown = crate::media::upload(app, ana, crate::media::picture()).await;
    let bytes = crate::media::fetch(app, &shown["view"]["url"]).await;
    (shown["id"].as_str().unwrap().to_owned(), bytes)
}

/// A place for backups and the settings of one app's commands.
struct Desk {
    folder: TempDir,
    data: PathBuf,
    database_url: String,
}

impl Desk {
    fn of(app: &TestApp) -> Desk {
        Desk {
            folder: tempfile::tempdir().unwrap(),
            data: app.app.config.data.dir.clone(),
            database_url: app.app.config.database.url.0.clone(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same desk, restoring elsewhere: into an empty folder and an empty database.
    async fn elsewhere(&mut self) {
        self.elsewhere_again("restored").await;
    }

    async fn elsewhere_again(&mut self, name: &str) {
        self.data = self.path(name);
        if !self.database_url.is_empty() {
            self.database_url = testkit::postgres_url().await;
        }
    }

    /// `mundo`, with `$` in front of names inside the desk's folder.
    fn command(&self, passphrase: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mundo"));
        for argument in arguments {
            match argument.strip_prefix('$') {
                Some(name) => command.arg(self.path(name)),
                None => command.arg(argument),
            };
        }
        command
            .env_clear()
            .current_dir(self.folder.path())
            .env("MUNDO_DATA", &self.data)
            .env("DATABASE_URL", &self.database_url)
            .env("MUNDO_BACKUP_PASSPHRASE", passphrase);
        command
    }

    fn mundo(&self, passphrase: &str, arguments: &[&str]) -> (bool, String) {
        let output = self
            .command(passphrase, arguments)
            .output()
            .expect("the program starts");
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    #[track_caller]
    fn does(&self, passphrase: &str, arguments: &[&str]) -> String {
        let (good, text) = self.mundo(passphrase, arguments);
        assert!(good, "{arguments:?}: {text}");
        text
    }

    /// Refused with these words, and nothing on the desk has changed.
    #[track_caller]
    fn refuses(&self, passphrase: &str, arguments: &[&str], words: &str) {
        let before = contents(self.folder.path());
        let (good, text) = self.mundo(passphrase, arguments);
        assert!(!good && text.contains(words), "{arguments:?}: {text}");
        assert_eq!(text.trim().lines().count(), 1, "one sentence: {text}");
        assert!(
            before == contents(self.folder.path()),
            "something was changed: {text}"
        );
    }

    /// The app on what the desk's folder and database hold.
    async fn serve(&self) -> TestApp {
        let url = Some(self.database_url.clone()).filter(|url| !url.is_empty());
        TestApp::start(&server, url, &[("data.dir", self.data.to_str().unwrap())]).await
    }
}

/// Every file below the folder. Locks and shared memory are not data.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if !["mundo.lock", "mundo.db-shm"]
            .iter()
            .any(|name| path.ends_with(name))
        {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

/// Waits for a program that should end soon; one that goes on is killed.
async fn ends(mut command: Command) -> (bool, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let give_up = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("the child is ours").is_none() {
        if Instant::now() > give_up {
            let _ = child.kill();
            panic!("it goes on: {:?}", child.wait_with_output());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let output = child.wait_with_output().expect("the child is ours");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn log_in_session(app: &TestApp, password: &str) -> Value {
    let form = json!({"email": "ana@example.test", "password": password});
    app.post("/api/v1/auth/login", form).await.expect(200)
}

async fn log_in(app: &TestApp) -> String {
    let session = log_in_session(app, "correct horse").await;
    session["access_token"].as_str().unwrap().to_owned()
}

async fn bodies(app: &TestApp, token: &str) -> Vec<String> {
    let (mut bodies, mut cursor) = (vec![], String::new());
    loop {
        let url = format!("{}/api/v1/feed?limit=100{cursor}", app.url);
        let page: Value = testkit::Answer::of(app.http.get(url).bearer_auth(token))
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap();
        bodies.extend(items.iter().map(|item| item["body"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return bodies,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_writes_is_restored_whole_and_ends_all_sessions() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        let media = app.app.config.data.dir.join("media/ab");
        fs::create_dir_all(&media).unwrap();
        fs::write(media.join("photo.jpg"), b"two dancers").unwrap();
        let ana = app.user("Ana").await;
        let (picture, pixels) = picture_of(app, &ana).await;
        for n in 0..20 {
            ana.post("/posts", json!({"body": format!("post {n}")}))
                .await
                .expect(201);
        }

        if desk.database_url.is_empty() {
            // So large that the server commits many times while it is copied.
            let ballast = "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
                           SELECT i, randomblob(1000000) AS bytes FROM n";
            app.app.db.write(move |tx| async move { tx.batch(ballast).await }).await.unwrap();
        }
        let done = AtomicBool::new(false);
        let writing = async {
            let mut count = 20;
            while !done.load(Ordering::SeqCst) {
                ana.post("/posts", json!({"body": format!("post {count}")}))
                    .await
                    .expect(201);
                count += 1;
            }
            count
        };
        let backing_up = async {
            let mut command = desk.command(PASSPHRASE, &["backup", "--to", "$one"]);
            let output = tokio::task::spawn_blocking(move || command.output().unwrap())
                .await
                .unwrap();
            done.store(true, Ordering::SeqCst);
            output
        };
        let both = async { tokio::join!(backing_up, writing) };
        let both = tokio::time::timeout(Duration::from_secs(30), both).await;
        let (output, written) = both.expect("a busy server does not hold the backup up");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            output.status.success() && text.contains("The keys are in it, sealed"),
            "{text}"
        );
        assert!(written > 30, "it was written to meanwhile: {written}");
        assert!(!desk.path("one.partial").exists());

        desk.elsewhere().await;
        let text = desk.does(PASSPHRASE, &["restore", "--from", "$one"]);
        assert!(text.contains("All sessions were ended (1)"), "{text}");
        assert_eq!(
            fs::read(desk.data.join("media/ab/photo.jpg")).unwrap(),
            b"two dancers"
        );

        let restored = desk.serve().await;
        restored
            .post(
                "/api/v1/auth/refresh",
                json!({"refresh_token": ana.refresh_token, "device_token": ana.device_token}),
            )
            .await
            .refused(401, "session_revoked");
        let me = restored
            .http
            .get(format!("{}/api/v1/me", restored.url))
            .bearer_auth(&ana.token);
        testkit::Answer::of(me).await.refused(401, "session_revoked");

        let token = log_in(&restored).await;
        let media = restored
            .http
            .get(format!("{}/api/v1/media/{picture}", restored.url))
            .bearer_auth(&token);
        let media = testkit::Answer::of(media).await.expect(200);
        assert!(
            crate::media::fetch(&restored, &media["view"]["url"]).await == pixels,
            "the picture came back, and its address is signed"
        );
        let mut posts = bodies(&restored, &token).await;
        posts.sort_by_key(|body| body["post ".len()..].parse::<usize>().unwrap());
        let wanted: Vec<String> = (0..posts.len()).map(|n| format!("post {n}")).collect();
        assert!(
            (20..=written).contains(&posts.len()),
            "{} of {written} posts",
            posts.len()
        );
        assert_eq!(posts, wanted, "no post is missing before the last");
        ana.get("/me").await.expect(200);
        restored.end().await;
    })
    .await;
}

/// The program's own clock is the real one; the app's follows it.
fn catch_up_with_the_real_clock(app: &TestApp) {
    let real = base::Clock::system().now();
    app.clock
        .advance(real.since(app.clock.now()) + Duration::from_mins(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_after_a_backup_stays_revoked_after_its_restore() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        let ana = app.user("Ana").await;
        let other = ana.with(&log_in_session(app, "correct horse").await);
        catch_up_with_the_real_clock(app);
        let bruno = app.user("Bruno").await;
        let tokens = bruno
            .post("/auth/reauthenticate", json!({"password": "correct horse"}))
            .await
            .expect(200);
        let bruno = bruno.with(&tokens);
        let refreshed = ana
            .refresh(&ana.refresh_token, Some(&ana.device_token))
            .await
            .expect(200);
        let ana = ana.with(&refreshed);
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);

        let refreshed = other
            .refresh(&other.refresh_token, Some(&other.device_token))
            .await
            .expect(200);
        let other = other.with(&refreshed);
        other.post("/auth/logout", json!({})).await.expect(204);
        let change = json!({"current_password": "correct horse", "new_password": "a better battery"});
        bruno.post("/auth/password", change).await.expect(200);
        desk.elsewhere().await;
        bring_journal(app, &desk, 2).await;
        let text = desk.does(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
        assert!(text.contains("was done again"), "{text}");

        let restored = desk.serve().await;
        catch_up_with_the_real_clock(&restored);
        let (ana, other) = (ana.at(&restored), other.at(&restored));
        ana.get("/me").await.expect(200);
        other.get("/me").await.refused(401, "session_revoked");
        let form = |password: &str| json!({"email": "bruno@example.test", "password": password});
        let log_in = |password: &str| restored.post("/api/v1/auth/login", form(password));
        log_in("correct horse").await.refused(401, "wrong_credentials");
        log_in("a better battery").await.expect(200);
        restored.end().await;
    })
    .await;
}

/// Copies the app's journal, once it holds as many revocations, to where the desk restores.
async fn bring_journal(app: &TestApp, desk: &Desk, revocations: usize) {
    bring_journal_when(app, desk, |entries| entries.len() == revocations).await;
}

/// The same, once it holds what it shall.
async fn bring_journal_when(app: &TestApp, desk: &Desk, holds: impl Fn(&[Revocation]) -> bool) {
    let folder = app.app.config.data.dir.join(accounts::Journal::FOLDER);
    testkit::eventually(async || {
        let journal = accounts::Journal::read(&folder).unwrap()?;
        holds(&journal.since(journal.complete_since())).then_some(())
    })
    .await;
    let journal = desk.data.join(accounts::Journal::FOLDER);
    fs::create_dir_all(&journal).unwrap();
    let file = accounts::Journal::FILE;
    fs::copy(folder.join(file), journal.join(file)).unwrap();
}

/// Until every account whose time has come has ended.
async fn leave(app: &TestApp) {
    app.run_worker("accounts.leaving").await;
    testkit::eventually(async || {
        app.app.supervisor.wake("tasks.run");
        let counts = platform::tasks::counts(&app.app.db).await.unwrap();
        let due = counts.oldest_ready_at.is_some_and(|at| at <= app.clock.now());
        (!due && counts.running == 0).then_some(())
    })
    .await;
    app.run_worker("media.clean_up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_after_a_backup_leaves_again_after_its_restore() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let post = ana.post("/posts", json!({"body": "Adiós"})).await.expect(201);
        bruno.post("/posts", json!({"body": "Hola"})).await.expect(201);
        let (picture, _) = picture_of(app, &ana).await;
        catch_up_with_the_real_clock(app);
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);

        // She asks for the end of her account, and it comes.
        let ana = ana.with(&log_in_session(app, "correct horse").await);
        let request = ana.request(reqwest::Method::PUT, "/me/deletion");
        testkit::Answer::of(request.json(&json!({"username": "ana"})))
            .await
            .expect(200);
        app.clock.advance(Duration::from_hours(15 * 24));
        leave(app).await;
        let form = json!({"email": "ana@example.test", "password": "correct horse"});
        app.post("/api/v1/auth/login", form.clone())
            .await
            .refused(401, "wrong_credentials");
        desk.elsewhere().await;
        bring_journal_when(app, &desk, |entries| {
            entries.iter().any(|entry| entry.reason == Reason::Erased)
        })
        .await;
        desk.does(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);

        // The backup knows her; from the first moment on nobody is let in or takes it back.
        let restored = desk.serve().await;
        let named = async |name: &str| {
            let sql = "SELECT count(*) FROM member WHERE username = $1";
            let count: Option<i64> = restored
                .app
                .db
                .one(sql, params![name], |row| row.get(0))
                .await
                .unwrap();
            count.unwrap()
        };
        assert_eq!(named("ana").await, 1, "else this shows nothing");
        catch_up_with_the_real_clock(&restored);
        restored
            .post("/api/v1/auth/login", form.clone())
            .await
            .refused(403, "account_suspended");
        restored.clock.advance(Duration::from_hours(16 * 24));
        leave(&restored).await;
        assert_eq!(named("ana").await, 0);
        restored
            .post("/api/v1/auth/login", form)
            .await
            .refused(401, "wrong_credentials");
        let session = json!({"email": "bruno@example.test", "password": "correct horse"});
        let session = restored.post("/api/v1/auth/login", session).await.expect(200);
        let bruno = bruno.at(&restored).with(&session);
        for gone in [
            format!("/members/{}", ana.id),
            format!("/posts/{}", post["id"].as_str().unwrap()),
            format!("/media/{picture}"),
        ] {
            bruno.get(&gone).await.refused(404, "not_found");
        }
        let token = session["access_token"].as_str().unwrap();
        assert_eq!(bodies(&restored, token).await, ["Hola"], "others stay");
        let media = contents(&restored.app.config.data.dir.join("media"));
        assert!(media.is_empty(), "her bytes went, too: {:?}", media.keys());
        restored.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_taken_after_a_backup_stays_taken_after_its_restore() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        let (ana, bruno) = (app.user("Ana").await, app.user("Bruno").await);
        let id = |user: &testkit::TestUser| accounts::MemberId(user.id.parse().unwrap());
        let grant = async |user: &testkit::TestUser, role| {
            staff::grant(&app.app, By::CommandLine, id(user), role)
                .await
                .unwrap()
        };
        catch_up_with_the_real_clock(app);
        grant(&ana, Role::Admin).await;
        grant(&ana, Role::CommunityLeader).await;
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
        catch_up_with_the_real_clock(app);
        staff::revoke(&app.app, By::CommandLine, id(&ana), Role::Admin)
            .await
            .unwrap();
        grant(&bruno, Role::PlatformVolunteer).await;
        desk.elsewhere().await;
        bring_journal(app, &desk, 4).await;
        desk.does(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
        let listed = desk.does(PASSPHRASE, &["staff", "list"]);
        let roles_of = |name: &str| -> Vec<String> {
            let line = listed
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            line.split_whitespace().skip(3).map(str::to_owned).collect()
        };
        assert_eq!(roles_of("ana@"), ["community_leader"], "{listed}");
        assert_eq!(roles_of("bruno@"), ["platform_volunteer"], "{listed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_under_a_newer_pepper_works_on_an_older_backup() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        let ana = app.user("Ana").await;
        app.user("Bruno").await;
        catch_up_with_the_real_clock(app);
        let ana = ana.with(&log_in_session(app, "correct horse").await);
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
        catch_up_with_the_real_clock(app);
        // The master key is another one too by then: the backup's keys alone open nothing new.
        desk.does(PASSPHRASE, &["keys", "rotate-master"]);
        desk.does(PASSPHRASE, &["keys", "rotate-pepper"]);
        assert_eq!(app.run_worker("accounts.keys").await["peppers"], 2);
        let change = json!({"current_password": "correct horse", "new_password": "a better battery"});
        ana.post("/auth/password", change).await.expect(200);
        let former_keys = desk.data.join("keys");
        desk.elsewhere().await;

        // Without the keys of that time nobody can check it: neither it nor the one before is good.
        bring_journal(app, &desk, 2).await;
        let text = desk.does(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
        assert!(
            text.contains("cannot log in until they get a new password") && text.contains("ana@example.test")
        );
        assert!(!text.contains("bruno@example.test"), "{text}");
        let restored = desk.serve().await;
        let log_in = async |app: &TestApp, name: &str, password: &str| {
            let form = json!({"email": format!("{name}@example.test"), "password": password});
            app.post("/api/v1/auth/login", form).await
        };
        for password in ["correct horse", "a better battery", "!!!!!!!!"] {
            log_in(&restored, "ana", password)
                .await
                .refused(401, "wrong_credentials");
        }
        log_in(&restored, "bruno", "correct horse").await.expect(200);
        let lock = restored.app.clone();
        restored.end().await;
        lock.part::<server::archive::lock::DataLock>().release();

        // With them it is sealed anew, under the backup's own.
        desk.elsewhere_again("third").await;
        fs::create_dir_all(desk.data.join("keys")).unwrap();
        for (path, content) in contents(&former_keys) {
            fs::write(desk.data.join("keys").join(path.file_name().unwrap()), content).unwrap();
        }
        bring_journal(app, &desk, 2).await;
        let text = desk.does(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
        assert!(!text.contains("cannot log in"), "{text}");
        let restored = desk.serve().await;
        log_in(&restored, "ana", "correct horse")
            .await
            .refused(401, "wrong_credentials");
        log_in(&restored, "ana", "a better battery").await.expect(200);
        restored.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_never_lie_in_a_backup_in_the_clear() {
    let app = app_with(&[]).await;
    let desk = Desk::of(&app);
    desk.refuses("", &["backup", "--to", "$none"], "where should the keys go?");
    desk.refuses(
        "short",
        &["backup", "--to", "$none"],
        "the passphrase is too short",
    );
    desk.refuses(
        "",
        &["backup", "--to", "$none", "--keys", "$none/keys"],
        "kept apart",
    );
    desk.does(PASSPHRASE, &["backup", "--to", "$sealed"]);
    desk.does("", &["backup", "--to", "$apart", "--keys", "$keys.json"]);

    let key = fs::read(desk.data.join("keys/master.key")).unwrap();
    let key = key.trim_ascii();
    for (path, bytes) in contents(&desk.path("sealed"))
        .into_iter()
        .chain(contents(&desk.path("apart")))
    {
        assert!(
            !bytes.windows(key.len()).any(|part| part == key),
            "{} holds the key",
            path.display()
        );
    }
    assert!(!desk.path("apart/keys.sealed").exists() && desk.path("sealed/keys.sealed").exists());
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(desk.path("keys.json")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    desk.refuses(
        "",
        &["backup", "--to", "$again", "--keys", "$keys.json"],
        "is there already",
    );
    desk.refuses(PASSPHRASE, &["backup", "--to", "$sealed"], "is there already");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_refused_wherever_it_is() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        fs::create_dir_all(desk.data.join("media")).unwrap();
        fs::write(desk.data.join("media/photo.jpg"), b"two dancers").unwrap();
        app.user("Ana").await;
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
        desk.elsewhere().await;
        let files = contents(&desk.path("one"));
        assert_eq!(files.len(), 5, "{:?}", files.keys());
        for (path, good) in files {
            let mut bent = good.clone();
            bent[good.len() / 2] ^= 1;
            fs::write(&path, &bent).unwrap();
            desk.refuses(PASSPHRASE, &["restore", "--from", "$one"], "the backup");
            fs::write(&path, &good[..good.len() - 1]).unwrap();
            desk.refuses(PASSPHRASE, &["restore", "--from", "$one"], "the backup");
            fs::write(&path, good).unwrap();
        }
        fs::rename(desk.path("one/media/photo.jpg"), desk.path("photo.jpg")).unwrap();
        desk.refuses(
            PASSPHRASE,
            &["restore", "--from", "$one"],
            "the backup is damaged: media/photo.jpg",
        );
        fs::rename(desk.path("photo.jpg"), desk.path("one/media/photo.jpg")).unwrap();
        desk.does(PASSPHRASE, &["restore", "--from", "$one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_and_other_keys_are_refused() {
    let (app, other) = (
        app_with(&[]).await,
        testkit::TestApp::start(&other_server, None, &[]).await,
    );
    let mut desk = Desk::of(&app);
    desk.does(PASSPHRASE, &["backup", "--to", "$sealed"]);
    desk.does("", &["backup", "--to", "$apart", "--keys", "$keys.json"]);
    let foreign = Desk::of(&other);
    foreign.does("", &["backup", "--to", "$b", "--keys", "$keys.json"]);
    let foreign = foreign.path("keys.json");
    let foreign = foreign.to_str().unwrap();

    desk.elsewhere().await;
    desk.refuses(
        "another passphrase",
        &["restore", "--from", "$sealed"],
        "the passphrase is wrong",
    );
    desk.refuses("", &["restore", "--from", "$sealed"], "give their passphrase");
    desk.refuses(
        "",
        &["restore", "--from", "$sealed", "--keys", foreign],
        "these are other keys",
    );
    desk.refuses(
        PASSPHRASE,
        &["restore", "--from", "$apart"],
        "give their file with --keys",
    );
    desk.refuses(
        "",
        &["restore", "--from", "$apart", "--keys", foreign],
        "these are other keys",
    );
    desk.does("", &["restore", "--from", "$apart", "--keys", "$keys.json"]);
    for app in [app, other] {
        app.end().await;
    }
}

/// The same server with other chance, and so with other keys.
async fn other_server(
    config: platform::Config,
    clock: base::Clock,
    _: base::Entropy,
) -> (platform::AppState, axum::Router<platform::AppState>) {
    server(config, clock, base::Entropy::seeded(8)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_there_is_moved_aside_and_only_when_asked() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        app.user("Ana").await;
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
        desk.elsewhere().await;
        desk.does(PASSPHRASE, &["restore", "--from", "$one"]);
        let later = desk.serve().await;
        let berta = later.user("Berta").await;
        berta
            .post("/posts", json!({"body": "after the backup"}))
            .await
            .expect(201);
        // A server runs there: not even --replace may touch it.
        let words = if desk.database_url.is_empty() {
            "another mundo is using"
        } else {
            "a running mundo uses"
        };
        let (good, text) = desk.mundo(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
        assert!(!good && text.contains(words), "{text}");
        berta.get("/me").await.expect(200);
        let lock = later.app.clone();
        later.end().await;
        lock.part::<server::archive::lock::DataLock>().release();

        desk.refuses(
            PASSPHRASE,
            &["restore", "--from", "$one"],
            "holds data already; give --replace",
        );
        let before = contents(&desk.data);
        // PostgreSQL closes a connection a moment after its client.
        let mut outcome = (false, String::new());
        for _ in 0..20 {
            outcome = desk.mundo(PASSPHRASE, &["restore", "--from", "$one", "--replace"]);
            if !outcome.1.contains(words) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(outcome.0, "{}", outcome.1);
        let aside: Vec<PathBuf> = fs::read_dir(desk.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() && path.to_str().unwrap().contains("restored.before-restore-"))
            .collect();
        let [aside] = &aside[..] else { panic!("{aside:?}") };
        let moved: Vec<Vec<u8>> = contents(aside).into_values().collect();
        assert_eq!(moved, before.into_values().collect::<Vec<_>>());
        if !desk.database_url.is_empty() {
            let dump = PathBuf::from(format!("{}.pgdump", aside.display()));
            assert!(fs::metadata(dump).unwrap().len() > 0);
        }
        let restored = desk.serve().await;
        let token = log_in(&restored).await;
        assert!(
            bodies(&restored, &token).await.is_empty(),
            "what came after the backup is gone"
        );
        restored.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_on_the_same_folder_is_refused() {
    let app = app_with(&[]).await;
    let desk = Desk::of(&app);
    for arguments in [&["serve", "--port", "0"][..], &["migrate"]] {
        let (good, text) = ends(desk.command("", arguments)).await;
        assert!(
            !good && text.contains("another mundo is using the data folder"),
            "{text}"
        );
    }
    assert_eq!(app.get("/healthz").await.status, 200, "the first one goes on");
    app.end().await;
}

/// Changes what a backup says of itself, and its hash with it.
fn bend(backup: &Path, change: impl FnOnce(&mut Value)) {
    let path = backup.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    let text = serde_json::to_string(&manifest).unwrap();
    let hash = blake3::hash(text.as_bytes()).to_hex();
    fs::write(backup.join("manifest.blake3"), format!("{hash}  manifest.json\n")).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_for_this_program_is_refused() {
    each_db(async |app| {
        let mut desk = Desk::of(app);
        desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
        desk.elsewhere().await;
        let backup = desk.path("one");
        let good = contents(&backup);
        let restore = ["restore", "--from", "$one"];
        let wrong: [(&str, Value, &str); 3] = [
            (
                "schema_version",
                json!(9999),
                "the backup has schema version 9999",
            ),
            ("format", json!(2), "the backup has format 2"),
            (
                "engine",
                json!("oracle"),
                "of \"oracle\", which this version of mundo does not know",
            ),
        ];
        for (key, value, words) in wrong {
            bend(&backup, |manifest| manifest[key] = value);
            desk.refuses(PASSPHRASE, &restore, words);
            for (path, bytes) in &good {
                fs::write(path, bytes).unwrap();
            }
        }
        bend(&backup, |manifest| {
            manifest["files"]["../outside"] = manifest["files"]["keys.sealed"].clone();
        });
        desk.refuses(PASSPHRASE, &restore, "names a file outside the backup");
        for (path, bytes) in &good {
            fs::write(path, bytes).unwrap();
        }
        let own = std::mem::take(&mut desk.database_url);
        desk.database_url = if own.is_empty() {
            "postgres://127.0.0.1:1/x".to_owned()
        } else {
            String::new()
        };
        desk.refuses(PASSPHRASE, &restore, "the backup is of ");
        desk.database_url = own;
        desk.does(PASSPHRASE, &restore);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_others_or_of_a_later_version_is_not_written_over() {
    let url = testkit::postgres_url().await;
    let app = TestApp::start(&server, Some(url), &[]).await;
    let mut desk = Desk::of(&app);
    desk.does(PASSPHRASE, &["backup", "--to", "$one"]);
    desk.elsewhere().await;
    let place = db::Place::Postgres(desk.database_url.clone());
    let settings = db::Settings {
        place,
        ..server::lifecycle::database(&app.app.config)
    };
    let other = db::Db::open(&settings).await.unwrap();
    other.administer("CREATE TABLE recipe (name TEXT)").await.unwrap();
    let restore = ["restore", "--from", "$one", "--replace"];
    // Our own connection counts as a running server until it is closed.
    other.close().await;
    desk.refuses(PASSPHRASE, &restore, "tables that are not ours");

    let other = db::Db::open(&settings).await.unwrap();
    other.administer("DROP TABLE recipe").await.unwrap();
    db::migrate::migrate(&other, &base::Clock::system())
        .await
        .unwrap();
    let later =
        "INSERT INTO schema_migration SELECT 9999, name, checksum, applied_at FROM schema_migration LIMIT 1";
    other.administer(later).await.unwrap();
    other.close().await;
    desk.refuses(
        PASSPHRASE,
        &restore,
        "the database has schema version 9999, newer than the backup's",
    );
    app.end().await;
}

#[test]
fn a_backup_goes_back_to_its_own_kind_of_database() {
    let desk = Desk {
        folder: tempfile::tempdir().unwrap(),
        data: "nowhere".into(),
        database_url: String::new(),
    };
    desk.refuses(
        PASSPHRASE,
        &["backup", "--to", "$one"],
        "there is no database in nowhere",
    );
    desk.refuses(PASSPHRASE, &["restore", "--from", "$one"], "is not a backup");
    for (command, words) in [("backup", "--passphrase-file"), ("restore", "--replace")] {
        let help = desk.does("", &[command, "--help"]);
        assert!(
            help.contains(words) && help.contains("MUNDO_BACKUP_PASSPHRASE"),
            "{help}"
        );
    }
}
