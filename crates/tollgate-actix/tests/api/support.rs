//! A gate, its forge, and helpers to send requests.

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse};
use tollgate_actix::{Algorithm, Audience, Authenticate, Authenticated, Gate, Issuer, Verifier};
use tollgate_testing::{Forge, ManualClock, keys};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "api://demo";

pub(crate) const BARE: Option<&str> = Some(r#"Bearer realm="api""#);
pub(crate) const INVALID_REQUEST: Option<&str> = Some(r#"Bearer realm="api", error="invalid_request""#);
pub(crate) const INVALID_TOKEN: Option<&str> = Some(r#"Bearer realm="api", error="invalid_token""#);

#[derive(Debug, serde::Deserialize)]
pub(crate) struct User {
    pub(crate) sub: String,
}

/// Claims that no token of the forge holds.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Employee {
    #[expect(dead_code, reason = "never constructed")]
    pub(crate) badge: u64,
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(1_700_000_000)
}

pub(crate) fn forge() -> Forge {
    Forge::new(ISSUER, AUDIENCE).with_clock(&clock())
}

pub(crate) fn gate() -> Gate {
    Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
    .with_clock(clock())
}

pub(crate) fn authenticate() -> Authenticate {
    Authenticate::new(gate())
}

/// A handler that returns the subject of the token.
pub(crate) async fn subject(user: Authenticated) -> String {
    user.subject().unwrap_or_default().to_owned()
}

pub(crate) fn get(target: &str) -> TestRequest {
    TestRequest::get().uri(target)
}

pub(crate) fn with_token(target: &str, token: &str) -> TestRequest {
    get(target).insert_header(("authorization", format!("Bearer {token}")))
}

pub(crate) fn good(target: &str) -> TestRequest {
    with_token(target, &forge().token().sign())
}

pub(crate) fn bad(target: &str) -> TestRequest {
    with_token(target, &forge().token().with_broken_signature())
}

/// The response as a client gets it, and what an outer wrapper can read from it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: HttpResponse<()>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn from_outcome<B: MessageBody + 'static>(
        outcome: Result<ServiceResponse<B>, Error>,
    ) -> Self {
        let response = match outcome {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let (head, body) = response.into_parts();
        let body = to_bytes(body).await.unwrap();
        Self { head, body: String::from_utf8(body.into()).unwrap() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn challenge(&self) -> Option<&str> {
        self.field("www-authenticate")
    }

    pub(crate) fn rejection(&self) -> Option<tollgate::Rejection> {
        self.head.extensions().get::<tollgate::Rejection>().cloned()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status(), &*self.body), (status, body));
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, challenge: Option<&str>) {
        assert_eq!((self.status(), self.challenge()), (status, challenge));
        assert_eq!(self.field("cache-control"), Some("no-store"));
        assert_eq!(self.rejection().map(|rejection| rejection.status()), Some(status));
    }
}

pub(crate) async fn ask<S, R, B>(app: &S, request: R) -> Answer
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    Answer::from_outcome(app.call(request).await).await
}
