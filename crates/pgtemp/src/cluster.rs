//! One cluster in one folder.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_mins(1);

/// A running cluster; dropping it stops it and deletes its folder.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub fn start() -> io::Result<Cluster> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mundo-pg-{}-{n}", std::process::id()));
        let mut cluster = create(&folder)?;
        cluster.resume()?;
        Ok(cluster)
    }

    /// The address of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first process of the server.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Stops the server, cutting its connections; its data stays.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            signal(server.id(), "-INT");
            let _ = server.wait();
        }
    }

    /// Stops every process of the server in its tracks: connections stay open and nobody answers.
    pub fn freeze(&self) {
        self.signal_all("-STOP");
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.signal_all("-CONT");
    }

    /// The first process before its children, so that it makes no more of them.
    fn signal_all(&self, name: &str) {
        let Some(pid) = self.pid() else { return };
        signal(pid, name);
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            signal(child, name);
        }
    }

    /// Starts a stopped server on the same port.
    pub fn resume(&mut self) -> io::Result<()> {
        self.server = Some(serve(&self.folder, self.port)?);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Makes the folder of a cluster; nothing runs yet.
pub(crate) fn create(folder: &Path) -> io::Result<Cluster> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    if let Some((uid, gid)) = other_user()? {
        chown(folder, Some(uid), Some(gid))?;
    }
    let made = tool("initdb")?
        .args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()?;
    if !made.status.success() {
        let text = String::from_utf8_lossy(&made.stderr).into_owned();
        return Err(io::Error::other(format!("initdb failed: {text}")));
    }
    Ok(Cluster {
        folder: folder.to_owned(),
        port: free_port()?,
        server: None,
    })
}

/// Starts the server and waits until it answers.
pub(crate) fn serve(folder: &Path, port: u16) -> io::Result<Child> {
    let mut server = tool("postgres")?
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
        // Nothing here outlives the run, so nothing need reach the disk.
        .args([
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "max_connections=300",
        ])
        .args(["-c", "shared_buffers=128MB", "-c", "autovacuum_naptime=10min"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("log")).map_or(Stdio::null(), Stdio::from))
        .process_group(0)
        .spawn()?;
    let give_up = Instant::now() + PATIENCE;
    while !answers(folder, port) {
        if let Some(status) = server.try_wait()? {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            return Err(io::Error::other(format!("PostgreSQL ended with {status}: {log}")));
        }
        if Instant::now() > give_up {
            signal(server.id(), "-KILL");
            return Err(io::Error::other("PostgreSQL did not start in time"));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(server)
}

/// `ready` stands in the lock file once the server takes connections.
fn answers(folder: &Path, port: u16) -> bool {
    let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    state.lines().nth(7).is_some_and(|line| line.trim() == "ready")
        && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

pub(crate) fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([name, &pid.to_string()]).status();
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A server program, run as another user when we are root.
fn tool(name: &str) -> io::Result<Command> {
    let mut command = Command::new(bin_folder()?.join(name));
    command.env_remove("PGDATA").env("LC_ALL", "C");
    if let Some((uid, gid)) = other_user()? {
        command.uid(uid).gid(gid);
    }
    Ok(command)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tells tests where PostgreSQL is; no setting of the server"
)]
fn bin_folder() -> io::Result<PathBuf> {
    if let Ok(folder) = std::env::var("MUNDO_TEST_PG_BIN") {
        return Ok(folder.into());
    }
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    let on_path = std::env::var("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .ok_or_else(|| {
            io::Error::other("PostgreSQL's server programs are missing: apt-get install postgresql")
        })
}

/// The user to run as when we are root: `postgres`, else `nobody`.
fn other_user() -> io::Result<Option<(u32, u32)>> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1));
    if uid != Some("0") {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| {
            let mut parts = users
                .lines()
                .find(|line| line.starts_with(&format!("{name}:")))?
                .split(':')
                .skip(2);
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
        .map(Some)
        .ok_or_else(|| {
            io::Error::other("PostgreSQL refuses to run as root, and there is no user to run it as")
        })
}
