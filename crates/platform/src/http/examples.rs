//! An example of what an operation takes and answers, made from its schema.
//!
//! A schema that names `examples` is shown with the first of them. Otherwise the
//! name of a field says what a person would write there, and the schema how long
//! and how large it may be. A test checks each example against its schema.

use serde_json::{Map, Value, json};

/// Deeper than this nothing new is said: replies to replies, groups in groups.
const DEEP: usize = 8;

/// What people write into fields of these names.
const WORDS: [(&str, &str); 42] = [
    ("body", "Three tandas of Di Sarli in a row."),
    ("html", "<p>Three tandas of <em>Di Sarli</em> in a row.</p>"),
    ("email", "lucia@example.org"),
    ("password", "the orchestra plays at nine"),
    ("current_password", "the orchestra plays at nine"),
    ("new_password", "the milonga ends at four"),
    ("username", "lucia"),
    ("display_name", "Lucía Fernández"),
    ("name", "La Catedral"),
    ("title", "Milonga La Nocturna"),
    ("city", "Buenos Aires"),
    ("cities", "Buenos Aires"),
    ("country", "AR"),
    ("country_name", "Argentina"),
    ("languages", "es"),
    ("language", "es"),
    ("time_zone", "America/Argentina/Buenos_Aires"),
    ("description", "For all who dance on Tuesdays."),
    ("bio", "I lead, and I learn to follow."),
    ("headline", "Teacher of milonguero style"),
    ("summary", "Thirty years of marathons."),
    ("occupation", "Luthier"),
    ("label", "My phone"),
    ("alt", "Two dancers under a lamp"),
    ("caption", "The last tanda"),
    ("reason", "Advertising in every room"),
    ("note", "We met at La Catedral."),
    ("private_note", "The one with the red shoes."),
    ("dance_place", "La Catedral"),
    ("dance_story", "A vals, and then the whole tanda."),
    ("favourite_orchestras", "Carlos Di Sarli"),
    ("favourite_singers", "Roberto Rufino"),
    ("styles", "milonguero"),
    ("gatherings", "Encuentro del Río"),
    ("equipment", "two turntables"),
    ("partners", "Bruno Castelli"),
    ("links", "https://example.org/lucia"),
    ("url", "https://example.org/lucia"),
    ("endpoint", "https://push.example.org/send/1"),
    ("tango_role", "leader"),
    ("hashtags", "milonga"),
    ("slug", "la-ronda"),
];

/// An example that fits the schema. A body shows what must be there, an answer everything.
pub fn of(schema: &Value, named: &Map<String, Value>, whole: bool) -> Value {
    Maker { named, whole }.value(schema, "", 0)
}

struct Maker<'a> {
    named: &'a Map<String, Value>,
    whole: bool,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.rsplit('/').next().unwrap_or_default();
            return match self.named.get(target) {
                Some(schema) => self.value(schema, name, depth + 1),
                None => Value::Null,
            };
        }
        if let Some(example) = schema["examples"].get(0).or(schema.get("const")) {
            return example.clone();
        }
        if let Some(choice) = schema["enum"].get(0) {
            return choice.clone();
        }
        for several in ["oneOf", "anyOf"] {
            let mut alternatives = schema[several].as_array().into_iter().flatten();
            if let Some(one) = alternatives.find(|one| one["type"] != "null") {
                return self.object_with(schema, self.value(one, name, depth + 1), depth);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let parts = all.iter().map(|part| self.value(part, name, depth + 1));
            return self.object_with(schema, parts.fold(json!({}), together), depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "string" => text(schema, name),
            "integer" | "number" => number(schema, name),
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }

    /// An alternative together with the fields that stand beside the alternatives.
    fn object_with(&self, schema: &Value, part: Value, depth: usize) -> Value {
        if schema["properties"].is_object() && part.is_object() {
            return together(self.object(schema, depth), part);
        }
        part
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|other| other == name))
        };
        let fields = schema["properties"].as_object().into_iter().flatten();
        let must = |name: &str| required(name) || (self.whole && depth < DEEP);
        let mut shown: Map<String, Value> = fields
            .clone()
            .filter(|(name, _)| must(name))
            .map(|(name, schema)| (name.clone(), self.value(schema, name, depth + 1)))
            .collect();
        // A body whose fields are all free shows the first: an empty one says nothing.
        if shown.is_empty()
            && let Some((name, schema)) = fields.clone().next()
        {
            shown.insert(name.clone(), self.value(schema, name, depth + 1));
        }
        shown.into()
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        if depth >= DEEP && least == 0 {
            return json!([]);
        }
        let items = schema["prefixItems"].as_array().cloned();
        let items = items.unwrap_or_else(|| vec![schema["items"].clone(); least.max(1) as usize]);
        items
            .iter()
            .map(|item| self.value(item, name, depth + 1))
            .collect()
    }
}

fn together(mut one: Value, other: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (one.as_object_mut(), other) {
        fields.extend(more);
    }
    one
}

/// The type, where one of several is null the other one.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or("null"),
        one => one.as_str().unwrap_or(if schema["properties"].is_object() {
            "object"
        } else {
            "null"
        }),
    }
}

fn text(schema: &Value, name: &str) -> Value {
    let written = WORDS
        .iter()
        .find(|(field, _)| *field == name)
        .map(|(_, words)| *words);
    let text = match schema["format"].as_str() {
        Some("uuid") => "019ac2d5-7a40-7c52-9a61-5f2b8a1c4e77",
        Some("date-time") => "2026-12-05T21:00:00Z",
        Some("date") => "2026-12-05",
        Some("uri") => "https://example.org/lucia",
        _ => match (written, repeated(schema)) {
            (None, Some(letters)) => return "7".repeat(letters).into(),
            (words, _) => words.unwrap_or("la ronda"),
        },
    };
    let most = schema["maxLength"]
        .as_u64()
        .map_or(usize::MAX, |most| most as usize);
    let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
    let mut text: String = text.chars().take(most).collect();
    while text.chars().count() < least {
        text.push('a');
    }
    text.into()
}

/// How many letters a pattern like `^[0-9a-f]{64}$` wants.
fn repeated(schema: &Value) -> Option<usize> {
    let (_, count) = schema["pattern"].as_str()?.split_once("]{")?;
    count.split_once('}')?.0.parse().ok()
}

fn number(schema: &Value, name: &str) -> Value {
    let usual: f64 = match name {
        "latitude" => -34.6,
        "longitude" => -58.4,
        "rating" => 5.0,
        "leader_level" | "follower_level" | "level" => 4.0,
        "dancing_since" => 2009.0,
        _ => 3.0,
    };
    let bound = |key: &str| schema[key].as_f64();
    let value = usual
        .max(bound("minimum").unwrap_or(f64::MIN))
        .min(bound("maximum").unwrap_or(f64::MAX));
    if kind(schema) == "integer" {
        json!(value as i64)
    } else {
        json!(value)
    }
}
