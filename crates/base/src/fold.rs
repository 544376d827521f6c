//! Text as people search for it: lower case, without accents and symbols.
//!
//! "Práctica", "PRACTICA" and "practica!" are the same text here, and so are
//! "Łódź" and "lodz". Letters of other scripts stay what they are.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Lower case, accents off, everything that is neither letter nor digit one space.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        match c {
            // Letters that are no letter with an accent to Unicode, and are to whoever types them.
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            // Inside a word: Martin's, l'amour.
            '\'' | '’' => {}
            // A dotted I in lower case leaves its dot behind.
            c if is_combining_mark(c) => {}
            c if c.is_alphanumeric() => folded.push(c),
            _ if folded.is_empty() || folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The folded text as part of an address: words joined by `-`. Empty when there is no letter.
pub fn slug(text: &str) -> String {
    fold(text).replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accents_case_and_symbols_make_no_difference() {
        for (text, folded) in [
            ("  Práctica!  ", "practica"),
            ("São-Paulo", "sao paulo"),
            ("İstanbul", "istanbul"),
            ("Łódź", "lodz"),
            ("Straße", "strasse"),
            ("Martin's", "martins"),
            ("東京", "東京"),
            ("¡¿!?", ""),
        ] {
            assert_eq!(fold(text), folded);
        }
        assert_eq!(slug(" Buenos   Aires "), "buenos-aires");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
