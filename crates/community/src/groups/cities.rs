//! What a city is called here: one name, one slug, and where it lies if that is known.
//!
//! People write "buenos aires", "CABA" or "Buenos Aires, Argentina" and mean one
//! city. The files beside this one know the cities with a tango scene; any other
//! city is taken as it is written, without a place on the map until somebody says
//! where it lies. Nothing is asked over the network.

use base::{fold, slug};
use std::{collections::HashMap, sync::OnceLock};

const CITIES: &str = include_str!("cities.tsv");
const COUNTRIES: &str = include_str!("countries.tsv");

/// A city by its one name.
#[derive(Clone, Debug, PartialEq)]
pub struct City {
    pub name: String,
    /// Two letters (ISO 3166), when the country is known.
    pub country: Option<String>,
    /// Latitude and longitude.
    pub place: Option<(f64, f64)>,
}

impl City {
    /// The city that somebody names. `None`: there is no letter in the name.
    pub fn named(name: &str, country: Option<&str>) -> Option<City> {
        let known = Gazetteer::get();
        let country = country.and_then(country_code);
        // "Paris, France" in one field.
        let (plain, country) = match (name.rsplit_once(','), country) {
            (Some((city, tail)), None) => match country_code(tail) {
                Some(code) if !fold(city).is_empty() => (city, Some(code)),
                _ => (name, None),
            },
            (_, country) => (name, country),
        };
        let folded = fold(plain);
        if folded.is_empty() {
            return None;
        }
        let found = known.cities.get(&folded).and_then(|cities| {
            let same = |city: &&City| {
                country
                    .as_deref()
                    .is_none_or(|code| city.country.as_deref() == Some(code))
            };
            cities.iter().find(same)
        });
        Some(found.cloned().unwrap_or_else(|| City {
            name: plain.split_whitespace().collect::<Vec<_>>().join(" "),
            country,
            place: None,
        }))
    }

    /// Its address, the same however it was written: `buenos-aires-ar`.
    pub fn slug(&self) -> String {
        match &self.country {
            Some(country) => format!("{}-{}", slug(&self.name), country.to_ascii_lowercase()),
            None => slug(&self.name),
        }
    }
}

/// The two letters of a country that is named by them or in words.
pub fn country_code(name: &str) -> Option<String> {
    Gazetteer::get().countries.get(&fold(name)).cloned()
}

struct Gazetteer {
    /// By each folded name, the best known city of that name first.
    cities: HashMap<String, Vec<City>>,
    countries: HashMap<String, String>,
}

impl Gazetteer {
    fn get() -> &'static Gazetteer {
        static GAZETTEER: OnceLock<Gazetteer> = OnceLock::new();
        GAZETTEER.get_or_init(|| {
            let mut known = Gazetteer {
                cities: HashMap::new(),
                countries: HashMap::new(),
            };
            for [code, names] in rows(COUNTRIES) {
                for name in names.split('|').chain([code]) {
                    known.countries.insert(fold(name), code.to_owned());
                }
            }
            for [name, country, latitude, longitude, others] in rows(CITIES) {
                let degrees = |text: &str| text.parse().expect("a city lies somewhere");
                let city = City {
                    name: name.to_owned(),
                    country: Some(country.to_owned()),
                    place: Some((degrees(latitude), degrees(longitude))),
                };
                for name in others.split('|').chain([name]).filter(|name| !name.is_empty()) {
                    known.cities.entry(fold(name)).or_default().push(city.clone());
                }
            }
            known
        })
    }
}

fn rows<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells
            .try_into()
            .unwrap_or_else(|_| panic!("a line of the gazetteer is broken: {line}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slug_of(name: &str, country: Option<&str>) -> Option<String> {
        City::named(name, country).map(|city| city.slug())
    }

    #[test]
    fn a_city_has_one_slug_however_it_is_written() {
        for (name, country) in [
            ("Buenos Aires", None),
            ("  buenos   AIRES ", Some("Argentina")),
            ("BUENOS-AIRES", Some("ar")),
            ("CABA", None),
            ("Buenos Aires, Argentina", None),
        ] {
            assert_eq!(
                slug_of(name, country).as_deref(),
                Some("buenos-aires-ar"),
                "{name}"
            );
        }
        assert_eq!(slug_of("Rome", None), slug_of("Roma", Some("Italia")));
        assert_eq!(slug_of("東京", None).as_deref(), Some("tokyo-jp"));
        assert_eq!(slug_of("Córdoba", Some("España")).as_deref(), Some("cordoba-es"));
        assert_eq!(
            slug_of("Kleinkleckersdorf", Some("Deutschland")).as_deref(),
            Some("kleinkleckersdorf-de")
        );
        assert_eq!(slug_of("Atlantis", Some("Utopia")).as_deref(), Some("atlantis"));
        assert_eq!(slug_of("?!", None), None);
        assert!(City::named("wien", None).unwrap().place.is_some());
    }

    #[test]
    fn every_city_of_the_list_is_found_by_each_of_its_names_and_lies_on_the_globe() {
        let mut count = 0;
        for [name, country, _, _, others] in rows(CITIES) {
            assert!(country_code(country).is_some(), "{country}");
            let slug = slug_of(name, Some(country));
            for other in others.split('|').filter(|name| !name.is_empty()) {
                assert_eq!(slug_of(other, Some(country)), slug, "{other}");
            }
            let (latitude, longitude) = City::named(name, Some(country)).unwrap().place.expect(name);
            assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0, "{name}");
            count += 1;
        }
        assert!(count > 150);
    }

    proptest! {
        #[test]
        fn any_text_is_a_city_or_none_and_its_slug_is_stable(name in ".{0,40}", country in ".{0,20}") {
            if let Some(city) = City::named(&name, Some(&country)) {
                prop_assert!(!city.slug().is_empty());
                let again = City::named(&city.name, city.country.as_deref()).unwrap();
                prop_assert_eq!(again.slug(), city.slug());
            }
        }
    }
}
