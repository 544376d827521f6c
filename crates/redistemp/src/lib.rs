#![doc = include_str!("../README.md")]

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A Redis that forgets everything when it ends; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    port: u16,
    child: Option<Child>,
}

impl Server {
    pub fn start() -> io::Result<Server> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut server = Server { port, child: None };
        server.resume()?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port, empty, and waits until it answers.
    pub fn resume(&mut self) -> io::Result<()> {
        self.stop();
        let child = Command::new(program()?)
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let child = self.child.insert(child);
        let give_up = Instant::now() + PATIENCE;
        while say(self.port, "PING").ok().as_deref() != Some("+PONG\r\n") {
            if let Some(status) = child.try_wait()? {
                return Err(io::Error::other(format!("Redis ended with {status}")));
            }
            if Instant::now() > give_up {
                return Err(io::Error::other("Redis did not start in time"));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// It still accepts connections, but does not answer.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a command of plain words; gives the answer as Redis wrote it.
    pub fn say(&self, command: &str) -> io::Result<String> {
        say(self.port, command)
    }

    fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill")
                .args([name, &child.id().to_string()])
                .status();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Short answers alone: what comes in one piece.
fn say(port: u16, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut buffer = vec![0; 65_536];
    let length = stream.read(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tells tests where Redis is; no setting of the server"
)]
fn program() -> io::Result<std::path::PathBuf> {
    if let Ok(program) = std::env::var("MUNDO_TEST_REDIS") {
        return Ok(program.into());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| [folder.join("redis-server"), folder.join("valkey-server")])
        .find(|program| program.exists())
        .ok_or_else(|| io::Error::other("Redis is missing: apt-get install redis-server"))
}
