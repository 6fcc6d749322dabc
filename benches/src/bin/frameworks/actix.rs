//! Actix Web 4: Tollgate and its peers.

use std::hint::black_box;
use std::sync::Arc;

use actix_http::Request;
use actix_jwt_auth_middleware::{AuthenticationService, Authority};
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{self, ReqData};
use actix_web::{App, Error, HttpMessage as _, error, test};
use actix_web_httpauth::extractors::bearer::BearerAuth;
use actix_web_httpauth::middleware::HttpAuthentication;
use jwt_compact::TimeOptions;
use jwt_compact::alg::{Hs256, Hs256Key};
use tokio::runtime::Runtime;
use tollgate::{Algorithm, Gate};
use tollgate_actix::{Authenticate, Claims};
use tollgate_benches::Contender;
use tollgate_benches::fixtures::{self, User};
use tollgate_benches::requests::fields;
use tollgate_testing::keys;

use crate::lineup::{self, BODY, Lineup, NO_AUTH, OURS, OURS_UNCACHED, PATH, Reason, Tokens};

const AUTHORIZATION: &str = "authorization";
/// The header field in which actix-jwt-auth-middleware gets its token.
const ACCESS_TOKEN: &str = "access_token";

pub(crate) fn lineup(runtime: &Runtime, algorithm: Algorithm, tokens: Tokens) -> Lineup<'_> {
    let mut lineup = Lineup::new(runtime, tokens);
    let gate = fixtures::gate(algorithm);
    let open = runtime.block_on(test::init_service(App::new().route(PATH, web::get().to(async || BODY))));
    add(&mut lineup, NO_AUTH, AUTHORIZATION, Ok(open));
    add(&mut lineup, OURS, AUTHORIZATION, Ok(runtime.block_on(ours(gate.clone()))));
    add(&mut lineup, OURS_UNCACHED, AUTHORIZATION, Ok(runtime.block_on(ours(gate.without_cache()))));
    let httpauth = runtime.block_on(httpauth(algorithm));
    add(&mut lineup, "actix-web-httpauth, jsonwebtoken 11", AUTHORIZATION, Ok(httpauth));
    let middleware = runtime.block_on(middleware(algorithm));
    add(&mut lineup, "actix-jwt-auth-middleware", ACCESS_TOKEN, middleware);
    lineup
}

/// The service of an initialized application.
trait Served: Service<Request, Response = ServiceResponse<Self::Body>, Error = Error> {
    type Body: MessageBody;
}

impl<S, B> Served for S
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Body = B;
}

fn add<'a>(
    lineup: &mut Lineup<'a>,
    name: &'static str,
    field: &'static str,
    service: Result<impl Served + 'a, Reason>,
) {
    let service = match service {
        Ok(service) => service,
        Err(reason) => return lineup.absent.push((name, reason.to_string())),
    };
    let runtime = lineup.runtime;
    let status = |token: Option<&str>| {
        let request = request(&headers(token, field), &Uri::from_static(PATH));
        match runtime.block_on(service.call(request)) {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.as_response_error().status_code().as_u16(),
        }
    };
    let Tokens { good, bad } = &lineup.tokens;
    if let Err(reason) = lineup::judge(name, [status(Some(good)), status(None), status(Some(bad))]) {
        return lineup.absent.push((name, reason));
    }
    let (headers, uri) = (headers(Some(good), field), Uri::from_static(PATH));
    lineup.contenders.push(Contender::repeating(name, move |runs| {
        runtime.block_on(async {
            for _ in 0..runs {
                black_box(service.call(request(&headers, &uri)).await.ok());
            }
        });
    }));
}

fn headers(token: Option<&str>, field: &'static str) -> HeaderMap {
    let fields = fields(token).into_iter().map(|(name, text)| match name {
        AUTHORIZATION if field != AUTHORIZATION => (field, text.replace("Bearer ", "")),
        name => (name, text),
    });
    let value = |text: String| HeaderValue::from_str(&text).expect("a field value");
    fields.map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

fn request(headers: &HeaderMap, uri: &Uri) -> Request {
    let mut request = Request::new();
    request.head_mut().uri = uri.clone();
    request.head_mut().headers = headers.clone();
    request
}

async fn ours(gate: Gate) -> impl Served {
    let handler = async |_: Claims<User>| BODY;
    test::init_service(App::new().route(PATH, web::get().to(handler)).wrap(Authenticate::new(gate))).await
}

async fn httpauth(algorithm: Algorithm) -> impl Served {
    let keys = Arc::new(fixtures::jsonwebtoken(algorithm));
    let validate = move |request: ServiceRequest, bearer: BearerAuth| {
        let keys = Arc::clone(&keys);
        async move {
            match jsonwebtoken::decode::<User>(bearer.token(), &keys.0, &keys.1) {
                Ok(data) => {
                    request.extensions_mut().insert(data.claims);
                    Ok(request)
                }
                Err(_) => Err((error::ErrorUnauthorized("invalid token"), request)),
            }
        }
    };
    let handler = async |_: ReqData<User>| BODY;
    let app = App::new().route(PATH, web::get().to(handler)).wrap(HttpAuthentication::bearer(validate));
    test::init_service(app).await
}

async fn middleware(algorithm: Algorithm) -> Result<impl Served, Reason> {
    if algorithm != Algorithm::Hs256 {
        return Err("it requires algorithms that can be cloned, which jwt-compact's ES256 cannot".into());
    }
    let authority = Authority::<User, Hs256, _, _>::new()
        .refresh_authorizer(async || Ok(()))
        .access_token_name(ACCESS_TOKEN)
        .enable_header_tokens(true)
        .enable_cookie_tokens(false)
        .renew_access_token_automatically(false)
        .algorithm(Hs256)
        .time_options(TimeOptions::default())
        .verifying_key(Hs256Key::new(keys::SECRET))
        .build()?;
    let handler = async |_: ReqData<User>| BODY;
    let scope =
        web::scope("").wrap(AuthenticationService::new(authority)).route(PATH, web::get().to(handler));
    Ok(test::init_service(App::new().service(scope)).await)
}
