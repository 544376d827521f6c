//! Takes secrets and addresses out of texts before they are kept or sent away.
//!
//! Words are looked at, not grammars: what follows `Bearer`, what stands behind
//! a key such as `password`, what looks like a token or an e-mail address, and
//! the log-in part of a URL. Better a harmless word too few than a token too many.

const SECRET: &str = "[secret]";
const EMAIL: &str = "[email]";
const KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "api_key",
    "apikey",
    "api-key",
    "cookie",
    "dsn",
    "private_key",
    "credential",
];

pub fn scrub(text: &str) -> String {
    let text = &without_logins(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut before = Before::Nothing;
    while !rest.is_empty() {
        let gap_ends = rest.find(|c| !is_gap(c)).unwrap_or(rest.len());
        let (gap, behind) = rest.split_at(gap_ends);
        out.push_str(gap);
        let assigned = gap.contains([':', '=']);
        let is_value = before == Before::Scheme || (before == Before::Key && assigned);
        let quote = gap.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        let word_ends = match quote {
            Some(quote) if is_value => behind.find(quote).unwrap_or(behind.len()),
            _ => behind.find(is_gap).unwrap_or(behind.len()),
        };
        let (word, after) = behind.split_at(word_ends);
        rest = after;
        if word.is_empty() {
            continue;
        }
        let low = word.to_ascii_lowercase();
        if low == "bearer" || low == "basic" {
            out.push_str(word);
            before = Before::Scheme;
        } else if is_value || looks_like_token(word) {
            out.push_str(SECRET);
            before = Before::Nothing;
        } else if looks_like_email(word) {
            out.push_str(EMAIL);
            before = Before::Nothing;
        } else {
            out.push_str(word);
            before = if KEYS.iter().any(|key| low.contains(key)) {
                Before::Key
            } else {
                Before::Nothing
            };
        }
    }
    out
}

#[derive(PartialEq)]
enum Before {
    Nothing,
    /// A name such as `password`.
    Key,
    /// `Bearer` or `Basic`.
    Scheme,
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || "\"'`,;:=()<>{}[]&?|".contains(c)
}

/// `scheme://user:word@host` without what stands before the @.
fn without_logins(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let host_ends = tail
            .find(|c: char| c == '/' || c.is_whitespace() || "\"'`,;<>".contains(c))
            .unwrap_or(tail.len());
        rest = match tail[..host_ends].rfind('@') {
            Some(login_ends) => {
                out.push_str(SECRET);
                &tail[login_ends..]
            }
            None => tail,
        };
    }
    out.push_str(rest);
    out
}

fn looks_like_email(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.starts_with('['))
}

/// A JWT, or a long word of mixed letters and digits as keys are written.
fn looks_like_token(word: &str) -> bool {
    let parts = word.split('.').count();
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_+.~".contains(&b));
    let mixed = word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase());
    let hex = word.len() >= 48 && word.bytes().all(|b| b.is_ascii_hexdigit());
    (word.starts_with("eyJ") && parts >= 3) || hex || (word.len() >= 32 && plain && mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        let cases = [
            ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
            (
                "bad login of ana.lopez@example.org today",
                "bad login of [email] today",
            ),
            (
                r#"{"password":"two words","n":1}"#,
                r#"{"password":"[secret]","n":1}"#,
            ),
            ("refresh_token=abc123&x=1", "refresh_token=[secret]&x=1"),
            (
                "postgres://mundo:hunter2@db:5432/x refused",
                "postgres://[secret]@db:5432/x refused",
            ),
            ("got eyJhbGciOi.eyJzdWIi.c2ln here", "got [secret] here"),
            ("key k9Zq3VbX7tR2mW8pL5nH4cJ6dF1gS0aY", "key [secret]"),
            ("the token was refused", "the token was refused"),
            (
                "post 0190d3f2-7b1c-7000-8000-0123456789ab",
                "post 0190d3f2-7b1c-7000-8000-0123456789ab",
            ),
            ("ñandú “quoted” ok", "ñandú “quoted” ok"),
        ];
        for (text, wanted) in cases {
            assert_eq!(scrub(text), wanted);
        }
    }
}
