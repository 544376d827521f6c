//! Words, and the forms in which the two databases are asked for them.
//!
//! Texts are folded and cut into words here, the same for both, so that neither
//! database's own notion of a word matters.

use super::relevance::Wanted;
use base::fold;
use std::collections::BTreeSet;

/// Words of a query that count; further ones narrow nothing.
const MAX_WORDS: usize = 8;
/// Letters of a text that are indexed. A post holds no more.
const MAX_LETTERS: usize = 5_000;
/// Letters of a text that are kept beside the index, to judge by.
pub const KEPT_LETTERS: usize = 1_000;

/// The folded words of a query.
pub fn of_query(text: &str) -> Wanted {
    let words: Vec<String> = fold(text)
        .split_whitespace()
        .take(MAX_WORDS)
        .map(str::to_owned)
        .collect();
    Wanted {
        close: vec![vec![]; words.len()],
        words,
    }
}

/// The different words of folded texts.
pub fn of_texts(title: &str, body: &str) -> BTreeSet<String> {
    let body = body
        .char_indices()
        .nth(MAX_LETTERS)
        .map_or(body, |(end, _)| &body[..end]);
    title
        .split_whitespace()
        .chain(body.split_whitespace())
        .filter(|word| word.len() <= 255)
        .map(str::to_owned)
        .collect()
}

/// The first letters of a folded text.
pub fn beginning(text: &str) -> &str {
    text.char_indices()
        .nth(KEPT_LETTERS)
        .map_or(text, |(end, _)| &text[..end])
}

/// For FTS5: `("milnga"* OR "milonga") AND "sur"*`. Words hold letters and digits alone.
pub fn for_sqlite(wanted: &Wanted) -> String {
    join(wanted, " AND ", " OR ", |word, open| {
        if open {
            format!("\"{word}\"*")
        } else {
            format!("\"{word}\"")
        }
    })
}

/// For a `tsquery`: `('milnga':* | 'milonga') & 'sur':*`.
pub fn for_postgres(wanted: &Wanted) -> String {
    join(wanted, " & ", " | ", |word, open| {
        if open {
            format!("'{word}':*")
        } else {
            format!("'{word}'")
        }
    })
}

/// A word that somebody typed may go on; one that it is close to is whole.
fn join(wanted: &Wanted, and: &str, or: &str, form: impl Fn(&str, bool) -> String) -> String {
    let alternatives = wanted.words.iter().zip(&wanted.close).map(|(word, close)| {
        let all: Vec<String> = std::iter::once(form(word, word.chars().count() > 1))
            .chain(close.iter().map(|close| form(close, false)))
            .collect();
        format!("({})", all.join(or))
    });
    alternatives.collect::<Vec<_>>().join(and)
}

/// The words of a document as FTS5 takes them.
pub fn as_text(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The words of a document as a `tsvector` is written.
pub fn vector(words: &BTreeSet<String>) -> String {
    words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a word can be mistyped in a way that we mend.
pub fn is_mendable(word: &str) -> bool {
    (4..=24).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
}

/// The groups of three letters of a word, its ends marked.
pub fn grams(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = format!("^{word}$").chars().collect();
    letters.windows(3).map(|three| three.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_the_form_that_each_database_takes() {
        let mut wanted = of_query("  ¡Milnga! \"sur\" OR 'x' -- ");
        assert_eq!(wanted.words, ["milnga", "sur", "or", "x"]);
        wanted.close[0] = vec!["milonga".to_owned()];
        assert_eq!(
            for_sqlite(&wanted),
            r#"("milnga"* OR "milonga") AND ("sur"*) AND ("or"*) AND ("x")"#
        );
        assert_eq!(
            for_postgres(&wanted),
            "('milnga':* | 'milonga') & ('sur':*) & ('or':*) & ('x')"
        );
        assert!(of_query("?!").words.is_empty());
    }

    #[test]
    fn a_mistyped_word_shares_groups_of_letters_with_the_right_one() {
        let shared = grams("milnga").intersection(&grams("milonga")).count();
        assert_eq!(shared, 4);
        assert!(is_mendable("milnga") && !is_mendable("sur") && !is_mendable("2026x"));
    }
}
