//! A success as it is sent, and as it is sent again.

use sea_orm::DbErr;
use serde::{Deserialize, Serialize};

use crate::version::{Version, Versioned};

/// The answer of a write that succeeded. Refusals cannot be made into one: they are never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    /// Another header, if it has one.
    pub(super) header: Option<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) replayed: bool,
}

/// What stands in front of the body where an answer is kept.
#[derive(Serialize, Deserialize)]
struct Head {
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<(String, String)>,
}

impl Answer {
    /// 200 with a view as JSON.
    pub fn done(view: &impl Serialize) -> Result<Self, DbErr> {
        Self::of(200, view)
    }

    /// 201 with a view as JSON.
    pub fn created(view: &impl Serialize) -> Result<Self, DbErr> {
        Self::of(201, view)
    }

    /// 201 with a view as JSON and its version.
    pub fn made<T: Serialize>(made: &Versioned<T>) -> Result<Self, DbErr> {
        Ok(Self::created(&made.view)?.tagged(made.version))
    }

    /// 202 with a view as JSON.
    pub fn accepted(view: &impl Serialize) -> Result<Self, DbErr> {
        Self::of(202, view)
    }

    /// 204.
    pub const fn no_content() -> Self {
        Self { status: 204, etag: None, header: None, body: Vec::new(), replayed: false }
    }

    /// The same with an `ETag`.
    #[must_use]
    pub fn tagged(self, version: Version) -> Self {
        Self { etag: Some(version.to_string()), ..self }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(self, name: &'static str, value: usize) -> Self {
        Self { header: Some((name.to_owned(), value.to_string())), ..self }
    }

    fn of(status: u16, view: &impl Serialize) -> Result<Self, DbErr> {
        let body = serde_json::to_vec(view).map_err(|error| DbErr::Json(error.to_string()))?;
        Ok(Self { status, etag: None, header: None, body, replayed: false })
    }

    /// The HTTP status, a success.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The `ETag`.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The header it has besides, by name and value.
    pub fn header(&self) -> Option<(&str, &str)> {
        self.header.as_ref().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body: JSON, or nothing.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether an earlier request was answered with it.
    pub const fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// Everything but the status as bytes.
    pub(super) fn pack(&self) -> Result<Vec<u8>, DbErr> {
        let head =
            serde_json::to_vec(&Head { etag: self.etag.clone(), header: self.header.clone() });
        let head = head.map_err(|error| DbErr::Json(error.to_string()))?;
        Ok([head.as_slice(), b"\n", &self.body].concat())
    }

    /// The answer again.
    pub(super) fn unpack(status: u16, packed: &[u8]) -> Result<Self, DbErr> {
        let broken = |text: &str| DbErr::Json(format!("a stored answer: {text}"));
        let end = packed.iter().position(|byte| *byte == b'\n').ok_or_else(|| broken("no head"))?;
        let (head, body) = packed.split_at(end);
        let Head { etag, header } =
            serde_json::from_slice(head).map_err(|error| broken(&error.to_string()))?;
        Ok(Self {
            status,
            etag,
            header,
            body: body.get(1..).unwrap_or_default().to_vec(),
            replayed: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_byte_for_byte() {
        let text = "linha um\nlinha dois \"é\"";
        for answer in [
            Answer::created(&text).unwrap().tagged(Version::new("t", 1)),
            Answer::done(&text).unwrap().with("x-count", 3),
            Answer::no_content(),
        ] {
            let again = Answer::unpack(answer.status, &answer.pack().unwrap()).unwrap();
            assert!(again.is_replayed() && !answer.is_replayed());
            assert_eq!(Answer { replayed: false, ..again }, answer);
        }
        assert!(Answer::unpack(200, b"{}").is_err() && Answer::unpack(200, b"x\n{}").is_err());
    }
}
