//! The pages of what a member does: one each as dancer, teacher, DJ …

use base::{
    Few, Line, Result, Text, Whole, choice,
    error::invalid,
    input::{Check, Input},
};
use db::stored;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

choice! {
    /// What a page is about.
    pub enum ExperienceKind {
        Dancer = "dancer",
        Teacher = "teacher",
        Dj = "dj",
        Organizer = "organizer",
        Photographer = "photographer",
        Performer = "performer",
        Host = "host",
    }
}
stored!(words: ExperienceKind);

impl std::str::FromStr for ExperienceKind {
    type Err = ();

    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        ExperienceKind::parse(word).ok_or(())
    }
}

choice! {
    /// How somebody teaches.
    pub enum ClassFormat {
        Group = "group",
        Private = "private",
        Workshop = "workshop",
        Online = "online",
    }
}

/// A page. What belongs to another kind of page is refused.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct ExperiencePage {
    pub headline: Line<0, 120>,
    pub summary: Text<0, 2000>,
    /// The year in which it began.
    pub since: Option<Whole<1900, 2100>>,
    /// Where it happens.
    pub cities: Few<Line<1, 80>, 20>,
    /// Addresses that begin with `https://`.
    pub links: Few<Line<9, 300>, 10>,
    /// Whether one may be asked for it.
    pub available: bool,
    /// Of dancers, teachers, performers: salon, milonguero, nuevo …
    pub styles: Few<Line<1, 60>, 10>,
    /// Of teachers.
    pub class_formats: Few<ClassFormat, 4>,
    /// Of dancers and DJs.
    pub favourite_orchestras: Few<Line<1, 80>, 10>,
    pub favourite_singers: Few<Line<1, 80>, 10>,
    /// Of DJs and photographers.
    pub equipment: Few<Line<1, 120>, 20>,
    /// Of dancers, teachers, performers: with whom.
    pub partners: Few<Line<1, 80>, 10>,
    /// Of organizers: what they organize.
    pub gatherings: Few<Line<1, 120>, 20>,
    /// Of hosts: how many guests may sleep there.
    pub sleeps: Option<Whole<1, 50>>,
}

impl Input for ExperiencePage {
    fn check_fields(&mut self, check: &mut Check<'_>) {
        check.field("headline", &mut self.headline);
        check.field("summary", &mut self.summary);
        check.field("since", &mut self.since);
        check.field("cities", &mut self.cities);
        check.field("links", &mut self.links);
        check.field("available", &mut self.available);
        check.field("styles", &mut self.styles);
        check.field("class_formats", &mut self.class_formats);
        check.field("favourite_orchestras", &mut self.favourite_orchestras);
        check.field("favourite_singers", &mut self.favourite_singers);
        check.field("equipment", &mut self.equipment);
        check.field("partners", &mut self.partners);
        check.field("gatherings", &mut self.gatherings);
        check.field("sleeps", &mut self.sleeps);
    }
}

impl ExperiencePage {
    /// Whether all of it belongs on a page of that kind.
    pub fn fits(&self, kind: ExperienceKind) -> Result<()> {
        use ExperienceKind::{Dancer, Dj, Host, Organizer, Performer, Photographer, Teacher};
        let said: [(&str, bool, &[ExperienceKind]); 8] = [
            ("styles", !self.styles.is_empty(), &[Dancer, Teacher, Performer]),
            ("class_formats", !self.class_formats.is_empty(), &[Teacher]),
            (
                "favourite_orchestras",
                !self.favourite_orchestras.is_empty(),
                &[Dancer, Dj],
            ),
            (
                "favourite_singers",
                !self.favourite_singers.is_empty(),
                &[Dancer, Dj],
            ),
            ("equipment", !self.equipment.is_empty(), &[Dj, Photographer]),
            (
                "partners",
                !self.partners.is_empty(),
                &[Dancer, Teacher, Performer],
            ),
            ("gatherings", !self.gatherings.is_empty(), &[Organizer]),
            ("sleeps", self.sleeps.is_some(), &[Host]),
        ];
        for (field, said, kinds) in said {
            if said && !kinds.contains(&kind) {
                return Err(invalid(format!("/{field}"), "not_of_this_kind"));
            }
        }
        for (n, link) in self.links.iter().enumerate() {
            let url = url::Url::parse(link).ok();
            if !url.is_some_and(|url| url.scheme() == "https" && url.has_host()) {
                return Err(invalid(format!("/links/{n}"), "not_a_link"));
            }
        }
        Ok(())
    }
}

/// A page as its reader sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Experience {
    pub kind: ExperienceKind,
    pub page: ExperiencePage,
    pub updated_at: base::Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(json: serde_json::Value) -> ExperiencePage {
        base::input::checked(serde_json::from_value(json).unwrap()).unwrap()
    }

    #[test]
    fn a_page_holds_what_belongs_to_its_kind() {
        let styled = page(serde_json::json!({"headline": "Salon", "styles": ["salon"]}));
        styled.fits(ExperienceKind::Teacher).unwrap();
        assert_eq!(
            styled.fits(ExperienceKind::Host).unwrap_err().fields()[0].pointer,
            "/styles"
        );
        let common =
            page(serde_json::json!({"summary": "x", "links": ["https://example.test/a"], "available": true}));
        for kind in ExperienceKind::ALL {
            common.fits(*kind).unwrap();
        }
    }

    #[test]
    fn links_lead_to_safe_places() {
        for bad in [
            "http://example.test",
            "javascript:alert(1)",
            "https://?x",
            "example.test",
        ] {
            let linked = page(serde_json::json!({"links": [bad]}));
            assert!(linked.fits(ExperienceKind::Dancer).is_err(), "{bad}");
        }
    }
}
