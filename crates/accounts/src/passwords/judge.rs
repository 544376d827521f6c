//! How easily a password is guessed: by everybody, or by those who know its owner.
//!
//! zxcvbn holds 30,000 common passwords and knows what people do to words. What
//! it finds within [`COMMON`] guesses is refused, which takes in every password
//! of its list as it stands. It knows English: words that Spanish speakers and
//! dancers choose stand in `common.txt`, and are refused with what is usually
//! put around a word, as are the owner's own names.

use zxcvbn::{
    Score,
    feedback::{Suggestion, Warning},
    zxcvbn,
};

/// Guesses within which a password is common. The last of zxcvbn's list, in
/// capitals and with substitutions, takes about 60,000.
const COMMON: u64 = 100_000;
/// Digits around a word, a date at most, that make no password of it.
const DRESSING: usize = 8;
/// Shorter names stand in too many words.
const SHORTEST_NAME: usize = 3;

static WORDS: &str = include_str!("common.txt");

/// What is known of the owner.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub email: Option<String>,
    pub username: Option<String>,
    pub display_name: Option<String>,
}

impl About {
    /// Their names, whole and in parts, as [`fold`] writes them.
    fn names(&self) -> Vec<String> {
        let local = self
            .email
            .as_deref()
            .map(|email| email.split('@').next().unwrap_or(email));
        let mut names = vec![];
        for name in [local, self.username.as_deref(), self.display_name.as_deref()]
            .into_iter()
            .flatten()
        {
            let folded = fold(name);
            names.push(folded.iter().filter(|c| c.is_alphanumeric()).collect::<String>());
            names.extend(
                folded
                    .split(|c| !c.is_alphanumeric())
                    .map(|part| part.iter().collect()),
            );
        }
        names.retain(|name| name.chars().count() >= SHORTEST_NAME);
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        names
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Common,
    Personal,
}

impl Fault {
    pub fn code(self) -> &'static str {
        match self {
            Fault::Common => "password_too_common",
            Fault::Personal => "password_too_personal",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Judgement {
    /// zxcvbn's, from 0 to 4.
    pub score: u8,
    pub fault: Option<Fault>,
    pub warning: Option<&'static str>,
    pub suggestions: Vec<&'static str>,
}

pub fn judge(password: &str, about: &About) -> Judgement {
    let mut common: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
    common.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let names = about.names();
    let known: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .chain(common.iter().copied())
        .collect();
    let judged = zxcvbn(password, &known);
    let fault = if made_of(password, &common) {
        Some(Fault::Common)
    } else if made_of(password, &names) {
        Some(Fault::Personal)
    } else if judged.guesses() > COMMON {
        None
    } else if zxcvbn(password, &common).guesses() <= COMMON {
        Some(Fault::Common)
    } else {
        Some(Fault::Personal)
    };
    let score = match judged.score() {
        Score::Zero => 0,
        Score::One => 1,
        Score::Two => 2,
        Score::Three => 3,
        _ => 4,
    };
    let feedback = judged.feedback();
    Judgement {
        score: if fault.is_some() { score.min(1) } else { score },
        fault,
        warning: feedback
            .and_then(zxcvbn::feedback::Feedback::warning)
            .map(warning),
        suggestions: feedback
            .map(|found| found.suggestions().iter().copied().map(suggestion).collect())
            .unwrap_or_default(),
    }
}

/// Lower case, without the accents of our languages.
fn fold(text: &str) -> Vec<char> {
    let plain = |c| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(plain).collect()
}

/// The letter that a digit or a sign stands for.
fn read_through(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Whether nothing but dressing is left when these words are taken away.
fn made_of(password: &str, words: &[impl AsRef<str>]) -> bool {
    let reading = |read: fn(char) -> char| -> Vec<(char, char)> {
        let pairs = fold(password).into_iter().map(|c| (read(c), c));
        pairs.filter(|(read, _)| read.is_alphanumeric()).collect()
    };
    [reading(|c| c), reading(read_through)]
        .into_iter()
        .any(|mut left| {
            let before = left.len();
            for word in words {
                let word: Vec<char> = word.as_ref().chars().collect();
                let is_here = |part: &[(char, char)]| part.iter().map(|(read, _)| read).eq(&word);
                while let Some(place) = left.windows(word.len()).position(is_here) {
                    left.drain(place..place + word.len());
                }
            }
            left.len() < before && left.len() <= DRESSING && !left.iter().any(|(_, c)| c.is_alphabetic())
        })
}

/// The key of the sentence in `texts`.
fn warning(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => "keys_in_a_row",
        Warning::ShortKeyboardPatternsAreEasyToGuess => "short_key_pattern",
        Warning::RepeatsLikeAaaAreEasyToGuess => "repeated_letter",
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => "repeated_part",
        Warning::ThisIsATop10Password => "top_10",
        Warning::ThisIsATop100Password => "top_100",
        Warning::ThisIsACommonPassword => "common",
        Warning::ThisIsSimilarToACommonlyUsedPassword => "like_a_common_one",
        Warning::SequencesLikeAbcAreEasyToGuess => "sequence",
        Warning::RecentYearsAreEasyToGuess => "recent_year",
        Warning::AWordByItselfIsEasyToGuess => "one_word",
        Warning::DatesAreOftenEasyToGuess => "date",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => "one_name",
        Warning::CommonNamesAndSurnamesAreEasyToGuess => "common_name",
    }
}

fn suggestion(suggestion: Suggestion) -> &'static str {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => "use_a_few_words",
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => "no_need_for_symbols",
        Suggestion::AddAnotherWordOrTwo => "add_a_word",
        Suggestion::CapitalizationDoesntHelpVeryMuch => "capitals_help_little",
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => "all_capitals_help_little",
        Suggestion::ReversedWordsArentMuchHarderToGuess => "reversal_helps_little",
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => "substitutions_help_little",
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => "longer_key_pattern",
        Suggestion::AvoidRepeatedWordsAndCharacters => "avoid_repeats",
        Suggestion::AvoidSequences => "avoid_sequences",
        Suggestion::AvoidRecentYears => "avoid_recent_years",
        Suggestion::AvoidYearsThatAreAssociatedWithYou => "avoid_own_years",
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => "avoid_own_dates",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> About {
        About {
            email: Some("ana.pereyra@example.test".to_owned()),
            username: Some("la_rubia".to_owned()),
            display_name: Some("Ana Pereyra Muñoz".to_owned()),
        }
    }

    fn fault(password: &str) -> Option<Fault> {
        judge(password, &ana()).fault
    }

    #[test]
    fn common_passwords_are_refused_however_they_are_dressed() {
        for password in [
            "password",
            "PASSWORD",
            "p@ssw0rd",
            "12345678",
            "1q2w3e4r5t",
            "qwertyuiop",
            "aaaaaaaa",
            "abcdefgh",
            "iloveyou",
            "sunshine1",
            "contraseña",
            "Contraseña1",
            "mundotango",
            "MundoTango2026!",
            "mundo-tango-1",
            "T4ng0T4ng0",
            "milonga1",
            "bocajuniors12",
            "lacumparsita",
        ] {
            assert_eq!(fault(password), Some(Fault::Common), "{password}");
        }
    }

    /// The most used of at least eight characters, from lists that are published each year,
    /// in English and Spanish: each is refused, without asking anybody.
    #[test]
    fn the_most_used_passwords_are_refused() {
        let most_used = "123456789 12345678 password 1234567890 qwerty123 1q2w3e4r 11111111 iloveyou password1
            qwertyuiop 123123123 987654321 1qaz2wsx 00000000 88888888 princess sunshine football baseball superman
            computer michelle jennifer trustno1 whatever starwars password123 qwerty12345 abcd1234 1234qwer
            asdfghjkl zaq12wsx passw0rd p@ssword p@ssw0rd welcome1 welcome123 changeme letmein1 letmein123
            admin123 administrator iloveyou1 princess1 football1 charlie1 dragon123 monkey123 michael1 jordan23
            liverpool chelsea1 arsenal1 barcelona realmadrid juventus 12345678910 0123456789 123456789a a123456789
            q1w2e3r4t5 1q2w3e4r5t qazwsxedc asdf1234 qwer1234 aa123456 abc12345 abcdefgh aaaaaaaa 12341234 11223344
            12121212 87654321 99999999 77777777 55555555 66666666 12344321 123321123 internet samsung1 google123
            facebook linkedin minecraft pokemon1 butterfly chocolate mercedes elephant snoopy12 garfield
            contraseña contrasena contraseña1 teamomucho tequiero tequieromucho miamor123 mexico123 argentina
            argentina1 guadalupe bocajuniors riverplate alejandro alejandra gabriela fernando fernanda cristina
            carolina francisco mariposa estrella princesa hermosa1 bonita123 familia1 secreto1 hola1234 holahola
            tango123 milonga1 mundotango mundotango1 buenosaires";
        let all = || most_used.split_whitespace();
        assert!(all().count() > 120 && all().all(|password| password.chars().count() >= 8));
        let taken = all().filter(|password| judge(password, &About::default()).fault != Some(Fault::Common));
        assert_eq!(taken.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn what_is_known_of_the_owner_is_no_secret() {
        for password in [
            "ana.pereyra",
            "anapereyra1990",
            "Pereyra!Ana",
            "la_rubia",
            "LaRubia2026",
            "munoz19900512",
            "p3r3yr4p3r3yr4",
        ] {
            assert_eq!(fault(password), Some(Fault::Personal), "{password}");
        }
        assert_eq!(judge("munoz19900512", &About::default()).fault, None);
    }

    #[test]
    fn long_phrases_of_any_script_are_fine() {
        for password in [
            "correct horse",
            "ana dances at noon",
            "el perro de mi tía come tarde",
            "кофе с молоком",
            "我今天想跳舞两小时",
            "🌵🎻🐘🚲🍋🧶🪁🛶",
            "tango en la terraza vieja",
            "x7$kQ9!mPz",
        ] {
            assert_eq!(fault(password), None, "{password}");
        }
    }

    #[test]
    fn feedback_says_what_is_wrong_and_what_helps() {
        let judged = judge("aaaaaaaa", &About::default());
        assert_eq!((judged.score, judged.warning), (0, Some("repeated_letter")));
        assert!(judged.suggestions.contains(&"avoid_repeats"));
        let judged = judge("el perro de mi tía come tarde", &About::default());
        assert_eq!((judged.score, judged.warning), (4, None));
    }
}
