//! Who may call what: every route and every message of the sockets, for
//! `docs/security/access.md` and for the test that tries all of it.

use accounts::{Permission, Role, Roles};
use platform::http::{Caller, Operation};
use realtime::{Direction, SocketEvent};
use std::fmt::Write;

/// What the port answers beside the table of routes, for `GET`. `None`: somebody at the machine alone.
pub const PAGES: &[(&str, Option<Caller>)] = &[
    ("/", Some(Caller::Public)),
    ("/api/asyncapi.json", Some(Caller::Public)),
    ("/api/openapi.json", Some(Caller::Public)),
    ("/docs", Some(Caller::Public)),
    ("/docs/errors", Some(Caller::Public)),
    ("/docs/realtime", Some(Caller::Public)),
    ("/livez", Some(Caller::Public)),
    ("/readyz", Some(Caller::Public)),
    ("/healthz", Some(Caller::Public)),
    ("/.well-known/jwks.json", Some(Caller::Public)),
    ("/metrics", Some(Caller::Operator)),
    ("/dev/mail", None),
];

/// The roles of the platform that may call the route, anonymous callers aside.
pub fn roles(caller: Caller) -> Vec<Role> {
    let permission = match caller {
        Caller::Public | Caller::Member => return Role::ALL.to_vec(),
        Caller::Staff(word) | Caller::Moderator(word) => Permission::parse(word),
        Caller::Operator => Some(Permission::PlatformAnalytics),
    };
    Role::ALL
        .iter()
        .copied()
        .filter(|role| permission.is_some_and(|wanted| Roles::NONE.with(*role).may(wanted)))
        .collect()
}

fn whom(caller: Caller) -> String {
    match caller {
        Caller::Public => "everybody".to_owned(),
        Caller::Member => "every member".to_owned(),
        Caller::Staff(_) => words(caller),
        Caller::Moderator(_) => format!(
            "{}; in theirs, admins and moderators of a community",
            words(caller)
        ),
        Caller::Operator => format!("callers on the machine; {}", words(caller)),
    }
}

fn words(caller: Caller) -> String {
    let words: Vec<&str> = roles(caller).into_iter().map(Role::as_str).collect();
    words.join(", ")
}

/// The page `docs/security/access.md`.
pub fn document(operations: &[Operation], events: &[SocketEvent]) -> String {
    let mut page = String::from(
        "# Who may call what\n\n\
         Made from the table of routes by `make openapi`; `crates/server/tests/it/access.rs` calls every route\n\
         as nobody, as a member and with each role, and compares. *Fresh* routes want a password given within\n\
         ten minutes. A personal access token opens what names a scope, if the token has it, and nothing else. What a member may do to somebody else's things is decided by the policy of each slice.\n\n\
         | method | path | caller | permission | fresh | token scope | allowed |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut operations: Vec<&Operation> = operations.iter().collect();
    operations.sort_by_key(|operation| (operation.path, operation.method));
    for operation in operations {
        let caller = operation.caller.unwrap_or(Caller::Public);
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} | {} | {} | {} |",
            operation.method.to_uppercase(),
            operation.path,
            caller.as_str(),
            caller.permission().unwrap_or("–"),
            if operation.fresh { "yes" } else { "–" },
            operation.scope.unwrap_or("–"),
            whom(caller),
        );
    }
    page.push_str("\nBeside the API, for `GET`:\n\n| path | allowed |\n| --- | --- |\n");
    for (path, caller) in PAGES {
        let whom = caller.map_or_else(
            || "callers on the machine, without a mail server".to_owned(),
            whom,
        );
        let _ = writeln!(page, "| `{path}` | {whom} |");
    }
    page.push_str(
        "\n## Sockets\n\nA connection is for members with a valid access token. What they say (*in*) is checked against their \
         session's rights each time.\n\n| message | direction | whom |\n| --- | --- | --- |\n",
    );
    let mut events: Vec<&SocketEvent> = events.iter().collect();
    events.sort_by_key(|event| (event.direction != Direction::Inbound, event.name));
    for event in events {
        let direction = if event.direction == Direction::Inbound {
            "in"
        } else {
            "out"
        };
        let _ = writeln!(page, "| `{}` | {direction} | {} |", event.name, event.whom);
    }
    page.push_str("\n## Roles\n\n| level | role | permissions |\n| --- | --- | --- |\n");
    for role in Role::ALL {
        let permissions: Vec<&str> = role.permissions().iter().map(Permission::as_str).collect();
        let _ = writeln!(page, "| {} | {role} | {} |", role.level(), permissions.join(", "));
    }
    page
}
