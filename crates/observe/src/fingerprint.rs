//! When two errors are the same: kind, code, place and causes agree once
//! numbers, ids and quoted values are taken out of the texts.

/// What groups an error. A database's code (`42P01 relation ... does not
/// exist`) counts as it stands, although it is a number.
pub fn fingerprint(kind: &str, code: &str, place: &str, chain: &[String]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(kind);
    part(code);
    part(place);
    for text in chain {
        part(sql_state(text).unwrap_or_default());
        part(&normalised(text));
    }
    *hasher.finalize().as_bytes()
}

/// The SQLSTATE at the start of a text, as `db` writes it.
fn sql_state(text: &str) -> Option<&str> {
    let word = text.split(' ').next()?;
    let shaped = word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (shaped && word.bytes().take(2).all(|b| b.is_ascii_digit())).then_some(word)
}

/// The text with `?` for what is quoted and `#` for numbers and ids.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let in_word = out.chars().next_back().is_some_and(char::is_alphanumeric);
        if matches!(c, '"' | '`' | '\'')
            && !(c == '\'' && in_word)
            && let Some(end) = rest[1..].find(c)
        {
            out.extend([c, '?', c]);
            rest = &rest[end + 2..];
        } else if c.is_ascii_alphanumeric() {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                .unwrap_or(rest.len());
            word(&rest[..end], &mut out);
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn word(word: &str, out: &mut String) {
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    if has_digit && word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return out.push('#');
    }
    let mut in_number = false;
    for c in word.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !in_number {
            out.push('#');
        }
        in_number = c.is_ascii_digit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_and_quoted_values_do_not_tell_errors_apart() {
        assert_eq!(
            normalised(
                "user 42 of 0190d3f2-7b1c-7000-8000-0123456789ab: key \"a b\" isn't 'x' at 0xdeadbeef0"
            ),
            "user # of #: key \"?\" isn't '?' at #xdeadbeef#"
        );
        assert_eq!(normalised("ñ 7 “x” 12ms"), "ñ # “x” #ms");
        let print = |code, text: &str| fingerprint("error", code, "/posts", &[text.to_owned()]);
        assert_eq!(
            print("internal", "row 1 is odd"),
            print("internal", "row 22 is odd")
        );
        assert_ne!(
            print("internal", "row 1 is odd"),
            print("internal", "column 1 is odd")
        );
        assert_ne!(
            print("internal", "row 1 is odd"),
            print("unavailable", "row 1 is odd")
        );
        assert_ne!(
            print("internal", "42P01 no"),
            print("internal", "42703 no"),
            "the database's code counts"
        );
    }
}
