//! What `docs/security` says, held against the server and its tests.
//!
//! `asvs.csv` is the table; `asvs.md` is made from it. With
//! `MUNDO_TEST_WRITE_DOCS` set, the document is written instead of compared.

use crate::foreign::root;
use accounts::rotation::{GRACE, REPEATS_A_DAY, UNREMARKABLE};
use base::Password;
use platform::{Config, config::Sources, http::Caller};
use std::{collections::HashMap, fmt::Write, fs, path::Path};

/// Requirements of ASVS 5.0 that apply to this product.
const REQUIREMENTS: usize = 147;

struct Row {
    id: String,
    level: String,
    area: String,
    requirement: String,
    status: String,
    evidence: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fields of one line; quotes hold commas, as RFC 4180 says.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("one is there").push(letter),
        }
    }
    fields
}

fn table() -> Vec<Row> {
    let text = read("docs/security/asvs.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,level,area,requirement,status,evidence"));
    lines
        .map(|line| {
            let fields: [String; 6] = fields(line)
                .try_into()
                .unwrap_or_else(|_| panic!("not six fields: {line}"));
            let [id, level, area, requirement, status, evidence] = fields;
            Row {
                id,
                level,
                area,
                requirement,
                status,
                evidence,
            }
        })
        .collect()
}

/// Whether `crates/…/file.rs::name` is a test that `make test` runs.
fn is_a_test(reference: &str) -> bool {
    let Some((path, name)) = reference.split_once("::") else {
        return false;
    };
    let Ok(text) = fs::read_to_string(root().join(path)) else {
        return false;
    };
    let Some(at) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    let before = &text[..at];
    let attributes = &before[before.rfind("\n\n").unwrap_or(0)..];
    let tested = ["#[test]", "#[tokio::test"]
        .iter()
        .any(|mark| attributes.contains(mark));
    tested && !attributes.contains("#[ignore")
}

#[test]
fn a_test_is_recognised_and_nothing_else() {
    let own = "crates/server/tests/it/security.rs";
    assert!(is_a_test(&format!(
        "{own}::a_test_is_recognised_and_nothing_else"
    )));
    for other in ["is_a_test", "table", "no_such_name", "read"] {
        assert!(!is_a_test(&format!("{own}::{other}")), "{other}");
    }
    let ignored =
        "crates/server/tests/it/attacks/refresh.rs::fifty_at_once_hear_of_one_successor_a_thousand_times";
    assert!(!is_a_test(ignored) && !is_a_test("crates/server/tests/it/none.rs::x"));
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let rows = table();
    let ids: std::collections::HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((rows.len(), ids.len()), (REQUIREMENTS, REQUIREMENTS));
    let mut missing = vec![];
    for row in &rows {
        assert!(
            row.id.starts_with('V') && row.requirement.len() > 10,
            "{}",
            row.id
        );
        assert!(["L1", "L2", "L3"].contains(&row.level.as_str()), "{}", row.id);
        match row.status.as_str() {
            "proven" => {
                assert!(!row.evidence.is_empty(), "{} names no test", row.id);
                let tests = row.evidence.split(' ').filter(|test| !is_a_test(test));
                missing.extend(tests.map(|test| format!("{}: {test}", row.id)));
            }
            "not_applicable" | "open" => assert!(row.evidence.len() > 20, "{} gives no reason", row.id),
            other => panic!("{}: {other} is no status", row.id),
        }
    }
    assert!(
        missing.is_empty(),
        "tests that do not exist:\n{}",
        missing.join("\n")
    );
}

fn document(rows: &[Row]) -> String {
    let count = |status| rows.iter().filter(|row| row.status == status).count();
    let mut text = format!(
        "# OWASP ASVS 5.0: where each requirement stands\n\n\
         Made from [asvs.csv](asvs.csv), in our own words; a test fails when it is stale\n\
         or names a test that does not exist. Of {} requirements {} are proven by a test,\n\
         {} are open and {} do not apply.\n",
        rows.len(),
        count("proven"),
        count("open"),
        count("not_applicable")
    );
    let mut area = "";
    for row in rows {
        if row.area != area {
            area = &row.area;
            write!(
                text,
                "\n## {area}\n\n| id | level | requirement | status | shown by, or why not |\n| --- | --- | --- | --- | --- |\n"
            )
            .unwrap();
        }
        let evidence = match row.status.as_str() {
            "proven" => row
                .evidence
                .split(' ')
                .map(|test| format!("`{}`", short(test)))
                .collect::<Vec<_>>()
                .join("<br>"),
            _ => row.evidence.clone(),
        };
        let status = row.status.replace('_', " ");
        writeln!(
            text,
            "| {} | {} | {} | {status} | {evidence} |",
            row.id, row.level, row.requirement
        )
        .unwrap();
    }
    text
}

/// As nextest names it: the crate, then the path of modules.
fn short(reference: &str) -> String {
    let (path, name) = reference.split_once("::").unwrap_or((reference, ""));
    let modules = path.trim_start_matches("crates/").trim_end_matches(".rs");
    let modules = modules.replace("/src/", " ").replace("/tests/it/", " ");
    format!("{}::{name}", modules.trim_end_matches("/mod").replace('/', "::"))
}

#[test]
fn the_document_is_made_from_the_table() {
    let made = document(&table());
    let path = "docs/security/asvs.md";
    if std::env::var_os("MUNDO_TEST_WRITE_DOCS").is_some() {
        fs::write(root().join(path), &made).expect("the document is written");
    }
    let stands = read(path);
    assert!(
        stands == made,
        "{path} is stale: run MUNDO_TEST_WRITE_DOCS=1 cargo nextest run -p server security::"
    );
}

/// The rows of the document's tables whose first cell is followed by a number or a word.
fn told() -> HashMap<String, (String, String)> {
    read("docs/security/README.md")
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .trim()
                .strip_prefix('|')?
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect();
            let [name, value, shown, _] = cells.as_slice() else {
                return None;
            };
            Some(((*name).to_owned(), ((*value).to_owned(), (*shown).to_owned())))
        })
        .collect()
}

#[test]
fn the_numbers_in_the_document_are_the_servers_own() {
    let (config, _) = Config::load(&Sources::default()).expect("the defaults are good");
    let told = told();
    let mut checked = 0;
    for origin in config.origins() {
        if !origin.key.starts_with("accounts.") && !origin.key.starts_with("limits.") {
            continue;
        }
        let (value, shown) = told
            .get(origin.key)
            .unwrap_or_else(|| panic!("{} does not stand in the document", origin.key));
        assert_eq!(*value, origin.value, "{}", origin.key);
        assert!(
            is_a_test(shown) || shown.starts_with("named for"),
            "{}: {shown} is no test",
            origin.key
        );
        checked += 1;
    }
    assert!(checked > 20, "only {checked} settings");
    let seconds = |span: std::time::Duration| span.as_secs().to_string();
    for (name, value) in [
        (
            "a lost answer is given again until its successor is used this long after, in seconds",
            seconds(GRACE),
        ),
        (
            "repeats after this enter the security log, in seconds",
            seconds(UNREMARKABLE),
        ),
        (
            "repeats a day once the successor was used",
            REPEATS_A_DAY.to_string(),
        ),
        ("characters at least", Password::MIN.to_string()),
        ("characters at most", Password::MAX.to_string()),
        ("proof is fresh, in seconds", seconds(accounts::FRESH)),
    ] {
        let (told, shown) = told.get(name).unwrap_or_else(|| panic!("no row: {name}"));
        assert_eq!(*told, value, "{name}");
        assert!(is_a_test(shown), "{name}: {shown} is no test");
    }
}

#[test]
fn every_way_in_stands_in_the_document() {
    let document = read("docs/security/README.md");
    let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
    let (operations, _) = server::router::table();
    let mut ways = 0;
    for operation in &operations {
        let is_auth = operation.path.starts_with("/auth/");
        if is_auth {
            let named = format!("`POST {}`", operation.path);
            assert!(document.contains(&named), "{named} is not documented");
            ways += 1;
        }
        // Whoever is not known yet gets in by /auth or not at all.
        let only_reads = ["get", "head", "options"].contains(&operation.method);
        let may_change = !only_reads && operation.caller == Some(Caller::Public);
        let takes_reports = operation.path == "/errors/client" || operation.id.contains("report");
        // By a signed link of a mail, for who is suspended.
        let takes_links = operation.path == "/appeals" && document.contains("`POST /appeals`");
        assert!(
            !may_change || is_auth || takes_reports || takes_links,
            "{} {} is open to strangers",
            operation.method,
            operation.path
        );
    }
    assert!(ways >= 8, "{ways}");
}

#[test]
fn every_way_out_stands_in_the_document() {
    let (config, _) = Config::load(&Sources::default()).expect("the defaults are good");
    let document = read("docs/security/README.md");
    let (_, ways_out) = document.split_once("## Ways out").expect("the section");
    for origin in config.origins() {
        let leads_out = ["url", "dsn", "endpoint", "host"]
            .iter()
            .any(|end| origin.key.ends_with(end));
        if leads_out && origin.key != "server.host" {
            assert!(
                ways_out.contains(&format!("`{}`", origin.key)),
                "{} is not documented",
                origin.key
            );
        }
    }
    // No client of HTTP is linked into slices: what they call goes through `platform::outbound`.
    assert!(ways_out.contains("`push.services`") && ways_out.contains("`platform::outbound`"));
    for manifest in ["accounts", "community", "realtime", "db", "base"] {
        let text = read(
            Path::new(&format!("crates/{manifest}/Cargo.toml"))
                .to_str()
                .unwrap(),
        );
        let own = text.split("[dev-dependencies]").next().unwrap();
        assert!(!own.contains("reqwest") && !own.contains("hyper"), "{manifest}");
    }
}
