//! What a token must be, claim by claim, and how keys follow one another.

use super::*;
use platform::config::Sources;
use serde_json::{Value, json};

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((START + seconds) * 1_000_000)
}

fn key(name: &str, seed: u8, starts: i64) -> Key {
    Key {
        id: name.to_owned(),
        signing: SigningKey::from_bytes(&[seed; 32]),
        signs_from: at(starts),
    }
}

const KIDS: [&str; 3] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"];

/// Signs for an hour each, from -100 s on.
fn tokens() -> AccessTokens {
    let keys = (0..3)
        .map(|n| key(KIDS[n], n as u8 + 1, n as i64 * 3600 - 100))
        .collect();
    AccessTokens::new(keys, &Config::load(&Sources::default()).unwrap().0)
}

fn claims() -> Value {
    json!({
        "iss": Config::load(&Sources::default()).unwrap().0.public_url(),
        "aud": "mundo-tango",
        "sub": "019a0000-0000-7000-8000-000000000001",
        "sid": "019a0000-0000-7000-8000-000000000002",
        "jti": "019a0000-0000-7000-8000-000000000003",
        "iat": START, "nbf": START, "exp": START + 600,
        "auth_time": START, "amr": ["pwd"], "gen": 0,
    })
}

fn sign(seed: u8, header: &str, claims: &Value) -> String {
    let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature.to_bytes()))
}

fn good(claims: &Value) -> String {
    sign(1, &header(KIDS[0]), claims)
}

#[test]
fn every_claim_is_required_and_of_its_kind() {
    let tokens = tokens();
    assert!(tokens.verify(&good(&claims()), at(0)).is_ok());
    for name in claims().as_object().unwrap().keys() {
        let mut less = claims();
        less.as_object_mut().unwrap().remove(name);
        assert!(tokens.verify(&good(&less), at(0)).is_err(), "without {name}");
        let mut null = claims();
        null[name] = Value::Null;
        assert!(tokens.verify(&good(&null), at(0)).is_err(), "{name} null");
    }
    for (name, value) in [
        ("exp", json!((START + 600).to_string())),
        ("exp", json!(START as f64 + 600.5)),
        ("exp", json!(1e300)),
        ("exp", json!(START - 30)),
        ("aud", json!(["mundo-tango"])),
        ("aud", json!("mundo-tango-2")),
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!("")),
        ("nbf", json!(START + 31)),
        ("iat", json!(START + 31)),
        ("sub", json!("1")),
        ("amr", json!("pwd")),
        ("role", json!("admin")),
    ] {
        let mut bent = claims();
        bent[name] = value.clone();
        assert!(tokens.verify(&good(&bent), at(0)).is_err(), "{name} = {value}");
    }
}

#[test]
fn clocks_may_differ_by_thirty_seconds_and_no_more() {
    let tokens = tokens();
    let token = good(&claims());
    assert!(tokens.verify(&token, at(-30)).is_ok());
    assert!(tokens.verify(&token, at(629)).is_ok());
    assert!(tokens.verify(&token, at(630)).is_err());
    assert!(super::tests::tokens().verify(&token, at(-31)).is_err());
}

#[test]
fn a_header_is_ours_to_the_byte() {
    let tokens = tokens();
    let kid = KIDS[0];
    for text in [
        format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}","jku":"http://x"}}"#),
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../../master.key"}"#.to_owned(),
    ] {
        let token = sign(1, &BASE64.encode(&text), &claims());
        assert!(tokens.verify(&token, at(0)).is_err(), "{text}");
        assert!(
            !tokens.names_unknown_key(&token),
            "{text} makes us look for a key"
        );
    }
    let unknown = sign(9, &header("dddddddddddd"), &claims());
    assert!(tokens.names_unknown_key(&unknown) && tokens.verify(&unknown, at(0)).is_err());
}

#[test]
fn one_key_cannot_speak_in_the_name_of_another() {
    let tokens = tokens();
    assert!(
        tokens
            .verify(&sign(2, &header(KIDS[0]), &claims()), at(0))
            .is_err()
    );
}

#[test]
fn keys_follow_one_another_without_a_gap() {
    let tokens = tokens();
    let ids = Ids::new(base::Clock::manual(at(0)), base::Entropy::seeded(1));
    let issue = |when| {
        let token = tokens
            .issue(&ids, ids.next(), ids.next(), 0, at(when), at(when))
            .unwrap();
        let kid = KIDS
            .iter()
            .position(|kid| token.starts_with(&header(kid)))
            .unwrap();
        (token, kid)
    };
    let published = |when| -> Vec<String> {
        tokens
            .public_keys(at(when))
            .into_iter()
            .map(|(kid, _)| kid)
            .collect()
    };
    let (last, kid) = issue(3499);
    assert_eq!(kid, 0);
    assert_eq!(issue(3500).1, 1, "from that second on the next one signs");
    assert_eq!(published(0), KIDS);
    assert!(
        tokens.verify(&last, at(3500 + 598)).is_ok(),
        "old tokens live their time"
    );
    assert_eq!(published(3500 + 659), KIDS);
    assert_eq!(published(3500 + 660), KIDS[1..]);

    // Whoever holds the old key cannot sign on, whatever the dates in the token.
    let mut forged = claims();
    for (name, value) in [("iat", 4200), ("nbf", 4200), ("exp", 4800)] {
        forged[name] = json!(START + value);
    }
    assert!(tokens.verify(&good(&forged), at(4200)).is_err());
    forged["iat"] = json!(START + 3600);
    forged["nbf"] = json!(START + 3600);
    assert!(
        tokens.verify(&good(&forged), at(3600)).is_err(),
        "it would outlive the key"
    );
}

#[test]
fn a_key_that_is_thrown_away_takes_its_tokens_along() {
    let tokens = tokens();
    let token = good(&claims());
    assert!(tokens.verify(&token, at(0)).is_ok());
    tokens.replace_keys(vec![key(KIDS[1], 2, -10), key(KIDS[2], 3, 7200)]);
    assert!(
        tokens.verify(&token, at(0)).is_err(),
        "although it was remembered as good"
    );
}
