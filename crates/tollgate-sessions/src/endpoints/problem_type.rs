//! The types of the problems that the endpoints report, beside those of the core.

use tollgate::adapter::ProblemType;

macro_rules! problem_types {
    ($($name:ident = $path:literal, $title:literal, $status:literal;)+) => {
        $(pub(super) const $name: ProblemType =
            ProblemType::new(concat!("tag:tollgate.example,2026:", $path), $title, $status);)+

        /// All types of this module.
        #[cfg(test)]
        pub(super) const ALL: &[ProblemType] = &[$($name),+];
    };
}

problem_types! {
    SESSION_NOT_FOUND = "session-not-found", "Session not found", 404;
    MALFORMED_BODY = "malformed-body", "Malformed request body", 400;
    OTHER_TRANSPORT = "other-transport", "Refresh token of another transport", 400;
    NO_COOKIES = "no-cookies", "Tokens in cookies not supported", 400;
    INSECURE_COOKIES = "insecure-cookies", "Development cookies outside loopback", 403;
    INVALID_GRANT = "invalid-grant", "Session cannot be refreshed", 401;
    INVALID_CREDENTIALS = "invalid-credentials", "Incorrect login name or password", 401;
    WRONG_PASSWORD = "wrong-password", "Incorrect current password", 403;
    TOO_MANY_ATTEMPTS = "too-many-attempts", "Too many attempts", 429;
    LOGIN_TAKEN = "login-taken", "Login name taken", 409;
    INVALID_LOGIN = "invalid-login", "Unusable login name", 400;
    INVALID_PASSWORD = "invalid-password", "Unusable password", 400;
    TEMPORARILY_UNAVAILABLE = "temporarily-unavailable", "Temporarily unavailable", 503;
}
