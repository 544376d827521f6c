//! Sentences for people, by code and language.
//!
//! `texts/<language>.json` holds them; English and Spanish are complete, which
//! a test proves. Unknown languages read English.

use serde::Deserialize;
use std::{collections::HashMap, sync::OnceLock};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Spanish,
}

impl Language {
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
        }
    }

    pub fn of_tag(tag: &str) -> Language {
        if tag == "es" {
            Language::Spanish
        } else {
            Language::English
        }
    }

    /// The best of `Accept-Language`: highest weight first, then order.
    pub fn of(accept: Option<&str>) -> Language {
        let mut best = (0.0, Language::English);
        for part in accept.unwrap_or_default().split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some("es") => Language::Spanish,
                Some("en") => Language::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

#[derive(Deserialize)]
struct Book {
    /// Title of each problem code.
    title: HashMap<String, String>,
    /// Sentence of each problem code, or of `code.noun`.
    detail: HashMap<String, String>,
    field: HashMap<String, String>,
    noun: HashMap<String, String>,
    mail: HashMap<String, Letter>,
}

/// The text of a mail, with places to fill in.
#[derive(Deserialize)]
struct Letter {
    subject: String,
    text: String,
}

pub struct Texts {
    english: Book,
    spanish: Book,
}

impl Texts {
    pub fn built_in() -> &'static Texts {
        static TEXTS: OnceLock<Texts> = OnceLock::new();
        TEXTS.get_or_init(|| Texts {
            english: serde_json::from_str(include_str!("../texts/en.json"))
                .expect("texts/en.json is well-formed"),
            spanish: serde_json::from_str(include_str!("../texts/es.json"))
                .expect("texts/es.json is well-formed"),
        })
    }

    fn book(&self, language: Language) -> &Book {
        match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
        }
    }

    pub fn title(&self, language: Language, code: &str) -> String {
        let book = self.book(language);
        book.title
            .get(code)
            .or_else(|| book.title.get("internal"))
            .cloned()
            .unwrap_or_default()
    }

    pub fn detail(
        &self,
        language: Language,
        code: &str,
        noun: Option<&str>,
        args: &[(&'static str, String)],
    ) -> String {
        let book = self.book(language);
        let text = book
            .detail
            .get(code)
            .or_else(|| book.title.get(code))
            .map_or(code, String::as_str);
        let noun = noun.map_or("", |noun| book.noun.get(noun).map_or(noun, String::as_str));
        fill(text, args).replace("{noun}", noun)
    }

    pub fn field(&self, language: Language, code: &str, args: &[(&'static str, String)]) -> String {
        let book = self.book(language);
        fill(book.field.get(code).map_or(code, String::as_str), args)
    }

    /// Subject and text of a mail.
    pub fn mail(&self, language: Language, kind: &str, args: &[(&'static str, String)]) -> (String, String) {
        let letter = &self.book(language).mail[kind];
        (fill(&letter.subject, args), fill(&letter.text, args))
    }

    /// Every problem code there is a sentence for.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.english.title.keys().map(String::as_str).collect();
        codes.sort_unstable();
        codes
    }
}

fn fill(text: &str, args: &[(&'static str, String)]) -> String {
    args.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_languages_say_everything() {
        let texts = Texts::built_in();
        let keys = |book: &Book| {
            let parts = [&book.title, &book.detail, &book.field, &book.noun];
            let mut keys = parts
                .map(|part| part.keys().cloned().collect::<BTreeSet<_>>())
                .to_vec();
            keys.push(book.mail.keys().cloned().collect());
            keys
        };
        assert_eq!(keys(&texts.english), keys(&texts.spanish));
        let noun = texts.detail(Language::Spanish, "not_found", Some("post"), &[]);
        assert!(noun.contains("publicación"), "{noun}");
    }

    #[test]
    fn the_readers_language_is_found() {
        assert_eq!(Language::of(Some("de, es-AR;q=0.9, en;q=0.8")), Language::Spanish);
        assert_eq!(Language::of(Some("en, es")), Language::English);
        assert_eq!(Language::of(Some("fr")), Language::English);
        assert_eq!(Language::of(None), Language::English);
    }
}
