//! What a test's client hears is what the catalogue says: every push and every
//! answer is checked against its schema, whatever the story is about.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Catalogue {
    pushes: HashMap<String, Validator>,
    answers: HashMap<String, Validator>,
    refusal: Validator,
}

impl Catalogue {
    /// That of the server, which is asked once.
    pub async fn of(url: &str) -> Arc<Catalogue> {
        static KNOWN: Mutex<Option<HashMap<String, Arc<Catalogue>>>> = Mutex::new(None);
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalogue) = known().as_ref().and_then(|known| known.get(url).cloned()) {
            return catalogue;
        }
        let client = crate::http().build().expect("a client is built");
        let answer = client.get(format!("{url}/api/v1/realtime/catalog")).send().await;
        let told: Value = answer
            .expect("the server answers")
            .json()
            .await
            .expect("a catalogue");
        let catalogue = Arc::new(Catalogue::read(&told));
        known()
            .get_or_insert_default()
            .insert(url.to_owned(), catalogue.clone());
        catalogue
    }

    fn read(told: &Value) -> Catalogue {
        let schema = |schema: &Value| {
            let whole = json!({"allOf": [schema], "components": {"schemas": told["schemas"]}});
            jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{schema} is no schema: {error}"))
        };
        let (mut pushes, mut answers) = (HashMap::new(), HashMap::new());
        for event in told["events"].as_array().expect("a list of events") {
            let name = event["name"].as_str().expect("a name").to_owned();
            if event["direction"] == "inbound" {
                answers.insert(name, schema(&event["answer"]));
            } else {
                pushes.insert(name, schema(&event["payload"]));
            }
        }
        Catalogue {
            pushes,
            answers,
            refusal: schema(&json!({"$ref": "#/components/schemas/Refusal"})),
        }
    }

    /// What is wrong with a push, if anything.
    pub fn wrong_push(&self, event: &str, data: &Value) -> Option<String> {
        let Some(schema) = self.pushes.get(event) else {
            return Some(format!("the catalogue knows no push {event}"));
        };
        told(schema, event, data)
    }

    /// What is wrong with an answer, if anything.
    pub fn wrong_answer(&self, event: &str, answer: &Value) -> Option<String> {
        match self.answers.get(event) {
            Some(schema) if answer["ok"] == true => told(schema, event, answer),
            _ => told(&self.refusal, event, answer),
        }
    }
}

fn told(schema: &Validator, event: &str, value: &Value) -> Option<String> {
    let error = schema.validate(value).err()?;
    Some(format!(
        "{event} is not what the catalogue says: {error} in {value}"
    ))
}
