//! The program as a child process: started, asked, killed, started again.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a start or an end may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Rate limits out of the way and hashing that costs nothing.
pub const UNHINDERED: [(&str, &str); 3] = [
    ("MUNDO_LIMITS", "off"),
    ("MUNDO_ACCOUNTS_ARGON2_MEMORY_KIB", "64"),
    ("MUNDO_ACCOUNTS_ARGON2_PASSES", "1"),
];

/// `mundo serve` on a free port with a data folder of its own; dropping it kills it.
pub struct Server {
    pub url: String,
    pub database_url: Option<String>,
    pub http: Client,
    port: u16,
    environment: Vec<(String, String)>,
    folder: TempDir,
    working_folder: PathBuf,
    data: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// A server that is not started yet.
    pub fn new(database_url: Option<String>, environment: &[(&str, &str)]) -> Server {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|own| own.local_addr())
            .expect("a port is free")
            .port();
        let texts = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let database = database_url.clone().map(|url| ("DATABASE_URL".to_owned(), url));
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        Server {
            url: format!("http://127.0.0.1:{port}"),
            environment: texts.chain(database).collect(),
            database_url,
            http: testkit::http()
                .timeout(Duration::from_secs(40))
                .build()
                .expect("a client"),
            port,
            working_folder: folder.path().to_owned(),
            data: folder.path().join("data"),
            folder,
            child: None,
        }
    }

    /// Another node of a cluster, with the same keys.
    pub fn with_data_of(mut self, data: &Path) -> Server {
        data.clone_into(&mut self.data);
        self
    }

    /// Changes the environment of the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The folder that holds its data and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts in another working folder from now on.
    pub fn stands_in(&mut self, folder: &Path) {
        folder.clone_into(&mut self.working_folder);
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    /// Starts the program, which must end by itself, and tells what it said.
    pub async fn refusal(&mut self) -> String {
        let output = self.command().output().expect("the program starts");
        assert!(!output.status.success(), "it started");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program().0);
        command
            .args(["serve", "--port", &self.port.to_string(), "--data"])
            .arg(self.data())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.working_folder);
        command
    }

    /// Starts the program and tells how long it took to its first answer.
    pub async fn start(&mut self) -> Duration {
        assert!(self.child.is_none(), "it runs already");
        let began = Instant::now();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log opens");
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(File::create(self.folder.path().join("stdout")).expect("a file"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
        // A client of its own: the first answer must not come over an old connection.
        let http = testkit::http().build().expect("a client is built");
        loop {
            if let Ok(answer) = http.get(format!("{}/livez", self.url)).send().await {
                assert_eq!(answer.status(), 200, "the first answer");
                return began.elapsed();
            }
            assert!(self.is_running(), "the program ended: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "no answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("the child is ours").is_none()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        assert!(self.is_running(), "the program ended by itself: {}", self.log());
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("the child is killed");
        child.wait().expect("the child ends");
    }

    /// SIGTERM; tells how it ended and how long that took.
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().expect("it runs");
        let began = Instant::now();
        let sent = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "the program was gone: {}", self.log());
        loop {
            if let Some(status) = child.try_wait().expect("the child is ours") {
                return (status, began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("it does not end: {}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// All that it wrote to its standard error, over all starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    /// The server's database, seen past the server.
    pub async fn database(&self) -> db::Db {
        let place = match &self.database_url {
            Some(url) => db::Place::Postgres(url.clone()),
            None => db::Place::Sqlite(Path::new(&self.data()).join("mundo.db")),
        };
        let settings = db::Settings {
            place,
            readers: 1,
            writers: 1,
            statement_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
        };
        db::Db::open(&settings).await.expect("the database opens")
    }

    pub async fn member(&self, name: &str) -> Member {
        let body = json!({
            "email": format!("{name}@example.test"), "password": "correct horse",
            "username": name, "display_name": name,
        });
        let answer = self
            .http
            .post(format!("{}/api/v1/auth/register", self.url))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201);
        let session: Value = answer.json().await.expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Member {
            token: text(&session["access_token"]),
            refresh_token: text(&session["refresh_token"]),
            device_token: text(&session["device_token"]),
            url: self.url.clone(),
            http: self.http.clone(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A member who bears with a server that is not there.
#[derive(Clone)]
pub struct Member {
    pub token: String,
    pub refresh_token: String,
    pub device_token: String,
    url: String,
    http: Client,
}

/// What arrived, whole.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Member {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Result<Heard, reqwest::Error> {
        hear(self.request(Method::GET, path)).await
    }

    pub async fn publish(&self, body: &str, key: &str) -> Result<Heard, reqwest::Error> {
        hear(
            self.request(Method::POST, "/posts")
                .header("idempotency-key", key)
                .json(&json!({"body": body})),
        )
        .await
    }

    pub async fn refresh(&self) -> Result<Heard, reqwest::Error> {
        let body = json!({"refresh_token": self.refresh_token, "device_token": self.device_token});
        hear(
            self.http
                .post(format!("{}/api/v1/auth/refresh", self.url))
                .json(&body),
        )
        .await
    }

    /// Every post of this member, by the API, page by page: id and body.
    pub async fn posts(&self) -> Vec<(String, String)> {
        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let page = self
                .get(&format!("/posts?limit=100{cursor}"))
                .await
                .expect("an answer");
            assert_eq!(page.status, 200, "{page:?}");
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let items = page.body["items"].as_array().expect("a list");
            seen.extend(items.iter().map(|post| (text(&post["id"]), text(&post["body"]))));
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    }
}

/// An answer counts once all of it has arrived.
async fn hear(request: RequestBuilder) -> Result<Heard, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Heard {
        status,
        headers,
        body,
    })
}

/// The program under test, and whether it is a release build: another one than cargo's own
/// stands in `MUNDO_TEST_RELEASE`.
pub fn program() -> (PathBuf, bool) {
    match std::env::var_os("MUNDO_TEST_RELEASE") {
        Some(path) => (path.into(), true),
        None => (
            PathBuf::from(env!("CARGO_BIN_EXE_mundo")),
            !cfg!(debug_assertions),
        ),
    }
}
