//! [`Route`]: what a request asks for, by its path and method.

use super::problem::Problem;
use crate::session::SessionId;

/// Where the public keys are published.
pub(super) const KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Login,
    Refresh,
    Logout,
    LogoutAll,
    Register,
    ChangePassword,
    ListSessions,
    /// End the session that the last segment names; `None` when it names none.
    EndSession(Option<SessionId>),
    CsrfToken,
    KeySet,
}

impl Route {
    /// Exact paths: nothing is decoded, and no slash is added or left out.
    pub(super) fn find(base: &str, path: &str, method: &str) -> Result<Self, Problem> {
        let (route, allow) = Self::at(base, path).ok_or(Problem::NoSuchPath)?;
        if allow.split(", ").any(|allowed| allowed == method) {
            Ok(route)
        } else {
            Err(Problem::Method { allow })
        }
    }

    /// Whether something is served at `path`.
    pub(super) fn exists(base: &str, path: &str) -> bool {
        Self::at(base, path).is_some()
    }

    /// What is at `path`, and with which methods.
    fn at(base: &str, path: &str) -> Option<(Self, &'static str)> {
        if path == KEY_SET_PATH {
            return Some((Self::KeySet, "GET, HEAD"));
        }
        Some(match path.strip_prefix(base)?.strip_prefix('/')? {
            "login" => (Self::Login, "POST"),
            "refresh" => (Self::Refresh, "POST"),
            "logout" => (Self::Logout, "POST"),
            "logout-all" => (Self::LogoutAll, "POST"),
            "register" => (Self::Register, "POST"),
            "password" => (Self::ChangePassword, "POST"),
            "sessions" => (Self::ListSessions, "GET, HEAD"),
            "csrf" => (Self::CsrfToken, "POST"),
            rest => (Self::EndSession(rest.strip_prefix("sessions/")?.parse().ok()), "DELETE"),
        })
    }

    /// Whether it takes a body.
    pub(super) fn takes_body(&self) -> bool {
        match self {
            Self::Login
            | Self::Refresh
            | Self::Logout
            | Self::LogoutAll
            | Self::Register
            | Self::ChangePassword => true,
            Self::ListSessions | Self::EndSession(_) | Self::CsrfToken | Self::KeySet => false,
        }
    }

    /// Whether it may set or clear cookies for somebody who presents nothing. Another site must not cause that either.
    pub(super) fn is_for_strangers(&self) -> bool {
        matches!(self, Self::Login | Self::Refresh | Self::Logout | Self::Register)
    }

    /// Whether an access token is looked for.
    pub(super) fn looks_for_access_token(&self) -> bool {
        match self {
            Self::Logout
            | Self::LogoutAll
            | Self::ChangePassword
            | Self::ListSessions
            | Self::EndSession(_) => true,
            Self::Login | Self::Refresh | Self::Register | Self::CsrfToken | Self::KeySet => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_paths_and_methods() {
        let find = |method, path| Route::find("/auth", path, method);
        assert_eq!(find("POST", "/auth/login"), Ok(Route::Login));
        assert_eq!(find("HEAD", "/auth/sessions"), Ok(Route::ListSessions));
        assert_eq!(find("DELETE", "/auth/sessions/a"), Ok(Route::EndSession(None)));
        assert_eq!(find("GET", "/.well-known/jwks.json"), Ok(Route::KeySet));
        for (method, path, allow) in [
            ("GET", "/auth/login", "POST"),
            ("post", "/auth/login", "POST"),
            ("POST, GET", "/auth/login", "POST"),
            ("", "/auth/login", "POST"),
            ("POST", "/auth/sessions", "GET, HEAD"),
            ("GET", "/auth/sessions/a", "DELETE"),
            ("TRACE", "/auth/refresh", "POST"),
            ("CONNECT", "/auth/refresh", "POST"),
        ] {
            assert_eq!(find(method, path), Err(Problem::Method { allow }), "{method} {path}");
        }
        for path in [
            "",
            "/",
            "/auth",
            "/auth/",
            "/authlogin",
            "/auth/login/",
            "/auth//login",
            "/auth/Login",
            "/auth/%6cogin",
            "/login",
            "/x/auth/login",
            "/auth/sessionsx",
        ] {
            assert_eq!(find("POST", path), Err(Problem::NoSuchPath), "{path:?}");
        }
        assert_eq!(Route::find("", "/login", "POST"), Ok(Route::Login));
    }
}
