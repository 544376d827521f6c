//! Sentences for people, by code and language.
//!
//! `texts/<language>.json` holds them; English and Spanish are complete, which
//! a test proves. A variant (`es-AR`) holds what it says otherwise and leaves the
//! rest to its language. Unknown languages read English.

use serde::Deserialize;
use std::{collections::HashMap, sync::OnceLock};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Spanish,
    /// Spanish as in Argentina: it says *vos*.
    Argentine,
}

impl Language {
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
            Language::Argentine => "es-AR",
        }
    }

    /// The language that [`Self::tag`] named.
    pub fn of_tag(tag: &str) -> Language {
        match tag {
            "es" => Language::Spanish,
            "es-AR" => Language::Argentine,
            _ => Language::English,
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
            let language = match tag.split_once('-').unwrap_or((&tag, "")) {
                ("es", "ar") => Language::Argentine,
                ("es", _) => Language::Spanish,
                ("en", _) => Language::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

const ENGLISH: &str = include_str!("../texts/en.json");
const SPANISH: &str = include_str!("../texts/es.json");
const ARGENTINE: &str = include_str!("../texts/es-AR.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    /// Title of each problem code.
    title: HashMap<String, String>,
    /// Sentence of each problem code, or of `code.noun`.
    detail: HashMap<String, String>,
    #[serde(default)]
    field: HashMap<String, String>,
    #[serde(default)]
    noun: HashMap<String, String>,
    /// What is said of a password while it is typed.
    #[serde(default)]
    password: HashMap<String, String>,
    /// What members are told, by kind and number.
    #[serde(default)]
    notification: HashMap<String, String>,
    #[serde(default)]
    mail: HashMap<String, Letter>,
}

/// The text of a mail, with places to fill in.
#[derive(Clone, Deserialize)]
struct Letter {
    subject: String,
    text: String,
}

impl Book {
    fn parts(&self) -> [&HashMap<String, String>; 6] {
        [
            &self.title,
            &self.detail,
            &self.field,
            &self.noun,
            &self.password,
            &self.notification,
        ]
    }

    /// Adds what only the other book says.
    fn completed_by(mut self, other: &Book) -> Book {
        let own = [
            &mut self.title,
            &mut self.detail,
            &mut self.field,
            &mut self.noun,
            &mut self.password,
            &mut self.notification,
        ];
        for (own, other) in own.into_iter().zip(other.parts()) {
            for (key, text) in other {
                own.entry(key.clone()).or_insert_with(|| text.clone());
            }
        }
        for (kind, letter) in &other.mail {
            self.mail.entry(kind.clone()).or_insert_with(|| letter.clone());
        }
        self
    }
}

pub struct Texts {
    english: Book,
    spanish: Book,
    argentine: Book,
}

impl Texts {
    pub fn built_in() -> &'static Texts {
        static TEXTS: OnceLock<Texts> = OnceLock::new();
        TEXTS.get_or_init(|| {
            let spanish = book(SPANISH);
            Texts {
                english: book(ENGLISH),
                argentine: book(ARGENTINE).completed_by(&spanish),
                spanish,
            }
        })
    }

    /// The files as they were when the program was built.
    pub fn sources() -> [&'static str; 3] {
        [ENGLISH, SPANISH, ARGENTINE]
    }

    fn book(&self, language: Language) -> &Book {
        match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
            Language::Argentine => &self.argentine,
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
        let own = noun.and_then(|noun| book.detail.get(&format!("{code}.{noun}")));
        let text = own
            .or_else(|| book.detail.get(code))
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

    /// What a member is told, or a part of the sentence.
    pub fn notification(&self, language: Language, key: &str, args: &[(&'static str, String)]) -> String {
        let text = self.book(language).notification.get(key);
        fill(text.map_or(key, String::as_str), args)
    }

    /// A sentence about a password.
    pub fn password(&self, language: Language, key: &str) -> String {
        let text = self.book(language).password.get(key);
        text.map_or(key, String::as_str).to_owned()
    }

    /// Every problem code there is a sentence for.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.english.title.keys().map(String::as_str).collect();
        codes.sort_unstable();
        codes
    }
}

fn book(json: &str) -> Book {
    serde_json::from_str(json).expect("the files of texts are well-formed")
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
            let mut keys = book
                .parts()
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
    fn argentina_says_vos_and_falls_back_to_spanish() {
        let texts = Texts::built_in();
        assert_eq!(
            texts.title(Language::Argentine, "unauthenticated"),
            "Iniciá sesión"
        );
        let fallback = texts.title(Language::Argentine, "invalid");
        assert_eq!(fallback, texts.title(Language::Spanish, "invalid"));
        let variant = book(include_str!("../texts/es-AR.json"));
        for (own, base) in variant.parts().into_iter().zip(texts.spanish.parts()) {
            for (key, text) in own {
                assert!(
                    base.get(key).is_some_and(|base| base != text),
                    "{key} is unknown, or says the same"
                );
                let names = |text: &str| -> Vec<String> {
                    text.split('{')
                        .skip(1)
                        .map(|part| part.split('}').next().unwrap().to_owned())
                        .collect()
                };
                assert_eq!(names(text), names(&base[key]), "{key}");
            }
        }
    }

    #[test]
    fn the_readers_language_is_found() {
        assert_eq!(
            Language::of(Some("de, es-AR;q=0.9, en;q=0.8")),
            Language::Argentine
        );
        assert_eq!(Language::of(Some("es-MX, es-AR;q=0.9")), Language::Spanish);
        assert_eq!(Language::of(Some("en, es")), Language::English);
        assert_eq!(Language::of(Some("fr")), Language::English);
        assert_eq!(Language::of(None), Language::English);
    }
}
