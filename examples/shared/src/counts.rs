//! Counters of sessions, logins and endpoints, in the text format of Prometheus.

use std::fmt::Write as _;

use crate::issuing::Issuing;

/// Returns the counters of refreshes, logins and rejected calls. Labels are names of outcomes; a client cannot
/// choose them.
pub(crate) fn prometheus(issuing: &Issuing) -> String {
    let sessions = issuing.sessions.counts();
    let logins = issuing.accounts.counts();
    let calls = issuing.endpoints.counts();
    let mut text = String::new();
    RENEWED.write(
        &mut text,
        &[
            ("rotated", sessions.rotated),
            ("replayed", sessions.replayed),
            ("store_behind", sessions.store_behind),
            ("recovered", sessions.recovered),
        ],
    );
    REFUSED.write(
        &mut text,
        &[
            ("malformed", sessions.malformed),
            ("forged", sessions.forged),
            ("wrong_transport", sessions.wrong_transport),
            ("unknown", sessions.unknown),
            ("expired", sessions.expired),
            ("revoked", sessions.revoked),
            ("reused", sessions.reused),
        ],
    );
    LOGINS.write(
        &mut text,
        &[
            ("succeeded", logins.succeeded),
            ("malformed_name", logins.malformed_name),
            ("malformed_password", logins.malformed_password),
            ("unknown_user", logins.unknown_user),
            ("wrong_password", logins.wrong_password),
            ("disabled", logins.disabled),
            ("no_password", logins.no_password),
            ("unusable_hash", logins.unusable_hash),
            ("overtaken", logins.overtaken),
            ("busy", logins.busy),
        ],
    );
    CROSS_SITE.write(
        &mut text,
        &[
            ("cross_origin", calls.cross_origin),
            ("origin_mismatch", calls.origin_mismatch),
            ("bad_origin", calls.bad_origin),
            ("missing_provenance", calls.missing_provenance),
            ("repeated", calls.repeated),
            ("csrf_token", calls.csrf_token),
            ("other", calls.other),
        ],
    );
    THROTTLED.write(&mut text, &[("login", logins.throttled), ("refresh", calls.forgeries_throttled)]);
    let failures = [("sessions", sessions.store_failures), ("users", logins.store_failures)];
    STORE_FAILURES.write(&mut text, &failures);
    text
}

/// A metric family: counters that differ in the value of one label.
struct Family {
    name: &'static str,
    help: &'static str,
    label: &'static str,
}

impl Family {
    fn write(&self, text: &mut String, counts: &[(&str, u64)]) {
        let Self { name, help, label } = self;
        // Writing to a string cannot fail.
        let _written = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
        for (value, count) in counts {
            let _written = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
        }
    }
}

const RENEWED: Family = Family {
    name: "tollgate_refresh_renewed_total",
    help: "Refreshed sessions, by kind. The kind `store_behind` means that the store lost writes.",
    label: "kind",
};
const REFUSED: Family = Family {
    name: "tollgate_refresh_refused_total",
    help: "Rejected refresh tokens, by reason. The reason `reused` means that two parties held the same token.",
    label: "reason",
};
const LOGINS: Family =
    Family { name: "tollgate_logins_total", help: "Login attempts, by outcome.", label: "outcome" };
const CROSS_SITE: Family = Family {
    name: "tollgate_cross_site_refused_total",
    help: "Calls to the session endpoints that the cross-site or anti-CSRF check rejected, by reason.",
    label: "reason",
};
const THROTTLED: Family = Family {
    name: "tollgate_throttled_total",
    help: "Calls that got a 429, by endpoint: login attempts and forged refresh tokens.",
    label: "call",
};
const STORE_FAILURES: Family = Family {
    name: "tollgate_store_failures_total",
    help: "Store calls that failed, by store.",
    label: "store",
};
