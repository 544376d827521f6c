//! A member who speaks HTTP.

use crate::TestApp;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

/// Every test member's password.
const PASSWORD: &str = "correct horse";

#[derive(Clone, Debug)]
pub struct TestUser {
    pub id: String,
    pub name: String,
    pub token: String,
    pub refresh_token: String,
    pub device_token: String,
    url: String,
    http: Client,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("the answer is text"),
        }
    }

    /// The body, which must come with that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// A problem document with that status and code; gives the document.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        problem
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl TestUser {
    pub async fn register(app: &TestApp, name: &str) -> TestUser {
        let username = name.to_lowercase();
        let body = json!({
            "email": format!("{username}@example.test"), "password": PASSWORD,
            "username": username, "display_name": name,
        });
        let session = app.post("/api/v1/auth/register", body).await.expect(201);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        TestUser {
            id: text(&session["user"]["id"]),
            name: name.to_owned(),
            token: text(&session["access_token"]),
            refresh_token: text(&session["refresh_token"]),
            device_token: text(&session["device_token"]),
            url: app.url.clone(),
            http: app.http.clone(),
        }
    }

    /// The same member with the tokens of another answer.
    #[must_use]
    pub fn with(&self, session: &Value) -> TestUser {
        let text = |key: &str, before: &str| session[key].as_str().unwrap_or(before).to_owned();
        TestUser {
            token: text("access_token", &self.token),
            refresh_token: text("refresh_token", &self.refresh_token),
            device_token: text("device_token", &self.device_token),
            ..self.clone()
        }
    }

    /// The same member as another node meets them.
    #[must_use]
    pub fn at(&self, node: &TestApp) -> TestUser {
        TestUser {
            url: node.url.clone(),
            ..self.clone()
        }
    }

    /// A request in this member's name, to be finished by the caller.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::PUT, path)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Exchanges a refresh token, showing the device's secret or not.
    pub async fn refresh(&self, token: &str, device: Option<&str>) -> Answer {
        let body = json!({"refresh_token": token, "device_token": device});
        Answer::of(
            self.http
                .post(format!("{}/api/v1/auth/refresh", self.url))
                .json(&body),
        )
        .await
    }
}
