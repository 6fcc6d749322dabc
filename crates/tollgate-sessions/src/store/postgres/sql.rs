//! Parts that statements share. `$1` is the time of a manual clock, or null.

/// Defines `t.now`, the instant of the whole statement: the manual clock's, or the server's.
macro_rules! with_now {
    () => {
        "WITH t AS MATERIALIZED (SELECT coalesce($1::int8, \
             floor(extract(epoch FROM clock_timestamp()) * 1000)::int8) AS now) "
    };
}

/// The epoch of a subject, or the global epoch when that is higher.
macro_rules! epoch_of {
    ($subject:literal) => {
        concat!(
            "(SELECT coalesce(max(e.epoch), 0) FROM tollgate.auth_subject e WHERE e.sub IN (",
            $subject,
            ", ''))"
        )
    };
}

/// The columns that [`record`](super::row::record) reads, in the same order.
macro_rules! columns {
    () => {
        "s.sid::text, s.sub, s.sec_hash, s.gen, s.grace_gen, s.rotated_at, s.epoch, s.abs_exp, s.idle_exp, \
         s.state, s.revoked_at, s.auth_time, s.fp, s.meta "
    };
}

/// The notification channel of announcements.
macro_rules! channel {
    () => {
        "tollgate_auth_revocation"
    };
}
