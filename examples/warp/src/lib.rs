//! The example application on warp: [`app`].

use std::convert::Infallible;
use std::sync::Arc;

use example_shared::{Answer, Items, MAX_BODY_BYTES, Settings};
use tollgate_warp::{
    Admission, Authenticated, Policy, admission_from, authenticated, authenticated_with, session_routes,
};
use warp::filters::BoxedFilter;
use warp::reject::{MethodNotAllowed, PayloadTooLarge};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply as _};

/// Builds the application's filter.
pub fn app(settings: Settings) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone {
    let settings = Arc::new(settings);
    let gated = gated_routes(&settings);
    gated.or(sessions(&settings)).unify().or(open_routes(settings)).unify().recover(recover).unify()
}

fn gated_routes(settings: &Settings) -> BoxedFilter<(Response,)> {
    let (required, optional) = (&settings.gate, &settings.optional_gate);
    let items = Items::default();
    let added = items.clone();
    let me = warp::path!("me")
        .and(read())
        .and(authenticated(required))
        .map(|token: Authenticated| example_shared::me(&token));
    let list = warp::path!("items")
        .and(read())
        .and(authenticated_with(required, Policy::scope("read:items")))
        .map(move |_: Authenticated| items.list());
    let add = warp::path!("items")
        .and(warp::post())
        .and(authenticated_with(required, Policy::scope("write:items")))
        .and(warp::body::content_length_limit(MAX_BODY_BYTES.try_into().unwrap_or(u64::MAX)))
        .and(warp::body::bytes())
        .map(move |_: Authenticated, body: warp::hyper::body::Bytes| added.add(&body));
    let admin = warp::path!("admin")
        .and(read())
        .and(authenticated_with(required, Policy::role("admin")))
        .map(|token: Authenticated| example_shared::admin(&token));
    let who_am_i = warp::path!("whoami")
        .and(read())
        .and(admission_from(optional))
        .map(|admission: Admission| example_shared::who_am_i(admission.verified()));
    me.or(list).unify().or(add).unify().or(admin).unify().or(who_am_i).unify().map(reply).boxed()
}

/// Returns the session endpoints. The filter matches nothing if the application only verifies tokens of another
/// issuer.
fn sessions(settings: &Settings) -> BoxedFilter<(Response,)> {
    match settings.endpoints() {
        Some(endpoints) => session_routes(endpoints).map(warp::Reply::into_response).boxed(),
        None => warp::any().and_then(async || Err::<Response, _>(warp::reject::not_found())).boxed(),
    }
}

fn open_routes(settings: Arc<Settings>) -> BoxedFilter<(Response,)> {
    let with_settings = warp::any().map(move || Arc::clone(&settings));
    let file = warp::path::end().map(String::new).or(warp::path!(String)).unify();
    let page = file.and_then(page).and(read());
    let public = warp::path!("public").and(read()).map(example_shared::public);
    let health = warp::path!("healthz").and(read()).map(example_shared::health);
    let ready = warp::path!("readyz")
        .and(read())
        .and(with_settings.clone())
        .then(async |settings: Arc<Settings>| example_shared::ready(&settings).await);
    let metrics = warp::path!("metrics")
        .and(read())
        .and(with_settings.clone())
        .then(async |settings: Arc<Settings>| example_shared::metrics(&settings).await);
    let metadata = warp::path!(".well-known" / "oauth-protected-resource")
        .and(read())
        .and(with_settings)
        .map(|settings: Arc<Settings>| settings.resource_metadata());
    let documents = public.or(health).unify().or(ready).unify().or(metrics).unify().or(metadata).unify();
    page.or(documents).unify().map(reply).boxed()
}

/// Returns the file of the demo page at this path, or rejects.
async fn page(name: String) -> Result<Answer, Rejection> {
    let mut files = example_shared::page();
    let file = files.find(|(path, _)| path.strip_prefix('/') == Some(&*name));
    file.map(|(_, file)| file).ok_or_else(warp::reject::not_found)
}

/// Matches GET and HEAD (RFC 9110 §9.3.2).
fn read() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

/// Converts a rejection to a response. A rejection of the gate takes precedence over those of other routes, such as
/// one for the method.
async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    if let Some(refused) = rejection.find::<tollgate_warp::Rejection>() {
        return Ok(tollgate_warp::rejection_response(refused));
    }
    if rejection.find::<PayloadTooLarge>().is_some() {
        return Ok(reply(example_shared::body_too_large()));
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return Ok(reply(example_shared::method_not_allowed()));
    }
    Ok(reply(example_shared::not_found()))
}

/// Converts an [`Answer`] to warp's response.
fn reply(answer: Answer) -> Response {
    let Answer { status, content_type, headers, body, .. } = answer;
    let response = warp::http::Response::builder().status(status).header("content-type", content_type);
    let response = headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(body).unwrap_or_default().into_response()
}
