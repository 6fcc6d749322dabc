//! `POST csrf`, and the check of anti-CSRF tokens.

use tollgate::adapter::RequestView;
use tracing::warn;

use super::Endpoints;
use super::client::{Client, TokenCookies};
use super::problem::Problem;
use super::response::SessionResponse;
use super::route::Route;
use crate::session::SessionId;

impl Endpoints {
    /// Checks the anti-CSRF token of the session whose refresh token is in the cookie. For an access token, the
    /// gate does this check. Login, registration and `POST csrf` are exempt, so that a client without a token
    /// can get one.
    pub(super) fn check_csrf_token<R: RequestView>(
        &self,
        request: &R,
        route: &Route,
        cookies: &TokenCookies,
    ) -> Result<(), Problem> {
        let exempt = matches!(route, Route::Login | Route::Register | Route::CsrfToken);
        if exempt || self.gate.csrf_verifier().is_none() {
            return Ok(());
        }
        let session = cookies.refresh_token().and_then(|token| self.sessions.session_of_token(token));
        let Some((session, _flags)) = session else { return Ok(()) };
        self.gate.check_csrf_token(request, &session.to_string()).map_err(|error| {
            warn!(?route, %session, %error, "request rejected: another site may have caused it");
            Problem::CrossSite(error)
        })
    }

    /// Issues an anti-CSRF token to a page that has none, or one of another session. The session may have been
    /// revoked, as the token of a revoked session is of no use.
    pub(super) fn csrf_token(&self, client: &Client) -> Result<SessionResponse, Problem> {
        if self.gate.csrf_verifier().is_none() {
            return Err(Problem::NoSuchPath);
        }
        let session = client.cookie.as_deref().and_then(|token| self.sessions.session_of_token(token));
        let (session, flags) = session.ok_or(Problem::InvalidGrant)?;
        let idle = self.sessions.settings().lifetimes(flags).idle().as_secs();
        let max_age = (!flags.is_transient()).then_some(idle);
        Ok(SessionResponse::empty(204).with_cookies(self.csrf_cookie(session, client, max_age)?))
    }

    /// Returns the cookie with the anti-CSRF token of a session, if the gate requires anti-CSRF tokens.
    pub(super) fn csrf_cookie(
        &self,
        session: SessionId,
        client: &Client,
        max_age: Option<u64>,
    ) -> Result<Option<String>, Problem> {
        let Some(tokens) = self.gate.csrf_verifier() else { return Ok(None) };
        let token = self.sessions.csrf_token(session, client.csrf_token.as_deref());
        let token = token.map_err(|error| Problem::server_error(&error))?;
        self.cookies.set_csrf(tokens.cookie_name(), &token, max_age).map(Some)
    }

    /// Returns the `Set-Cookie` headers that clear all cookies of the endpoints.
    pub(super) fn cleared_cookies(&self) -> impl Iterator<Item = String> {
        let csrf = self.gate.csrf_verifier().map(|tokens| self.cookies.clear_csrf(tokens.cookie_name()));
        self.cookies.clear().into_iter().chain(csrf)
    }
}

#[cfg(test)]
mod tests {
    use tollgate::adapter::Decision;

    use super::super::testing::{FakeRequest, PASSWORD, World, cookies_of, header, member, post, post_with};
    use crate::endpoints::CookieSettings;

    const FIELD: &str = "x-csrf-token";

    async fn log_in(world: &World) -> String {
        cookies_of(&world.log_in(r#","mode":"cookie""#).await)
    }

    fn token_in(cookies: &str) -> String {
        let (_, token) = cookies.split_once("__Host-csrf=").unwrap();
        token.to_owned()
    }

    #[tokio::test]
    async fn csrf_token_is_issued_with_the_session() {
        let world = World::with_csrf_tokens().await;
        let login = world.log_in(r#","mode":"cookie""#).await;
        let set = header(&login, "set-cookie");
        assert!(set[2].starts_with("__Host-csrf="));
        assert!(set[2].ends_with("; Path=/; Max-Age=1209600; Secure; SameSite=Strict"), "{}", set[2]);
        let cookies = cookies_of(&login);
        let token = token_in(&cookies);
        let refreshed = world.send(&post_with("/auth/refresh", &cookies).header(FIELD, &token), "{}").await;
        assert_eq!(refreshed.status(), 200);
        assert_eq!(
            token_in(&cookies_of(&refreshed)),
            token,
            "a refresh keeps the token, so that open pages keep working"
        );
        // Another login begins another session, with another token.
        let again = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
        let again = world.send(&post_with("/auth/login", &cookies), &again).await;
        assert_ne!(token_in(&cookies_of(&again)), token);
        let old = post_with("/auth/refresh", &cookies_of(&again)).header(FIELD, &token);
        assert_eq!(world.send(&old, "{}").await.status(), 403);
        // Mode `token` sets no cookie.
        assert!(header(&world.log_in("").await, "set-cookie").is_empty());
        let transient = world.log_in(r#","mode":"cookie","remember":false"#).await;
        assert!(header(&transient, "set-cookie")[2].ends_with("; Path=/; Secure; SameSite=Strict"));
    }

    /// Every endpoint that uses a cookie, with a missing, a wrong and a valid token.
    #[tokio::test]
    async fn endpoints_reject_cookies_without_a_csrf_token() {
        let world = World::with_csrf_tokens().await;
        let (cookies, other) = (log_in(&world).await, log_in(&world).await);
        let calls = [
            ("POST", "/auth/refresh", 200),
            ("POST", "/auth/password", 403),
            ("DELETE", "/auth/sessions/x", 404),
            ("POST", "/auth/logout-all", 204),
            ("POST", "/auth/logout", 204),
        ];
        for (method, path, status) in calls {
            let body = r#"{"current_password":"wrong horse","new_password":"battery staple"}"#;
            for (sent, refused) in [
                (None, true),
                (Some(token_in(&other)), true),
                (Some("x".to_owned()), true),
                (Some(token_in(&cookies)), false),
            ] {
                let request = FakeRequest::new(method, path)
                    .header("content-type", "application/json")
                    .header("sec-fetch-site", "same-origin")
                    .header("cookie", &cookies);
                let request = sent.iter().fold(request, |request, token| request.header(FIELD, token));
                let response = world.send(&request, body).await;
                let expected = if refused { 403 } else { status };
                assert_eq!(response.status(), expected, "{path} {sent:?} {}", response.body());
                assert_eq!(
                    refused,
                    response.body().contains("csrf_token"),
                    "{path} {sent:?} {}",
                    response.body()
                );
                if refused {
                    assert!(
                        header(&response, "set-cookie").is_empty(),
                        "{path}: a rejected request clears no cookies"
                    );
                }
            }
        }
    }

    /// A logout needs only one of the two cookies, and the check applies to either.
    #[tokio::test]
    async fn logout_requires_a_csrf_token_when_a_cookie_is_missing() {
        let world = World::with_csrf_tokens().await;
        let cookies = log_in(&world).await;
        let token = token_in(&cookies);
        let pick = |names: [&str; 2]| {
            let picked = cookies.split("; ").filter(|pair| names.iter().any(|name| pair.starts_with(name)));
            picked.collect::<Vec<_>>().join("; ")
        };
        let access = pick(["__Host-Http-at=", "__Host-csrf="]);
        let refresh = pick(["__Host-Http-rt=", "__Host-csrf="]);
        for half in [&access, &refresh] {
            let response = world.send(&post_with("/auth/logout", half), "{}").await;
            assert_eq!((response.status(), header(&response, "set-cookie").len()), (403, 0), "{half}");
        }
        // Without the cookie of the anti-CSRF token.
        let bare = pick(["__Host-Http-at=", "__Host-Http-rt="]);
        let response = world.send(&post_with("/auth/logout", &bare).header(FIELD, &token), "{}").await;
        assert_eq!(response.status(), 403);
        let response = world.send(&post_with("/auth/logout", &access).header(FIELD, &token), "{}").await;
        assert_eq!((response.status(), header(&response, "set-cookie").len()), (204, 3));
        assert!(header(&response, "set-cookie")[2].starts_with("__Host-csrf=; Path=/; Max-Age=0; Secure"));
        let denied = world.send(&post_with("/auth/refresh", &refresh).header(FIELD, &token), "{}").await;
        assert_eq!((denied.status(), header(&denied, "set-cookie").len()), (401, 3));
    }

    #[tokio::test]
    async fn gate_rejects_cookies_without_a_csrf_token() {
        let world = World::with_csrf_tokens().await;
        let cookies = log_in(&world).await;
        let gate = &world.endpoints.0.gate;
        let admitted =
            |request: &FakeRequest| matches!(gate.admit(request, gate.now()), Decision::Admitted(_));
        let post = post_with("/orders", &cookies);
        assert!(!admitted(&post));
        assert!(admitted(&post.header(FIELD, token_in(&cookies))));
        assert!(admitted(&FakeRequest::new("GET", "/orders").header("cookie", &cookies)));
        let bearer = format!("Bearer {}", member(&world.log_in("").await, "access_token"));
        assert!(admitted(&FakeRequest::new("POST", "/orders").header("authorization", bearer)));
    }

    /// Without a session in a cookie, another site has nothing to abuse.
    #[tokio::test]
    async fn endpoints_need_no_csrf_token_without_a_session_cookie() {
        let world = World::with_csrf_tokens().await;
        let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&world.log_in("").await, "refresh_token"));
        assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 200);
        assert_eq!(world.send(&post("/auth/logout"), "{}").await.status(), 204);
        let forged = post_with("/auth/refresh", "__Host-Http-rt=rt1_x");
        let denied = world.send(&forged, "{}").await;
        assert_eq!((denied.status(), header(&denied, "set-cookie").len()), (401, 3));
    }

    #[tokio::test]
    async fn lost_csrf_token_is_replaced() {
        let world = World::with_csrf_tokens().await;
        let (cookies, other) = (log_in(&world).await, log_in(&world).await);
        let ask =
            async |world: &World, cookies: &str| world.send(&post_with("/auth/csrf", cookies), "").await;
        let (bare, _) = cookies.split_once("; __Host-csrf=").unwrap();
        let stale = format!("{bare}; __Host-csrf={}", token_in(&other));
        for without in [bare, &stale] {
            let response = ask(&world, without).await;
            assert_eq!(response.status(), 204);
            assert!(
                header(&response, "set-cookie")[0]
                    .ends_with("; Path=/; Max-Age=1209600; Secure; SameSite=Strict")
            );
            let fresh = cookies_of(&response);
            let refresh = post_with("/auth/refresh", &format!("{bare}; {fresh}"));
            let refreshed = world.send(&refresh.header(FIELD, token_in(&fresh)), "{}").await;
            assert_eq!(refreshed.status(), 200);
        }
        let kept = ask(&world, &cookies).await;
        assert_eq!(cookies_of(&kept), format!("__Host-csrf={}", token_in(&cookies)));
        let transient = cookies_of(&world.log_in(r#","mode":"cookie","remember":false"#).await);
        let kept = ask(&world, &transient).await;
        assert!(header(&kept, "set-cookie")[0].ends_with("; Path=/; Secure; SameSite=Strict"));
        for invalid in ["", "__Host-Http-rt=rt1_x"] {
            let response = ask(&world, invalid).await;
            assert_eq!((response.status(), header(&response, "set-cookie").len()), (401, 0));
        }
        assert_eq!(ask(&World::new().await, &cookies).await.status(), 404);
    }

    /// A link on another site must not replace the token of a page that has read it.
    #[tokio::test]
    async fn cross_site_request_cannot_replace_the_csrf_token() {
        let world = World::with_csrf_tokens().await;
        let cookies = log_in(&world).await;
        let (bare, _) = cookies.split_once("; __Host-csrf=").unwrap();
        for (method, site, status) in
            [("POST", "cross-site", 403), ("POST", "same-site", 403), ("GET", "cross-site", 405)]
        {
            let request = FakeRequest::new(method, "/auth/csrf").header("sec-fetch-site", site);
            let response = world.send(&request.header("cookie", bare), "").await;
            assert_eq!(
                (response.status(), header(&response, "set-cookie").len()),
                (status, 0),
                "{method} {site}"
            );
        }
    }

    #[test]
    fn csrf_cookie_name_requires_the_host_prefix() {
        let cookies = CookieSettings::default().with_csrf_name("__Host-x").unwrap();
        assert!(cookies.clone().with_csrf_name("csrf").is_err());
        assert!(cookies.with_refresh_name("__Host-x").is_err(), "the names must differ");
        let plain = CookieSettings::insecure_for_development();
        assert_eq!(plain.clear_csrf("csrf"), "csrf=; Path=/; Max-Age=0; SameSite=Strict");
    }
}
