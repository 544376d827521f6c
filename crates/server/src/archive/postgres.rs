//! The tools of `PostgreSQL`. The password reaches them through the environment,
//! since everybody on the machine may read a command line.

use anyhow::{Context, Result, bail};
use std::{
    ffi::OsString,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Dumps the database into a new file.
pub fn dump(url: &str, to: &Path) -> Result<()> {
    run(
        "pg_dump",
        url,
        &[
            "--format=custom".into(),
            "--no-password".into(),
            "--file".into(),
            to.into(),
        ],
    )?;
    // pg_dump goes by the umask.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(to, private)?;
    Ok(())
}

/// Puts a dump in the place of what is there, all of it or nothing.
pub fn restore(url: &str, from: &Path) -> Result<()> {
    let options = [
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        "--no-password",
    ];
    let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
    arguments.push(from.into());
    run("pg_restore", url, &arguments)
}

fn run(tool: &str, url: &str, arguments: &[OsString]) -> Result<()> {
    let (address, password) = without_password(url);
    let start = |program: &Path| -> std::io::Result<Output> {
        let mut command = Command::new(program);
        command
            .arg("--dbname")
            .arg(&address)
            .args(arguments)
            .stdin(Stdio::null());
        if let Some(password) = &password {
            command.env("PGPASSWORD", password);
        }
        command.output()
    };
    let mut output = start(Path::new(tool));
    if output
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
        && let Some(path) = installed(tool)
    {
        output = start(&path);
    }
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "{tool} is missing; install PostgreSQL's client programs, of the server's version or a later one"
            )
        }
        output => output.with_context(|| format!("{tool} cannot be started"))?,
    };
    if !output.status.success() {
        bail!(
            "{tool} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Debian's place for them; the latest version.
fn installed(tool: &str) -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = folders
        .map(|folder| folder.path())
        .filter(|path| path.join("bin").join(tool).exists());
    Some(newest.max_by_key(version)?.join("bin").join(tool))
}

/// The address without its password, and the password.
fn without_password(url: &str) -> (String, Option<OsString>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, mut password) = match user.split_once(':') {
        Some((user, password)) => (user, Some(decode(password))),
        None => (user, None),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut kept = vec![];
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.strip_prefix("password=") {
            Some(value) => password = Some(decode(value)),
            None => kept.push(part),
        }
    }
    let at = if user.is_empty() { "" } else { "@" };
    let mark = if kept.is_empty() { "" } else { "?" };
    (
        format!("{scheme}://{user}{at}{hosts}{path}{mark}{}", kept.join("&")),
        password,
    )
}

fn decode(text: &str) -> OsString {
    let (bytes, mut plain, mut at) = (text.as_bytes(), vec![], 0);
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                plain.push(byte);
                at += 3;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    std::os::unix::ffi::OsStringExt::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address() {
        let cases = [
            (
                "postgres://ana:s%40cret@db:5/m?sslmode=require",
                "postgres://ana@db:5/m?sslmode=require",
                Some("s@cret"),
            ),
            (
                "postgres://ana@db/m?password=p%25w&connect_timeout=3",
                "postgres://ana@db/m?connect_timeout=3",
                Some("p%w"),
            ),
            ("postgresql://db", "postgresql://db", None),
            (
                "postgres://ana:a:b%zz@h1:1,h2:2/m",
                "postgres://ana@h1:1,h2:2/m",
                Some("a:b%zz"),
            ),
        ];
        for (url, address, password) in cases {
            assert_eq!(
                without_password(url),
                (address.to_owned(), password.map(OsString::from)),
                "{url}"
            );
        }
    }
}
