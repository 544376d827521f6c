//! What became of the old routes: `docs/api-coverage.md`, held against the table of routes.

use std::collections::HashSet;

/// By the count of the sheet that listed them, and the posts beside it.
const OLD_ROUTES: usize = 104;

#[test]
fn every_old_route_has_ours_or_a_reason() {
    let path = crate::foreign::root().join("docs/api-coverage.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let (operations, _) = server::router::table();
    let ours: HashSet<String> = operations
        .iter()
        .map(|operation| format!("{} {}", operation.method.to_uppercase(), operation.path))
        .collect();
    let is_route = |text: &str| {
        let method = text.split_once(" /").map_or("", |(method, _)| method);
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(&method)
    };
    let (mut rows, mut named, mut strangers) = (0, 0, vec![]);
    for line in document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [old, answer] = cells[..] else {
            panic!("not two cells: {line}")
        };
        if answer == "ours, or why not" {
            continue;
        }
        rows += 1;
        assert!(
            !old.is_empty() && answer.len() > 8,
            "{old} has neither ours nor a reason"
        );
        for route in answer.split('`').skip(1).step_by(2).filter(|text| is_route(text)) {
            named += 1;
            if !ours.contains(route) {
                strangers.push(format!("{old}: there is no {route}"));
            }
        }
    }
    let files = document.lines().filter(|line| line.starts_with("## ")).count();
    assert!(
        files > 25 && rows >= OLD_ROUTES && named > 60,
        "{files} files, {rows} rows, {named} routes"
    );
    assert!(strangers.is_empty(), "{}", strangers.join("\n"));
}
