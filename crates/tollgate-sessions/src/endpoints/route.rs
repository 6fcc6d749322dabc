//! [`Route`]: the endpoint of a request, by its path and method.

use super::problem::Problem;
use crate::session::SessionId;

/// The path of the key set.
pub(super) const KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// The endpoint of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Login,
    Refresh,
    Logout,
    LogoutAll,
    Register,
    ChangePassword,
    ListSessions,
    /// Revokes the session whose ID is the last segment. `None` if the segment is not an ID.
    RevokeSession(Option<SessionId>),
    CsrfToken,
    KeySet,
}

impl Route {
    /// Finds the endpoint. Paths must match exactly, without percent-decoding and without a trailing slash.
    pub(super) fn find(base: &str, path: &str, method: &str) -> Result<Self, Problem> {
        let (route, allow) = Self::at(base, path).ok_or(Problem::NoSuchPath)?;
        if allow.split(", ").any(|allowed| allowed == method) {
            Ok(route)
        } else {
            Err(Problem::Method { allow })
        }
    }

    /// Returns whether `path` is an endpoint.
    pub(super) fn exists(base: &str, path: &str) -> bool {
        Self::at(base, path).is_some()
    }

    /// Returns the endpoint at `path`, and its methods.
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
            rest => (Self::RevokeSession(rest.strip_prefix("sessions/")?.parse().ok()), "DELETE"),
        })
    }

    /// Returns whether the endpoint reads a body.
    pub(super) fn takes_body(&self) -> bool {
        match self {
            Self::Login
            | Self::Refresh
            | Self::Logout
            | Self::LogoutAll
            | Self::Register
            | Self::ChangePassword => true,
            Self::ListSessions | Self::RevokeSession(_) | Self::CsrfToken | Self::KeySet => false,
        }
    }

    /// Returns whether the endpoint may set or clear cookies for a client without any credential. It then
    /// rejects cross-site requests even without a credential.
    pub(super) fn is_for_anonymous_clients(&self) -> bool {
        matches!(self, Self::Login | Self::Refresh | Self::Logout | Self::Register)
    }

    /// Returns whether the endpoint reads an access token.
    pub(super) fn reads_access_token(&self) -> bool {
        match self {
            Self::Logout
            | Self::LogoutAll
            | Self::ChangePassword
            | Self::ListSessions
            | Self::RevokeSession(_) => true,
            Self::Login | Self::Refresh | Self::Register | Self::CsrfToken | Self::KeySet => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_matches_exact_paths_and_methods_only() {
        let find = |method, path| Route::find("/auth", path, method);
        assert_eq!(find("POST", "/auth/login"), Ok(Route::Login));
        assert_eq!(find("HEAD", "/auth/sessions"), Ok(Route::ListSessions));
        assert_eq!(find("DELETE", "/auth/sessions/a"), Ok(Route::RevokeSession(None)));
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
