//! One cluster for all test processes that run at the same time.

use crate::cluster;
use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Holds `users.lock` until this process ends.
static USE: OnceLock<(File, u16)> = OnceLock::new();

/// The address of a database of the shared cluster, which is started when it does not run.
pub fn shared(database: &str) -> io::Result<String> {
    if USE.get().is_none() {
        let _ = USE.set(join()?);
    }
    let (_, port) = USE.get().expect("joined above");
    Ok(cluster::url(*port, database))
}

fn join() -> io::Result<(File, u16)> {
    // One folder for each checkout, so that two of them do not share a schema.
    let checkout = env!("CARGO_MANIFEST_DIR").bytes();
    let tag = checkout.fold(0xcbf2_9ce4_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let folder = std::env::temp_dir().join(format!("mundo-pg-shared-{tag:08x}"));
    fs::create_dir_all(&folder)?;
    let starting = File::create(folder.join("start.lock"))?;
    starting.lock()?;
    let users = File::create(folder.join("users.lock"))?;
    users.lock_shared()?;
    let ready = folder.join("ready");
    if let Some(port) = fs::read_to_string(&ready).ok().and_then(|port| port.parse().ok())
        && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    {
        return Ok((users, port));
    }
    let place = folder.join("cluster");
    let new = cluster::create(&place)?;
    let port = new.port();
    // The watchdog deletes the folder, not this process.
    std::mem::forget(new);
    let server = cluster::serve(&place, port)?;
    watch(&folder, server.id())?;
    fs::write(ready, port.to_string())?;
    Ok((users, port))
}

/// Stops the cluster as soon as no process uses it, looking every ten seconds. Hundreds of databases take
/// minutes to delete, so that happens when the next cluster may be there already.
fn watch(folder: &Path, server: u32) -> io::Result<()> {
    const SCRIPT: &str = r#"cd "$1" || exit 1
while sleep 10; do
    if flock --nonblock --exclusive users.lock sh -c 'rm -f ready; kill -INT "$1"; sleep 1; mv cluster "gone.$1"' sh "$2"; then
        exec rm -rf "gone.$2"
    fi
done"#;
    Command::new("setsid")
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(folder)
        .arg(server.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}
