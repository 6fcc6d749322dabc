//! What statements have in common. `$1` is the time of a test, or null.

/// One instant for the whole of a statement: the server's, unless a test has set one.
macro_rules! with_now {
    () => {
        "WITH t AS MATERIALIZED (SELECT coalesce($1::int8, \
             floor(extract(epoch FROM clock_timestamp()) * 1000)::int8) AS now) "
    };
}

/// The epoch of a subject, or of everybody when that is higher.
macro_rules! epoch_of {
    ($subject:literal) => {
        concat!(
            "(SELECT coalesce(max(e.epoch), 0) FROM tollgate.auth_subject e WHERE e.sub IN (",
            $subject,
            ", ''))"
        )
    };
}

/// What [`record`](super::row::record) reads, in its order.
macro_rules! columns {
    () => {
        "s.sid::text, s.sub, s.sec_hash, s.gen, s.grace_gen, s.rotated_at, s.epoch, s.abs_exp, s.idle_exp, \
         s.state, s.revoked_at, s.auth_time, s.fp, s.meta "
    };
}

/// Where announcements are made known.
macro_rules! channel {
    () => {
        "tollgate_auth_revocation"
    };
}
