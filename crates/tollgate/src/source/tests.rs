use proptest::prelude::*;

use super::*;
use crate::grammar::is_b64token_symbol;
use crate::request::testing::FakeRequest;

fn bearer(values: &[&[u8]]) -> Result<Option<String>, RequestError> {
    let mut request = FakeRequest::get("/");
    for value in values {
        request = request.header("authorization", value);
    }
    token(&request, &[TokenSource::bearer()])
}

fn token(request: &FakeRequest, sources: &[TokenSource]) -> Result<Option<String>, RequestError> {
    let joined = Joined::new();
    let found = find(request, sources, &joined)?;
    let text = |credential: Credential<'_, '_>| String::from_utf8(credential.bytes.to_owned()).unwrap();
    found.map(|credential| credential.check().map(|()| text(credential))).transpose()
}

#[test]
fn bearer_scheme_is_case_insensitive_and_separated_by_spaces() {
    for value in ["Bearer a.b-c_~+/==", "bearer a.b-c_~+/==", "BEARER   a.b-c_~+/==", "Bearer a.b-c_~+/== "] {
        assert_eq!(bearer(&[value.as_bytes()]), Ok(Some("a.b-c_~+/==".to_owned())), "{value}");
    }
}

#[test]
fn token_symbols_match_the_grammar() {
    for byte in 0..=u8::MAX {
        let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        assert_eq!(is_b64token_symbol(byte), expected, "{byte:#x}");
    }
}

#[test]
fn other_schemes_are_ignored() {
    for value in ["Basic YTpi", "Bearerx a", "Bearers a", "Bear", "", "DPoP a", "x", " "] {
        assert_eq!(bearer(&[value.as_bytes()]), Ok(None), "{value:?}");
    }
    assert_eq!(bearer(&[]), Ok(None));
}

#[test]
fn malformed_bearer_credentials_are_rejected() {
    let not_a_token = Err(RequestError::NotAToken { location: "Authorization field" });
    let malformed: [&[u8]; 15] = [
        b"Bearer",
        b"Bearer ",
        b"Bearer  ",
        b"Bearer\ta",
        b"Bearer a b",
        b"Bearer a, Bearer b",
        b"Bearer a,b",
        b"Bearer =",
        b"Bearer a=b",
        b"Bearer \"a\"",
        b"Bearer t\xc3\xb6ken",
        b"Bearer \xff",
        b"Bearer a\x00",
        b"Bearer \ta",
        b"Bearer: a",
    ];
    for value in malformed {
        assert_eq!(bearer(&[value]), not_a_token, "{:?}", String::from_utf8_lossy(value));
    }
}

#[test]
fn two_authorization_headers_are_rejected_whatever_their_values() {
    let repeated = Err(RequestError::Repeated { location: "Authorization field" });
    assert_eq!(bearer(&[b"Bearer a", b"Bearer a"]), repeated);
    assert_eq!(bearer(&[b"Bearer a", b"Basic b"]), repeated);
    assert_eq!(bearer(&[b"Basic b", b"Bearer a"]), repeated);
}

#[test]
fn cookies_are_found_across_headers_by_exact_name() {
    let at = [TokenSource::cookie("__Host-Http-at").unwrap()];
    let cookies = |fields: &[&[u8]]| {
        let request =
            fields.iter().fold(FakeRequest::get("/"), |request, field| request.header("cookie", field));
        token(&request, &at)
    };
    assert_eq!(cookies(&[b"a=b; __Host-Http-at=tok;c=d"]), Ok(Some("tok".to_owned())));
    assert_eq!(cookies(&[b"a=b", b"__Host-Http-at=tok"]), Ok(Some("tok".to_owned())));
    assert_eq!(cookies(&[b"\t __Host-Http-at \t=\t \"tok\" "]), Ok(Some("tok".to_owned())));
    for none in [
        &b"__hOsT-Http-at=tok"[..],
        b"x__Host-Http-at=tok",
        b"\xc2\xa0__Host-Http-at=tok",
        b"__Host-Http-at",
        b"",
        b";;=",
    ] {
        assert_eq!(cookies(&[none]), Ok(None), "{:?}", String::from_utf8_lossy(none));
    }
    assert_eq!(cookies(&[b"__Host-Http-at="]), Ok(None));
    let repeated = Err(RequestError::Repeated { location: "cookie" });
    assert_eq!(cookies(&[b"__Host-Http-at=a; __Host-Http-at=a"]), repeated);
    assert_eq!(cookies(&[b"__Host-Http-at=a", b"__Host-Http-at="]), repeated);
    for malformed in
        [&b"__Host-Http-at=a b"[..], b"__Host-Http-at=\"a", b"__Host-Http-at=\xff", b"__Host-Http-at=a,b"]
    {
        assert_eq!(cookies(&[malformed]), Err(RequestError::NotAToken { location: "cookie" }));
    }
}

#[test]
fn ten_thousand_cookies_are_read_once() {
    let many = format!("{}__Host-Http-at=tok", "a=;".repeat(10_000));
    let request = FakeRequest::get("/").header("cookie", many.as_bytes());
    assert_eq!(
        token(&request, &[TokenSource::cookie("__Host-Http-at").unwrap()]),
        Ok(Some("tok".to_owned()))
    );
}

#[test]
fn custom_header_holds_only_the_token() {
    let source = [TokenSource::header("X-Auth-Token").unwrap()];
    let header = |value: &[u8]| token(&FakeRequest::get("/").header("x-auth-token", value), &source);
    assert_eq!(header(b"tok"), Ok(Some("tok".to_owned())));
    assert!(header(b"Bearer tok").is_err() && header(b"").is_err());
    let twice = FakeRequest::get("/").header("x-auth-token", b"a").header("x-auth-token", b"a");
    assert_eq!(token(&twice, &source), Err(RequestError::Repeated { location: "header field" }));
}

#[test]
fn query_parameters_are_read_only_when_configured() {
    let source = [TokenSource::insecure_query("access_token").unwrap()];
    let query = |target: &str| token(&FakeRequest::get(target), &source);
    assert_eq!(query("/?access_token=tok"), Ok(Some("tok".to_owned())));
    assert_eq!(query("/?a=b&access_token=tok&c"), Ok(Some("tok".to_owned())));
    assert_eq!(query("/?xaccess_token=tok"), Ok(None));
    assert_eq!(query("/"), Ok(None));
    assert!(
        query("/?access_token=").is_err()
            && query("/?access_token").is_err()
            && query("/?access_token=a%2Eb").is_err()
    );
    assert_eq!(
        query("/?access_token=a&access_token=a"),
        Err(RequestError::Repeated { location: "query parameter" })
    );
    assert_eq!(token(&FakeRequest::get("/?access_token=tok"), &[TokenSource::bearer()]), Ok(None));
}

#[test]
fn request_is_rejected_with_two_explicit_tokens_and_cookie_does_not_replace_malformed_one() {
    let sources =
        [TokenSource::cookie("at").unwrap(), TokenSource::bearer(), TokenSource::header("x-token").unwrap()];
    let both = FakeRequest::get("/").header("authorization", b"Bearer a").header("x-token", b"a");
    assert_eq!(token(&both, &sources), Err(RequestError::SeveralSources));
    // A source that is not configured is not read.
    assert_eq!(token(&both, &sources[..2]), Ok(Some("a".to_owned())));
    let with_cookie = FakeRequest::get("/").header("authorization", b"Bearer a").header("cookie", b"at=b");
    assert_eq!(token(&with_cookie, &sources), Ok(Some("a".to_owned())));
    let bad_explicit = FakeRequest::get("/").header("authorization", b"Bearer a b").header("cookie", b"at=b");
    assert!(token(&bad_explicit, &sources).is_err());
    let basic = FakeRequest::get("/").header("authorization", b"Basic eA==").header("cookie", b"at=b");
    assert_eq!(token(&basic, &sources), Ok(Some("b".to_owned())));
}

#[test]
fn names_are_checked_on_configuration() {
    for bad in ["", "a b", "a;b", "a=b", "a\r\nb", "ä"] {
        assert!(TokenSource::cookie(bad).is_err(), "{bad:?}");
        assert!(TokenSource::header(bad).is_err(), "{bad:?}");
        assert!(TokenSource::insecure_query(bad).is_err(), "{bad:?}");
    }
    assert!(TokenSource::header("Authorization").is_err());
    assert!(TokenSource::bearer().with_bearer_prefix().is_err());
    assert!(TokenSource::bearer().tolerate_native_handshakes().is_err());
}

#[test]
fn other_scheme_is_read_only_when_configured() {
    let source = [TokenSource::scheme("JWT").unwrap()];
    let field = |value: &[u8], sources: &[TokenSource]| {
        token(&FakeRequest::get("/").header("authorization", value), sources)
    };
    assert_eq!(field(b"JWT tok", &source), Ok(Some("tok".to_owned())));
    assert_eq!(field(b"jwt  tok", &source), Ok(Some("tok".to_owned())));
    assert_eq!(field(b"Bearer tok", &source), Ok(None));
    assert_eq!(field(b"JWTx tok", &source), Ok(None));
    assert_eq!(field(b"JWT tok", &[TokenSource::bearer()]), Ok(None));
    assert!(field(b"JWT", &source).is_err() && field(b"JWT a b", &source).is_err());
    let both = [TokenSource::bearer(), TokenSource::scheme("Token").unwrap()];
    assert_eq!(field(b"Token tok", &both), Ok(Some("tok".to_owned())));
    assert_eq!(field(b"Bearer tok", &both), Ok(Some("tok".to_owned())));
    for other in ["Basic", "dpop", "Digest", "Negotiate", "", "a b"] {
        assert!(TokenSource::scheme(other).is_err(), "{other}");
    }
    assert_eq!(TokenSource::scheme("bearer").unwrap(), TokenSource::bearer());
}

#[test]
fn bearer_token_is_read_from_another_field() {
    let source = [TokenSource::bearer_in("X-Forwarded-Authorization").unwrap()];
    let field =
        |value: &[u8]| token(&FakeRequest::get("/").header("x-forwarded-authorization", value), &source);
    assert_eq!(field(b"Bearer tok"), Ok(Some("tok".to_owned())));
    assert_eq!(field(b"tok"), Ok(None));
    assert!(field(b"Bearer a, Bearer b").is_err());
    let both = [source[0].clone(), TokenSource::bearer()];
    let twice = FakeRequest::get("/")
        .header("authorization", b"Bearer tok")
        .header("x-forwarded-authorization", b"Bearer tok");
    assert_eq!(token(&twice, &both), Err(RequestError::SeveralSources));
    assert!(TokenSource::bearer_in("Cookie").is_err());
}

#[test]
fn cookie_in_pieces_is_joined_in_order() {
    let pieces = [TokenSource::cookie_in_pieces("at").unwrap()];
    let cookies = |value: &str| token(&FakeRequest::get("/").header("cookie", value.as_bytes()), &pieces);
    assert_eq!(cookies("at.1=b; at.0=a; at.2=c; x=y"), Ok(Some("abc".to_owned())));
    assert_eq!(cookies("at=abc"), Ok(Some("abc".to_owned())));
    assert_eq!(cookies("at.x=b; at.01=a; at.=c; at.0"), Ok(None));
    let long: Vec<String> = (0..16).map(|i| format!("at.{i}=a")).collect();
    assert_eq!(cookies(&long.join("; ")), Ok(Some("a".repeat(16))));
    for malformed in ["at.1=b", "at.0=a; at.2=c", "at.16=a", "at.9999=a"] {
        assert_eq!(cookies(malformed), Err(RequestError::NotAToken { location: "cookie" }), "{malformed}");
    }
    for repeated in ["at.0=a; at.0=a", "at=a; at.0=a"] {
        assert_eq!(cookies(repeated), Err(RequestError::Repeated { location: "cookie" }), "{repeated}");
    }
    assert_eq!(cookies("at.0=; at.1="), Ok(None), "a logout leaves empty pieces behind");
    let whole = [TokenSource::cookie("at").unwrap()];
    let request = FakeRequest::get("/").header("cookie", b"at.0=a");
    assert_eq!(token(&request, &whole), Ok(None));
    assert!(pieces[0].is_cookie("at.3") && !whole[0].is_cookie("at.3") && !pieces[0].is_cookie("at.a"));
}

#[test]
fn bearer_prefix_of_a_cookie_is_removed_when_configured() {
    let strict = [TokenSource::cookie("at").unwrap()];
    let lenient = [TokenSource::cookie("at").unwrap().with_bearer_prefix().unwrap()];
    let cookie = |value: &str, sources: &[TokenSource]| {
        token(&FakeRequest::get("/").header("cookie", format!("at={value}").as_bytes()), sources)
    };
    for value in ["Bearer%20tok", "bearer+tok", "\"Bearer tok\"", "tok"] {
        assert_eq!(cookie(value, &lenient), Ok(Some("tok".to_owned())), "{value}");
    }
    assert!(cookie("Bearer%20tok", &strict).is_err());
    assert!(cookie("Bearer%20", &lenient).is_err() && cookie("Bearer%20Bearer%20tok", &lenient).is_err());
    assert_eq!(cookie("Bearertok", &lenient), Ok(Some("Bearertok".to_owned())));
}

#[test]
fn token_is_read_beside_its_subprotocol() {
    let source = [TokenSource::websocket_protocol("access_token").unwrap()];
    let offers = |fields: &[&str]| {
        let request = fields.iter().fold(FakeRequest::get("/"), |request, field| {
            request.header("sec-websocket-protocol", field.as_bytes())
        });
        token(&request, &source)
    };
    assert_eq!(offers(&["access_token, tok"]), Ok(Some("tok".to_owned())));
    assert_eq!(offers(&["chat, access_token,tok , v2"]), Ok(Some("tok".to_owned())));
    assert_eq!(offers(&["chat", "access_token", "tok"]), Ok(Some("tok".to_owned())));
    assert_eq!(offers(&["chat, tok"]), Ok(None));
    assert_eq!(offers(&["Access_Token, tok"]), Ok(None));
    assert!(offers(&["access_token"]).is_err() && offers(&["access_token,"]).is_err());
    let repeated = Err(RequestError::Repeated { location: "WebSocket subprotocol" });
    assert_eq!(offers(&["access_token, tok, access_token, tok"]), repeated);
    assert!(TokenSource::websocket_protocol("a b").is_err());
}

proptest! {
    /// Arbitrary bytes in every location cause no panic, and a returned token is a b64token.
    #[test]
    fn arbitrary_bytes_yield_a_token_or_an_error(authorization: Vec<u8>, cookie: Vec<u8>, query: String) {
        let request = FakeRequest::get(&format!("/?access_token={query}"))
            .header("authorization", &authorization)
            .header("cookie", &cookie)
            .header("x-token", &cookie)
            .header("sec-websocket-protocol", &[b"at, ", cookie.as_slice()].concat());
        let sources = [
            TokenSource::bearer(),
            TokenSource::cookie("at").unwrap(),
            TokenSource::header("x-token").unwrap(),
            TokenSource::insecure_query("access_token").unwrap(),
            TokenSource::cookie_in_pieces("at").unwrap().with_bearer_prefix().unwrap(),
            TokenSource::websocket_protocol("at").unwrap(),
            TokenSource::scheme("JWT").unwrap(),
        ];
        for source in &sources {
            let joined = Joined::new();
            if let Ok(Some(credential)) = find(&request, std::slice::from_ref(source), &joined) {
                let symbol = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
                prop_assert!(credential.check().is_err() || credential.bytes.iter().all(|byte| symbol(*byte)));
            }
        }
        let _found = find(&request, &sources, &Joined::new()).is_ok();
    }
}
