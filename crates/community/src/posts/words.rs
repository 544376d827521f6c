//! The words of a post: rich text made safe, and what they point at.
//!
//! Rich text arrives as HTML from an editor. A library that parses as browsers do
//! (`ammonia`) keeps a few elements of text and drops everything else; nothing
//! here ever edits markup by hand. The plain text beside it is the same text
//! without elements, made by the same library.

use base::{Result, error::invalid, fold};
use std::{collections::HashMap, sync::LazyLock};

/// Characters that a text may have, without marks.
const MAX: usize = 5000;
/// Hashtags and mentions that count.
const HASHTAGS: usize = 30;
const MENTIONS: usize = 20;
const HASHTAG_CHARS: usize = 50;

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub body: String,
    pub html: Option<String>,
}

static RICH: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(
            [
                "p",
                "br",
                "strong",
                "b",
                "em",
                "i",
                "s",
                "a",
                "ul",
                "ol",
                "li",
                "blockquote",
                "h3",
                "code",
            ]
            .into(),
        )
        .clean_content_tags(["script", "style", "template", "title", "textarea", "noscript"].into())
        .tag_attributes(HashMap::from([("a", ["href"].into())]))
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

impl Words {
    pub fn plain(body: impl Into<String>) -> Words {
        Words {
            body: body.into(),
            html: None,
        }
    }

    /// Either plain text or rich text: exactly one of them.
    pub fn of(body: Option<String>, html: Option<String>) -> Result<Words> {
        match (body, html) {
            (Some(body), None) => Ok(Words::plain(body)),
            (None, Some(html)) => Words::rich(&html),
            (None, None) => Err(invalid("/body", "required")),
            (Some(_), Some(_)) => Err(invalid("/html", "either_or")),
        }
    }

    fn rich(html: &str) -> Result<Words> {
        let html = RICH.clean(html).to_string();
        let body = text_of(&html);
        if body.is_empty() {
            return Err(invalid("/html", "required"));
        }
        if body.chars().count() > MAX {
            return Err(
                base::Error::new(base::Kind::Invalid, "invalid").field(base::FieldError {
                    pointer: "/html".to_owned(),
                    code: "too_long",
                    args: vec![("max", MAX.to_string())],
                }),
            );
        }
        Ok(Words {
            body,
            html: Some(html),
        })
    }

    /// Hashtags as they are looked for: folded, each once.
    pub fn hashtags(&self) -> Vec<String> {
        let mut tags = vec![];
        for word in after(&self.body, '#', |c| c.is_alphanumeric() || c == '_') {
            let tag = fold(&word.replace('_', " ")).replace(' ', "_");
            let fits = !tag.is_empty() && tag.chars().count() <= HASHTAG_CHARS;
            if fits && tag.chars().any(char::is_alphabetic) && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags.truncate(HASHTAGS);
        tags
    }

    /// User names that may be meant, in lower case, each once.
    pub fn mentions(&self) -> Vec<String> {
        let mut names = vec![];
        for word in after(&self.body, '@', |c| c.is_ascii_alphanumeric() || c == '_') {
            let name = word.to_ascii_lowercase();
            if (3..=30).contains(&name.len()) && !names.contains(&name) {
                names.push(name);
            }
        }
        names.truncate(MENTIONS);
        names
    }
}

/// Words that follow a sign which begins a word: `ana@example.test` mentions nobody.
fn after(text: &str, sign: char, belongs: fn(char) -> bool) -> Vec<&str> {
    let mut found = vec![];
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == sign && !before.is_alphanumeric() && before != '_' && before != '/' {
            let rest = &text[at + sign.len_utf8()..];
            let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
            if end > 0 {
                found.push(&rest[..end]);
            }
        }
        before = c;
    }
    found
}

/// The text of sanitised HTML: blocks on lines of their own.
fn text_of(html: &str) -> String {
    let lines = html
        .replace("<br>", "<br>\n")
        .replace("</p>", "</p>\n")
        .replace("</h3>", "</h3>\n")
        .replace("</li>", "</li>\n")
        .replace("</blockquote>", "</blockquote>\n");
    // Without elements, what is left is text in which four characters are escaped.
    let text = ammonia::Builder::empty()
        .clean(&lines)
        .to_string()
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rich(html: &str) -> (String, String) {
        let words = Words::of(None, Some(html.to_owned())).unwrap();
        (words.html.unwrap(), words.body)
    }

    #[test]
    fn rich_text_keeps_its_marks_and_loses_everything_that_could_run() {
        assert_eq!(
            rich("<p>A <strong>vals</strong> &amp; a <em>tango</em></p><ul><li>one<li>two</ul>"),
            (
                "<p>A <strong>vals</strong> &amp; a <em>tango</em></p><ul><li>one</li><li>two</li></ul>"
                    .to_owned(),
                "A vals & a tango\none\ntwo".to_owned()
            )
        );
        for (attack, left) in [
            ("<script>alert(1)</script>hi", "hi"),
            ("<img src=x onerror=alert(1)>hi", "hi"),
            (
                "<p onclick=alert(1) style='color:red' class=x>hi</p>",
                "<p>hi</p>",
            ),
            (
                "<a href='javascript:alert(1)'>hi</a>",
                "<a rel=\"noopener noreferrer nofollow ugc\">hi</a>",
            ),
            (
                "<a href='/api/v1/auth/logout'>hi</a>",
                "<a rel=\"noopener noreferrer nofollow ugc\">hi</a>",
            ),
            ("<svg><style><img src=x onerror=alert(1)></style></svg>hi", "hi"),
            ("<iframe srcdoc='<script>alert(1)</script>'></iframe>hi", "hi"),
        ] {
            assert_eq!(rich(attack).0, left, "{attack}");
        }
        let mutation = "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">hi";
        let left = Words::of(None, Some(mutation.to_owned())).map(|words| words.html.unwrap_or_default());
        assert!(!left.unwrap_or_default().contains("img"));
        assert_eq!(rich("1 &lt; 2 &amp;amp; &lt;b&gt;").1, "1 < 2 &amp; <b>");
    }

    #[test]
    fn rich_text_without_words_is_none() {
        for empty in ["", "<p> </p>", "<img src=x>", "<script>alert(1)</script>"] {
            assert!(Words::of(None, Some(empty.to_owned())).is_err(), "{empty}");
        }
        assert!(Words::of(None, Some("a".repeat(5001))).is_err());
        assert!(Words::of(None, None).is_err());
        assert!(Words::of(Some("a".to_owned()), Some("a".to_owned())).is_err());
    }

    #[test]
    fn hashtags_and_mentions_are_found_where_a_word_begins() {
        let words = Words::plain(
            "#Práctica con @Ana_1, @bruno! #tango_queer #práctica a@b.com x#no #2026 https://x/#y @x",
        );
        assert_eq!(words.hashtags(), ["practica", "tango_queer"]);
        assert_eq!(words.mentions(), ["ana_1", "bruno"]);
        assert_eq!(Words::plain("#танго #探戈 #").hashtags(), ["танго", "探戈"]);
    }
}
