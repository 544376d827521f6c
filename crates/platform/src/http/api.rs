//! The table of routes: what each takes, answers and who may call it.
//!
//! A route is declared once, with its handler; the rest is read off the
//! handler's signature by [`Describe`] (what it takes) and [`Answer`] (what it
//! gives). So the documentation cannot say anything else than the code.

use super::{
    Accepted, ClientIp, Context, Created, IfMatch, Json, NoContent, Once, Path, PathPair, Problem, Query,
    Tagged,
};
use crate::AppState;
use axum::{
    Extension, Router,
    handler::Handler,
    http::{HeaderName, HeaderValue},
    middleware::map_response,
    response::Response,
    routing::MethodRouter,
};
use base::{Day, Kind, input::Input};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who may call a route. The policy of the slice decides the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Caller {
    /// Anybody, without a token.
    Public,
    /// A member with a valid access token.
    Member,
    /// A member whose roles permit this.
    Staff(&'static str),
    /// The same, and in a community other than the first its own admins and moderators.
    Moderator(&'static str),
    /// This machine, or staff.
    Operator,
}

impl Caller {
    pub fn as_str(self) -> &'static str {
        match self {
            Caller::Public => "public",
            Caller::Member => "member",
            Caller::Staff(_) => "staff",
            Caller::Moderator(_) => "moderator",
            Caller::Operator => "operator",
        }
    }

    /// What the caller's roles must permit.
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Caller::Staff(permission) | Caller::Moderator(permission) => Some(permission),
            Caller::Public | Caller::Member | Caller::Operator => None,
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of a table")]
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    /// The handler's name, the same through route, op, test and document.
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub caller: Option<Caller>,
    /// The caller must have proved a moment ago who they are.
    pub fresh: bool,
    pub parameters: Vec<Value>,
    pub body: Option<Schema>,
    pub answers: BTreeMap<u16, Option<Schema>>,
    pub problems: BTreeSet<u16>,
    pub takes_input: bool,
    /// The body is bytes, not JSON.
    pub takes_bytes: bool,
    pub deprecated: bool,
    /// What a personal access token must be for, where one is taken.
    pub scope: Option<&'static str>,
}

impl Operation {
    fn new(method: &'static str, path: &'static str, tag: &'static str) -> Operation {
        Operation {
            method,
            path,
            tag,
            id: "",
            summary: "",
            caller: None,
            fresh: false,
            parameters: vec![],
            body: None,
            answers: BTreeMap::new(),
            problems: BTreeSet::new(),
            takes_input: false,
            takes_bytes: false,
            deprecated: false,
            scope: None,
        }
    }

    pub fn problem(&mut self, kind: Kind) {
        self.problems.insert(super::status_of(kind));
    }

    pub fn header(&mut self, name: &str, about: &str, schema: Value) {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": about, "schema": schema,
        }));
    }
}

/// What an extractor adds to the route's description.
pub trait Describe {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let _ = (operation, schemas);
    }
}

/// What an answer adds to the route's description.
pub trait Answer {
    fn answer(operation: &mut Operation, schemas: &mut Schemas);
}

/// Collects named schemas: requests and answers apart, because a field that may
/// be left out of a request always stands in an answer.
#[derive(Debug)]
pub struct Schemas {
    pub(super) requests: SchemaGenerator,
    pub(super) answers: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Schemas {
        let settings = || {
            schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Schemas {
            requests: settings().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// The schema of what comes in.
    pub fn request<T: JsonSchema>(&mut self) -> Schema {
        self.requests.subschema_for::<T>()
    }

    /// The schema of what goes out.
    pub fn answer<T: JsonSchema>(&mut self) -> Schema {
        self.answers.subschema_for::<T>()
    }

    /// Adds the named schemas of others.
    pub fn merge(&mut self, other: &Schemas) {
        join(self.requests.definitions_mut(), other.requests.definitions());
        join(self.answers.definitions_mut(), other.answers.definitions());
    }

    /// Every named schema, requests before answers.
    pub fn definitions(&self) -> Map<String, Value> {
        let mut named = self.requests.definitions().clone();
        join(&mut named, self.answers.definitions());
        named
    }
}

/// An async function that can stand behind a route.
pub trait Endpoint<Arguments> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

macro_rules! endpoints {
    ($($argument:ident)*) => {
        impl<F, Fut, R, $($argument),*> Endpoint<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut,
            Fut: Future<Output = Result<R, Problem>>,
            R: Answer,
            $($argument: Describe,)*
        {
            fn describe(operation: &mut Operation, schemas: &mut Schemas) {
                $($argument::describe(operation, schemas);)*
                R::answer(operation, schemas);
            }
        }
    };
}

endpoints!();
endpoints!(A);
endpoints!(A B);
endpoints!(A B C);
endpoints!(A B C D);
endpoints!(A B C D E);
endpoints!(A B C D E G);
endpoints!(A B C D E G H);

/// What the route asks of a personal access token. Each request to such a route bears it, so that the
/// one place that reads tokens knows; a request to any other route bears nothing, and no token is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenScope(pub &'static str);

/// Routes of one slice, or of all of them.
#[derive(Debug, Default)]
pub struct Routes {
    tag: &'static str,
    scopes: Option<(&'static str, &'static str)>,
    operations: Vec<Operation>,
    /// The code behind each operation.
    handlers: Vec<MethodRouter<AppState>>,
    schemas: Schemas,
}

macro_rules! methods {
    ($($name:ident $method:literal;)*) => {$(
        /// Adds a route under `/api/v1`. The operation's id is the handler's own name.
        #[must_use]
        pub fn $name<H, M, A>(self, path: &'static str, id: &'static str, handler: H, summary: &'static str) -> Routes
        where
            H: Handler<M, AppState> + Endpoint<A>,
            M: 'static,
        {
            self.route($method, path, id, summary, axum::routing::$name(handler), H::describe)
        }
    )*};
}

impl Routes {
    /// Routes under one heading of the documentation.
    pub fn new(tag: &'static str) -> Routes {
        Routes {
            tag,
            ..Routes::default()
        }
    }

    /// The routes from here on take personal access tokens: with the first scope what reads, with
    /// the second what writes. Routes that do not say so take none, nor do those for staff and
    /// those that want a fresh proof.
    #[must_use]
    pub fn for_tokens(mut self, reads: &'static str, writes: &'static str) -> Routes {
        self.scopes = Some((reads, writes));
        self
    }

    methods! {
        get "get";
        post "post";
        put "put";
        patch "patch";
        delete "delete";
        head "head";
        options "options";
    }

    fn route(
        mut self,
        method: &'static str,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: MethodRouter<AppState>,
        describe: fn(&mut Operation, &mut Schemas),
    ) -> Routes {
        let mut operation = Operation::new(method, path, self.tag);
        describe(&mut operation, &mut self.schemas);
        operation.problem(Kind::Unavailable);
        if path.contains('{') {
            operation.problem(Kind::NotFound);
        }
        operation.id = id;
        operation.summary = summary;
        let takes_tokens = operation.caller == Some(Caller::Member) && !operation.fresh;
        let reads = ["get", "head"].contains(&method);
        let scopes = self.scopes.filter(|_| takes_tokens);
        operation.scope = scopes.map(|(read, write)| if reads { read } else { write });
        let handler = match operation.scope {
            Some(scope) => handler.layer(Extension(TokenScope(scope))),
            None => handler,
        };
        self.operations.push(operation);
        self.handlers.push(handler);
        self
    }

    /// Says of the route before who may call it, where its signature does not.
    #[must_use]
    pub fn by(mut self, caller: Caller) -> Routes {
        if let Some(operation) = self.operations.last_mut() {
            operation.caller = Some(caller);
        }
        self
    }

    /// Says of the route before which problems its rules can answer.
    #[must_use]
    pub fn refuses(mut self, kinds: &[Kind]) -> Routes {
        if let Some(operation) = self.operations.last_mut() {
            for kind in kinds {
                operation.problem(*kind);
            }
        }
        self
    }

    /// Says of the route before which headers all its answers bear, refusals too.
    #[must_use]
    pub fn bears(mut self, headers: &'static [(&'static str, &'static str)]) -> Routes {
        if let Some(handler) = self.handlers.pop() {
            let marked = map_response(move |mut response: Response| {
                for (name, value) in headers {
                    response
                        .headers_mut()
                        .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
                }
                async move { response }
            });
            self.handlers.push(handler.layer(marked));
        }
        self
    }

    /// Says of the route before since when it should not be used any more, and when it goes.
    /// Its answers carry `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
    #[must_use]
    pub fn deprecated(mut self, since: Day, sunset: Day) -> Routes {
        if let (Some(operation), Some(handler)) = (self.operations.last_mut(), self.handlers.pop()) {
            operation.deprecated = true;
            let headers = [
                ("deprecation", format!("@{}", since.start().as_seconds())),
                ("sunset", sunset.start().as_http_date()),
            ]
            .map(|(name, value)| {
                let value = HeaderValue::try_from(value).expect("a date is plain text");
                (HeaderName::from_static(name), value)
            });
            let marked = map_response(move |mut response: Response| {
                response.headers_mut().extend(headers.clone());
                async move { response }
            });
            self.handlers.push(handler.layer(marked));
        }
        self
    }

    #[must_use]
    pub fn merge(mut self, other: Routes) -> Routes {
        self.operations.extend(other.operations);
        self.handlers.extend(other.handlers);
        self.schemas.merge(&other.schemas);
        self
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The router, with every path below `/api/v1`, and the table.
    pub fn into_parts(self) -> (Router<AppState>, Vec<Operation>, Schemas) {
        let router = self
            .operations
            .iter()
            .zip(self.handlers)
            .fold(Router::new(), |router, (operation, handler)| {
                router.route(operation.path, handler)
            });
        (
            Router::new().nest("/api/v1", router),
            self.operations,
            self.schemas,
        )
    }
}

/// Adds named schemas to others. Each slice names its own, so that two may take one name for different things.
pub(super) fn join(named: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, schema) in more {
        let before = named.insert(name.clone(), schema.clone());
        debug_assert!(
            before.is_none_or(|before| before == *schema),
            "two schemas are called {name}"
        );
    }
}

impl Describe for AppState {}
impl Describe for ClientIp {}
impl Describe for Context {}

impl<T: Input> Describe for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.takes_input = true;
        operation.body = Some(schemas.requests.subschema_for::<T>());
        for kind in [
            Kind::Malformed,
            Kind::TooLarge,
            Kind::UnsupportedMediaType,
            Kind::Invalid,
        ] {
            operation.problem(kind);
        }
    }
}

impl<T: Input> Describe for Query<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.takes_input = true;
        operation.problem(Kind::Invalid);
        let schema = T::json_schema(&mut schemas.requests);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let mut property = property.clone();
            // A parameter is there or not; it is never null.
            if let Some(kinds) = property.get_mut("type")
                && let Some(kind) = kinds
                    .as_array()
                    .and_then(|kinds| kinds.iter().find(|kind| *kind != "null"))
                    .cloned()
            {
                *kinds = kind;
            }
            if let Some(choices) = property.get("anyOf").and_then(Value::as_array).cloned()
                && let Some(choice) = choices
                    .iter()
                    .find(|choice| choice.get("type").is_none_or(|kind| kind != "null"))
            {
                property = choice.clone();
            }
            let about = property
                .as_object_mut()
                .and_then(|property| property.remove("description"));
            operation.parameters.push(json!({
                "name": name, "in": "query", "required": required.contains(&name.as_str()),
                "description": about.unwrap_or_default(), "schema": property,
            }));
        }
    }
}

/// Describes the parameters of the path, in their order.
fn describe_path(operation: &mut Operation, schemas: Vec<Schema>) {
    let names = operation
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    for (name, schema) in names.zip(schemas) {
        operation
            .parameters
            .push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    operation.problem(Kind::NotFound);
    operation.problem(Kind::Malformed);
}

impl<T: JsonSchema> Describe for Path<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_path(operation, vec![schemas.requests.subschema_for::<T>()]);
    }
}

impl<A: JsonSchema, B: JsonSchema> Describe for PathPair<A, B> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let requests = &mut schemas.requests;
        let both = vec![requests.subschema_for::<A>(), requests.subschema_for::<B>()];
        describe_path(operation, both);
    }
}

impl Describe for IfMatch {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "If-Match",
            "The ETag of the version that you have seen.",
            json!({"type": "string"}),
        );
        operation.problem(Kind::Stale);
    }
}

impl Describe for Once {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.header(
            "Idempotency-Key",
            "Names this request: repeating it within 24 hours gives the same answer and creates nothing new.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}),
        );
        operation.problem(Kind::Conflict);
        operation.problem(Kind::Invalid);
    }
}

fn answers<T: JsonSchema>(status: u16, operation: &mut Operation, schemas: &mut Schemas) {
    let schema = schemas.answers.subschema_for::<T>();
    operation.answers.insert(status, Some(schema));
}

impl<T: JsonSchema> Answer for Json<T> {
    fn answer(operation: &mut Operation, schemas: &mut Schemas) {
        answers::<T>(200, operation, schemas);
    }
}

impl<T: JsonSchema> Answer for Tagged<T> {
    fn answer(operation: &mut Operation, schemas: &mut Schemas) {
        answers::<T>(200, operation, schemas);
    }
}

impl<T: JsonSchema> Answer for Created<T> {
    fn answer(operation: &mut Operation, schemas: &mut Schemas) {
        answers::<T>(201, operation, schemas);
    }
}

impl Answer for Accepted {
    fn answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answers.insert(202, None);
    }
}

impl Answer for NoContent {
    fn answer(operation: &mut Operation, _: &mut Schemas) {
        operation.answers.insert(204, None);
    }
}

/// An answer with cookies or headers beside its body.
impl<T: Answer> Answer for (axum::http::HeaderMap, T) {
    fn answer(operation: &mut Operation, schemas: &mut Schemas) {
        T::answer(operation, schemas);
    }
}
