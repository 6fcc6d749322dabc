use super::*;

const DOCUMENT: &str = include_str!("../../../../../docs/problems.md");

/// One problem of each kind.
fn problems() -> Vec<Problem> {
    let retry_after = Duration::from_secs(1);
    vec![
        Problem::NoSuchPath,
        Problem::NoSuchSession,
        Problem::Method { allow: "POST" },
        Problem::MediaType,
        Problem::TooLarge,
        Problem::BodyTimeout,
        Problem::Unreadable,
        Problem::Malformed,
        Problem::RepeatedCookie,
        Problem::WrongTransport,
        Problem::CookiesNotRead,
        Problem::InsecureCookies,
        Problem::CrossSite(CrossSiteError::FetchSite),
        Problem::CrossSite(CrossSiteError::NoCsrfToken),
        Problem::InvalidGrant,
        Problem::Expired,
        Problem::InvalidCredentials,
        Problem::Throttled { retry_after },
        Problem::LoginNameTaken,
        Problem::InvalidLoginName,
        Problem::InvalidPassword,
        Problem::WrongPassword,
        Problem::Unavailable { retry_after },
        Problem::ServerError,
    ]
}

/// The rows of the table: type, status and title.
fn documented() -> Vec<(String, u16, String)> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `tag:"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert!(!cells[4].is_empty(), "what the client should do: {row}");
        (cells[1].trim_matches('`').to_owned(), cells[2].parse().unwrap(), cells[3].to_owned())
    })
    .collect()
}

#[test]
fn document_lists_all_problem_types() {
    let all = ProblemType::ALL.iter().chain(problem_type::ALL);
    let mut all: Vec<_> =
        all.map(|kind| (kind.uri().to_owned(), kind.status(), kind.title().to_owned())).collect();
    let mut documented = documented();
    all.sort();
    documented.sort();
    assert_eq!(documented, all);
    all.dedup_by(|one, other| one.0 == other.0);
    assert_eq!(documented, all, "each URI has one meaning");
}

#[test]
fn problems_have_the_documented_types() {
    let documented = documented();
    let mut used = Vec::new();
    for problem in problems() {
        let response = problem.into_response("Bearer");
        let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
        let (kind, title) = (body["type"].as_str().unwrap(), body["title"].as_str().unwrap());
        assert_eq!(body["status"], response.status(), "{body}");
        assert!(body["error"].is_string() && body["detail"].is_string(), "{body}");
        if kind != "about:blank" {
            let row = (kind.to_owned(), response.status(), title.to_owned());
            assert!(documented.contains(&row), "{body}");
            used.push(kind.to_owned());
        }
    }
    for kind in problem_type::ALL {
        assert!(used.iter().any(|used| used == kind.uri()), "{} is used", kind.uri());
    }
}
