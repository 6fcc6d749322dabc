//! [`Lineup`]: the contenders, each checked to accept valid tokens and to reject bad ones.

use std::error::Error;
use std::hint::black_box;

use axum::http::{Request, Response, Uri};
use tokio::runtime::Runtime;
use tollgate_benches::Contender;
pub(crate) use tollgate_benches::requests::{BODY, PATH};
use tollgate_benches::requests::{headers, request};
use tower::Service;

pub(crate) const NO_AUTH: &str = "no auth";
/// The name starts with [`NO_AUTH`], because this contender accepts every request too.
pub(crate) const EMPTY_LAYER: &str = "no auth, an empty layer";
pub(crate) const OURS: &str = "tollgate";
pub(crate) const OURS_AROUND: &str = "tollgate, around the router";
pub(crate) const OURS_AROUND_SERVICE: &str = "tollgate, around the service";
pub(crate) const OURS_UNCACHED: &str = "tollgate, without its cache";

/// The reason why a peer is left out.
pub(crate) type Reason = Box<dyn Error>;

#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) good: String,
    /// A token with a wrong signature.
    pub(crate) bad: String,
}

/// The contenders, and the peers that are left out with the reasons.
pub(crate) struct Lineup<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) tokens: Tokens,
    pub(crate) contenders: Vec<Contender<'a>>,
    pub(crate) absent: Vec<(&'static str, String)>,
}

impl<'a> Lineup<'a> {
    pub(crate) fn new(runtime: &'a Runtime, tokens: Tokens) -> Self {
        Self { runtime, tokens, contenders: Vec::new(), absent: Vec::new() }
    }

    /// Adds a service of `http` requests, or the reason why it is left out.
    pub(crate) fn add<S, B, R>(&mut self, name: &'static str, service: Result<S, Reason>)
    where
        S: Service<Request<B>, Response = Response<R>> + 'a,
        B: Default,
    {
        let mut service = match service {
            Ok(service) => service,
            Err(reason) => return self.absent.push((name, reason.to_string())),
        };
        let runtime = self.runtime;
        let mut status = |token: Option<&str>| {
            let headers = headers(token);
            let response = runtime.block_on(service.call(request(&headers, &Uri::from_static(PATH))));
            response.ok().map_or(0, |response| response.status().as_u16())
        };
        let answers = [status(Some(&self.tokens.good)), status(None), status(Some(&self.tokens.bad))];
        if let Err(reason) = judge(name, answers) {
            return self.absent.push((name, reason));
        }
        let (headers, uri) = (headers(Some(&self.tokens.good)), Uri::from_static(PATH));
        self.contenders.push(Contender::repeating(name, move |runs| {
            runtime.block_on(async {
                for _ in 0..runs {
                    black_box(service.call(request(&headers, &uri)).await.ok());
                }
            });
        }));
    }
}

/// Checks the statuses of a contender's responses to a valid token, no token, and a bad token.
pub(crate) fn judge(name: &str, answers: [u16; 3]) -> Result<(), String> {
    let [good, none, bad] = answers;
    let refused = |status: u16| (400..500).contains(&status);
    let expected =
        if name.starts_with(NO_AUTH) { none == 200 && bad == 200 } else { refused(none) && refused(bad) };
    if good == 200 && expected {
        return Ok(());
    }
    Err(format!(
        "it responds with {good} to a valid token, {none} to no token, {bad} to a token with a wrong signature"
    ))
}
