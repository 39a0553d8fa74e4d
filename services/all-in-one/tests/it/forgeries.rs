//! Every way to forge an access token that is known here, as a table: a name, the token, and whether it
//! is good. Those signed with the true key show that more than the signature is judged.

use std::fs;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use aws_lc_rs::{encoding::AsDer as _, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::settings::SigningKey;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::tokens::claims;

/// A row: its name, the token, whether it is good.
type Row = (String, String, bool);

/// Signs what it is told to, with the app's own key.
pub(crate) struct Mint(Ed25519KeyPair);

fn encode(part: &impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

impl Mint {
    pub(crate) fn new(app: &TestApp) -> Self {
        let SigningKey::File(path) = &app.platform.settings.signing_key else { panic!("a file") };
        let text = fs::read_to_string(path).unwrap();
        let body = text.lines().find(|line| line.starts_with('M')).unwrap();
        Self(Ed25519KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap())
    }

    /// A token of this very text, truly signed.
    fn sign(&self, header: &impl ToString, payload: &impl ToString) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn header_of(token: &str) -> Value {
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

fn without(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(name);
    object
}

/// The JSON of an object that says `name` a second time, with `value`.
fn twice(object: &Value, name: &str, value: &Value) -> String {
    let text = object.to_string();
    format!("{},\"{name}\":{value}}}", &text[..text.len() - 1])
}

/// The whole table, made from a good token.
pub(crate) fn table(mint: &Mint, good: &str) -> Vec<Row> {
    let (header, claims) = (header_of(good), claims(good));
    let mut rows: Vec<Row> = vec![
        ("as it was issued".to_owned(), good.to_owned(), true),
        ("the same claims, signed here".to_owned(), mint.sign(&header, &claims), true),
    ];
    let bad = |(name, token): (String, String)| (name, token, false);
    rows.extend(mangled(good).map(|(name, token)| bad((name.to_owned(), token))));
    rows.extend(confused(mint, &header, &claims).into_iter().map(bad));
    rows.extend(headers(mint, &header, &claims).into_iter().map(bad));
    rows.extend(lacking(mint, &header, &claims).into_iter().map(bad));
    rows.extend(misplaced(mint, &header, &claims).into_iter().map(bad));
    rows.extend(doubled(mint, &header, &claims).into_iter().map(bad));
    let iat = claims["iat"].as_i64().unwrap();
    for (name, value, good) in
        [("nbf", json!(iat), true), ("nbf", json!(iat + 1), false), ("nbf", json!("now"), false)]
    {
        let token = mint.sign(&header, &with(&claims, name, value.clone()));
        rows.push((format!("{name} {value}, issued at {iat}"), token, good));
    }
    let more = mint.sign(&header, &with(&claims, "something", json!("more")));
    rows.push(("a claim nobody reads".to_owned(), more, true));
    let long = mint.sign(&header, &with(&claims, "something", json!("x".repeat(4_000))));
    rows.push(("longer than 4096 bytes, truly signed".to_owned(), long, false));
    rows
}

/// What is no token, or another one than was signed.
fn mangled(good: &str) -> impl Iterator<Item = (&'static str, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let claims = claims(good);
    let admin = encode(&with(&claims, "user_type", json!("admin")));
    let immortal = encode(&with(&claims, "exp", json!(4_102_444_800_u64)));
    let mut bent = signature.to_owned();
    bent.replace_range(0..1, if bent.starts_with('A') { "B" } else { "A" });
    [
        ("not a token", "lixo".to_owned()),
        ("three letters", "a.b.c".to_owned()),
        ("oversize", "x".repeat(9_000)),
        ("an admin's payload", format!("{header}.{admin}.{signature}")),
        ("a later end", format!("{header}.{immortal}.{signature}")),
        ("a bent signature", format!("{header}.{payload}.{bent}")),
        ("an empty signature", format!("{header}.{payload}.")),
        ("no signature", format!("{header}.{payload}")),
        ("a fourth part", format!("{good}.{signature}")),
        ("padded", format!("{good}==")),
        ("half a signature", good[..good.len() - 43].to_owned()),
    ]
    .into_iter()
}

/// Another algorithm than the key's; the public half, which everyone knows, as a secret.
fn confused(mint: &Mint, header: &Value, claims: &Value) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let message = format!("{}.{}", encode(&with(header, "alg", json!(name))), encode(claims));
        rows.push((format!("alg {name:?}, not signed"), format!("{message}.")));
        rows.push((
            format!("alg {name:?}, signed"),
            mint.sign(&with(header, "alg", json!(name)), claims),
        ));
    }
    let public = mint.0.public_key();
    let x = URL_SAFE_NO_PAD.encode(public.as_ref());
    let der = public.as_der().unwrap();
    let pem = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
    let forms: [(&str, &[u8]); 5] = [
        ("bytes", public.as_ref()),
        ("x", x.as_bytes()),
        ("DER", der.as_ref()),
        ("PEM", pem.as_bytes()),
        ("nothing", b""),
    ];
    for (alg, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for (form, secret) in forms {
            let message =
                format!("{}.{}", encode(&with(header, "alg", json!(alg))), encode(claims));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
            let tag = URL_SAFE_NO_PAD.encode(tag.as_ref());
            rows.push((format!("{alg} with the public key's {form}"), format!("{message}.{tag}")));
        }
    }
    for alg in ["HS256", "RS256", "PS256", "ES256", "ES384", "ES512", "EDDSA", "Ed448"] {
        let token = mint.sign(&with(header, "alg", json!(alg)), claims);
        rows.push((format!("{alg} over an EdDSA signature"), token));
    }
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let message = format!("{}.{}", encode(&with(header, "alg", json!("ES256"))), encode(claims));
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
    rows.push(("ES256 with a key of one's own".to_owned(), format!("{message}.{signature}")));
    rows
}

/// Headers that name another key, bring one along, or ask for what nobody here understands.
fn headers(mint: &Mint, header: &Value, claims: &Value) -> Vec<(String, String)> {
    let own = Mint(Ed25519KeyPair::generate().unwrap());
    let x = URL_SAFE_NO_PAD.encode(own.0.public_key().as_ref());
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": header["kid"] });
    let url = json!("https://attacker.example/keys");
    let mut rows = vec![
        ("a key of one's own under the true kid".to_owned(), own.sign(header, claims)),
        ("no kid".to_owned(), mint.sign(&without(header, "kid"), claims)),
        ("a header that is a list".to_owned(), mint.sign(&json!([header]), claims)),
    ];
    for kid in [json!("outro"), json!("../../etc/passwd"), json!(""), json!(" "), json!(1)]
        .into_iter()
        .chain([json!(null), json!(true), json!([header["kid"]]), json!({ "kid": header["kid"] })])
    {
        rows.push((format!("kid {kid}"), mint.sign(&with(header, "kid", kid), claims)));
    }
    for (name, value) in [
        ("jwk", jwk),
        ("jku", url.clone()),
        ("x5u", url),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("x")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("typ", json!("secevent+jwt")),
    ] {
        let header = with(header, name, value.clone());
        rows.push((format!("{name} {value}, truly signed"), mint.sign(&header, claims)));
        rows.push((format!("{name} {value}, signed by oneself"), own.sign(&header, claims)));
    }
    rows
}

/// Truly signed, but with a claim missing or of another type.
fn lacking(mint: &Mint, header: &Value, claims: &Value) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for name in claims.as_object().unwrap().keys() {
        rows.push((format!("without {name}"), mint.sign(header, &without(claims, name))));
        for value in [json!(null), json!([]), json!({ "a": 1 }), json!("x".repeat(40)), json!(1.5)]
        {
            if name == "permissions" && (value.is_array() || value.is_object()) {
                // A set that names none is one without any.
                continue;
            }
            let token = mint.sign(header, &with(claims, name, value.clone()));
            rows.push((format!("{name} {value}"), token));
        }
    }
    for payload in [json!([]), json!("x"), json!(1), json!(null), json!({})] {
        rows.push((format!("a payload of {payload}"), mint.sign(header, &payload)));
    }
    rows
}

/// Truly signed, for another place or another time.
fn misplaced(mint: &Mint, header: &Value, claims: &Value) -> Vec<(String, String)> {
    let now = claims["iat"].as_i64().unwrap();
    let rows = [
        ("aud", json!("outra")),
        ("aud", json!("")),
        ("aud", json!("MARCA")),
        ("aud", json!(["marca"])),
        ("aud", json!(["marca", "outra"])),
        ("iss", json!("outra")),
        ("iss", json!("")),
        ("iss", json!(["marca"])),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(-1)),
        ("exp", json!(0)),
        ("exp", json!((now + 900).to_string())),
        ("exp", json!(1e30)),
        ("iat", json!(now + 3_600)),
        ("sub", json!(uuid::Uuid::nil())),
        ("sub", json!(uuid::Uuid::max())),
        ("tenant_id", json!(uuid::Uuid::max())),
        ("jti", json!("1")),
    ];
    rows.into_iter()
        .map(|(name, value)| {
            (format!("{name} {value}"), mint.sign(header, &with(claims, name, value)))
        })
        .collect()
}

/// Truly signed, with a name twice: what one reader takes for true another may not.
fn doubled(mint: &Mint, header: &Value, claims: &Value) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, value) in claims.as_object().unwrap() {
        rows.push((format!("{name} twice"), mint.sign(header, &twice(claims, name, value))));
    }
    for (name, value) in header.as_object().unwrap() {
        let header = twice(header, name, value);
        rows.push((format!("{name} twice in the header"), mint.sign(&header, claims)));
    }
    rows
}
