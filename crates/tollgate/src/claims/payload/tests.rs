use super::*;

fn parse(json: &str) -> Result<Payload, TokenError> {
    let mut payload = Payload::default();
    json.clone_into(&mut payload.json);
    payload.read_json().map(|()| payload)
}

#[test]
fn registered_claims_are_located_in_the_payload() {
    let payload = parse(
        r#"{"aud":["a","\u0062"],"iss":"https://i","sub":"s\"s","jti":"","exp":2.5,"nbf":-1,"iat":0,"x":{"iss":1}}"#,
    )
    .unwrap();
    assert_eq!(payload.issuer(), Some("https://i"));
    assert_eq!(payload.subject(), Some("s\"s"));
    assert_eq!(payload.token_id(), Some(""));
    assert_eq!(payload.audience().unwrap().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(payload.expires_at().unwrap().floor.as_secs(), 2);
    assert_eq!(payload.not_before().unwrap().ceil.as_secs(), -1);
    assert_eq!(payload.issued_at().unwrap().ceil.as_secs(), 0);
    assert_eq!(payload.other_kinds().count(), 0);
    let empty = parse("{}").unwrap();
    assert!(empty.issuer().is_none() && empty.audience().is_none() && empty.expires_at().is_none());
}

#[test]
fn malformed_claim_is_not_treated_as_missing() {
    let strings = ["1.5", "-1", "true", "{}", r#"["https://evil","https://good"]"#];
    for name in ["iss", "sub", "jti"] {
        for value in strings {
            refuses(name, value);
        }
    }
    refuses("iss", "1");
    for value in ["1", "true", "{}", r#"["a",1]"#, "[null]", r#"[["a"]]"#] {
        refuses("aud", value);
    }
    for name in ["exp", "nbf", "iat"] {
        for value in [r#""1""#, "true", "[]", "{}"] {
            refuses(name, value);
        }
        let too_large = parse(&format!(r#"{{"{name}":1e400}}"#));
        assert!(matches!(too_large.err(), Some(TokenError::Json { .. })));
    }
}

#[test]
fn null_counts_as_absent() {
    let payload = parse(
        r#"{"iss":null,"sub":null,"jti":null,"aud":null,"exp":null,"nbf":null,"iat":null,"nonce":null,"cnf":null}"#,
    )
    .unwrap();
    assert!(payload.issuer().is_none() && payload.subject().is_none() && payload.token_id().is_none());
    assert!(payload.audience().is_none() && payload.expires_at().is_none());
    assert!(payload.not_before().is_none() && payload.issued_at().is_none());
    assert!(payload.other_kinds().next().is_none() && !payload.is_sender_constrained());
}

#[test]
fn numeric_subject_is_kept_as_its_digits() {
    let payload = parse(r#"{"sub":17}"#).unwrap();
    assert!(payload.has_numeric_subject());
    assert_eq!(payload.subject(), Some("17"));
    assert!(!parse(r#"{"sub":"17"}"#).unwrap().has_numeric_subject());
}

fn refuses(name: &str, value: &str) {
    let json = format!(r#"{{"{name}":{value}}}"#);
    assert_eq!(parse(&json).err(), Some(TokenError::claim(name, ClaimError::WrongType)), "{json}");
}

#[test]
fn claims_of_other_kinds_of_tokens_are_reported() {
    let payload = parse(r#"{"nonce":"n","events":{},"cnf":{}}"#).unwrap();
    assert_eq!(payload.other_kinds().collect::<Vec<_>>(), ["nonce", "events"]);
    assert!(payload.is_sender_constrained());
}

/// The fast path and the full parser find the same claims, and reject the same payloads.
#[test]
fn fast_path_and_full_parser_agree() {
    use proptest::prelude::*;

    let names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "events", "cnf", "name"];
    let values = [
        r#""text""#,
        r#""""#,
        r#""\u0061""#,
        r#"["a","b"]"#,
        "[]",
        "[1]",
        "1700000000",
        "0",
        "-1",
        "2.5",
        "1700000000123456",
        "01",
        "null",
        "{}",
        " 1",
    ];
    let members = proptest::collection::vec(
        (proptest::sample::select(names.to_vec()), proptest::sample::select(values.to_vec())),
        0..6,
    );
    let seen = |payload: &Payload| {
        let texts =
            [payload.issuer(), payload.subject(), payload.token_id()].map(|text| text.map(str::to_owned));
        let audience = payload.audience().map(|texts| texts.map(str::to_owned).collect::<Vec<_>>());
        let dates = [payload.expires_at(), payload.not_before(), payload.issued_at()];
        let flags = (payload.index.sender_constrained, payload.index.numeric_subject);
        (texts, audience, dates, payload.index.markers, flags)
    };
    proptest!(ProptestConfig { cases: 5_000, ..ProptestConfig::default() }, |(members in members)| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let json = format!("{{{}}}", members.join(","));
        let mut careful = Payload { json: json.clone(), ..Payload::default() };
        let careful = careful.read_with_care().map(|()| seen(&careful));
        prop_assert_eq!(parse(&json).map(|payload| seen(&payload)), careful, "{}", json);
    });
}
