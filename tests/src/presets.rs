//! Tokens in the shape of each provider, and tokens that its preset must reject.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};
use tollgate::providers::{self, Provider};
use tollgate::{Algorithm, ConfigError, Issuer, KeySet};
use tollgate_sessions::SigningKey;
use tollgate_testing::{Forge, keys};

/// A provider with a token that its preset accepts, and changes to it that it rejects.
pub struct Preset {
    pub name: &'static str,
    /// The same preset as an entry of a configuration document, without keys.
    pub document: &'static str,
    pub provider: Provider,
    pub algorithm: Algorithm,
    /// The name of the key set in `fixtures/jwks`, if there is one for this provider.
    key_set: Option<&'static str>,
    header: Value,
    claims: Value,
    /// Whether the parts of tokens are padded.
    padded: bool,
    pub attacks: Vec<Attack>,
}

/// A change to a good token. A member that is `null` is removed.
pub struct Attack {
    pub name: &'static str,
    header: Value,
    claims: Value,
}

fn attack(name: &'static str, claims: Value) -> Attack {
    Attack { name, header: json!({}), claims }
}

/// What every ID token of these providers has and their access tokens do not have.
fn id_token(claims: Value) -> Attack {
    let mut claims = claims;
    merge(
        claims.as_object_mut().expect("an object"),
        &json!({"nonce": "n-0S6_WzA2Mj", "at_hash": "MTIzNDU2"}),
    );
    attack("an ID token", claims)
}

fn merge(members: &mut Map<String, Value>, changes: &Value) {
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
}

impl Preset {
    /// Returns the private key, with the ID that the key set gives it.
    fn key(&self) -> SigningKey {
        let Some(set) = self.key_set else { return keys::signing(self.algorithm) };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jwks");
        let pem = std::fs::read(folder.join(format!("keys/{set}-0.pem"))).expect("a private key");
        let text = std::fs::read_to_string(folder.join(format!("{set}.json"))).expect("a key set");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let key_id = document["keys"][0]["kid"].as_str().expect("a key ID");
        SigningKey::from_pem(self.algorithm, pem).expect("a key").with_key_id(key_id).expect("a key ID")
    }

    /// Returns the document with the provider's keys.
    pub fn jwk_set(&self) -> String {
        match self.key_set {
            Some(set) => {
                let file = format!("{}/fixtures/jwks/{set}.json", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(file).expect("a key set");
                // The member `issuer` of keys of Entra ID.
                text.replace("https://login.example/", "https://login.microsoftonline.com/")
            }
            None => keys::jwk_set(&[self.algorithm]),
        }
    }

    /// Returns the keys, with the key set in the provider's shape.
    pub fn keys(&self) -> KeySet {
        match self.algorithm {
            Algorithm::Hs256 => keys::verifying(Algorithm::Hs256).into(),
            _ => {
                let tolerance = self.provider.key_tolerance();
                KeySet::from_jwk_set_tolerating(self.jwk_set(), tolerance).expect("keys")
            }
        }
    }

    /// Returns a good token.
    pub fn token(&self) -> String {
        self.sign(&json!({}), &json!({}))
    }

    /// Returns the token with the changes of an attack, signed by the provider.
    pub fn attacked(&self, attack: &Attack) -> String {
        self.sign(&attack.header, &attack.claims)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let key = self.key();
        let now = Forge::new("x", "x").now().as_secs();
        let mut members = Map::new();
        merge(&mut members, &json!({"alg": key.algorithm().name(), "typ": "JWT"}));
        if let Some(key_id) = key.key_id() {
            members.insert("kid".into(), key_id.as_str().into());
        }
        merge(&mut members, &self.header);
        merge(&mut members, header);
        let mut payload = Map::new();
        merge(&mut payload, &json!({"iat": now, "exp": now + 600}));
        merge(&mut payload, &self.claims);
        merge(&mut payload, claims);
        let token = Forge::new("x", "x").with_key(self.key()).token();
        let token = token.raw_header(Value::Object(members.clone()).to_string());
        let token = token.raw_payload(Value::Object(payload.clone()).to_string());
        if !self.padded {
            return token.sign();
        }
        let input = [members, payload].map(|part| URL_SAFE.encode(Value::Object(part).to_string())).join(".");
        format!("{input}.{}", URL_SAFE.encode(key.sign(input.as_bytes()).expect("randomness")))
    }
}

struct Shape {
    name: &'static str,
    document: &'static str,
    provider: Result<Provider, ConfigError>,
    claims: Value,
    attacks: Vec<Attack>,
}

impl Shape {
    fn signed(self, algorithm: Algorithm, key_set: Option<&'static str>) -> Preset {
        let Self { name, document, provider, claims, attacks } = self;
        let provider = provider.expect(name);
        let header = json!({});
        Preset { name, document, provider, algorithm, key_set, header, claims, padded: false, attacks }
    }
}

/// Returns all presets.
pub fn all() -> Vec<Preset> {
    let mut all = identity();
    all.extend(microsoft());
    all.extend(cloud());
    all.extend(workload());
    all
}

const RS256: Algorithm = Algorithm::Rs256;

fn identity() -> Vec<Preset> {
    vec![
        Shape {
            name: "auth0",
            document: "provider = \"auth0\"\ndomain = \"shop.eu.auth0.com\"\naudience = \"https://api.shop.example\"",
            provider: providers::auth0("shop.eu.auth0.com", "https://api.shop.example"),
            claims: json!({
                "iss": "https://shop.eu.auth0.com/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
                "aud": ["https://api.shop.example", "https://shop.eu.auth0.com/userinfo"],
                "azp": "my_client_id", "scope": "openid profile read:items", "permissions": ["read:items"],
            }),
            attacks: vec![
                attack("another tenant", json!({"iss": "https://evil.eu.auth0.com/"})),
                attack("another API", json!({"aud": ["https://other.example"]})),
                id_token(json!({"aud": "my_client_id"})),
            ],
        }
        .signed(RS256, Some("auth0")),
        Shape {
            name: "okta",
            document: "provider = \"okta\"\ndomain = \"dev-1.okta.com\"\nserver = \"default\"\naudience = \"api://default\"",
            provider: providers::okta("dev-1.okta.com", "default", "api://default"),
            claims: json!({
                "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
                "iss": "https://dev-1.okta.com/oauth2/default", "aud": "api://default",
                "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00ujmkLgagxeRrAg20g3", "scp": ["openid", "read:items"],
                "sub": "nick@example.com", "groups": ["Everyone", "admin"],
            }),
            attacks: vec![
                attack("another server", json!({"iss": "https://dev-1.okta.com/oauth2/other"})),
                attack("the org server", json!({"iss": "https://dev-1.okta.com"})),
                attack("another API", json!({"aud": "api://other"})),
                id_token(json!({"cid": null, "aud": "api://default"})),
                attack("an ID token without nonce", json!({"cid": null, "aud": "api://default"})),
            ],
        }
        .signed(RS256, Some("okta")),
        Shape {
            name: "okta-org",
            document: "provider = \"okta-org\"\ndomain = \"dev-1.okta.com\"\nclients = [\"0oa1\"]",
            provider: providers::okta_org("dev-1.okta.com", ["0oa1"]),
            claims: json!({
                "ver": 1, "iss": "https://dev-1.okta.com", "aud": "0oa1", "sub": "00u1", "nonce": "n", "at_hash": "h",
                "idp": "00o1", "amr": ["pwd"], "auth_time": 1, "groups": ["admin"],
            }),
            attacks: vec![
                attack("another client", json!({"aud": "0oa2"})),
                attack("another tenant", json!({"iss": "https://dev-2.okta.com"})),
                attack("an access token", json!({"aud": "https://dev-1.okta.com", "cid": "0oa1", "nonce": null})),
            ],
        }
        .signed(RS256, Some("okta")),
        Shape {
            name: "keycloak",
            document: "provider = \"keycloak\"\nbase_url = \"https://keycloak.example\"\nrealm = \"shop\"\nclient = \"api\"",
            provider: providers::keycloak("https://keycloak.example/", "shop", "api"),
            claims: json!({
                "iss": "https://keycloak.example/realms/shop", "aud": ["api", "account"], "sub": "f1c1", "typ": "Bearer",
                "azp": "web", "sid": "s", "acr": "1", "realm_access": {"roles": ["offline_access"]},
                "resource_access": {"api": {"roles": ["admin"]}, "account": {"roles": ["view-profile"]}},
                "scope": "openid read:items",
            }),
            attacks: vec![
                attack("another realm", json!({"iss": "https://keycloak.example/realms/other"})),
                attack("another client", json!({"aud": ["account"]})),
                id_token(json!({"typ": "ID"})),
                attack("an ID token without nonce", json!({"typ": "ID", "aud": "api"})),
                attack("a refresh token", json!({"typ": "Refresh"})),
            ],
        }
        .signed(RS256, Some("keycloak")),
        Shape {
            name: "clerk",
            document: "provider = \"clerk\"\ndomain = \"clerk.shop.example\"\nparties = [\"https://shop.example\"]",
            provider: providers::clerk("clerk.shop.example", ["https://shop.example"]),
            claims: json!({
                "iss": "https://clerk.shop.example", "sub": "user_1", "azp": "https://shop.example", "sid": "sess_1",
                "sts": "active", "fva": [1, -1], "v": 2, "o": {"id": "org_1", "rol": "admin", "slg": "shop"},
            }),
            attacks: vec![
                attack("another application", json!({"iss": "https://clerk.other.example"})),
                attack("another party", json!({"azp": "https://evil.example"})),
                attack("no party", json!({"azp": null})),
                attack("an audience", json!({"aud": "https://other.example"})),
                id_token(json!({"sid": null})),
            ],
        }
        .signed(RS256, None),
        Shape {
            name: "zitadel",
            document: "provider = \"zitadel\"\ndomain = \"shop.zitadel.cloud\"\nproject = \"69234237810729019\"",
            provider: providers::zitadel("shop.zitadel.cloud", "69234237810729019"),
            claims: json!({
                "iss": "https://shop.zitadel.cloud", "aud": ["69234237810729234", "69234237810729019"],
                "sub": "165617850692654601", "client_id": "69234237810729234", "jti": "V2_1", "nbf": 1,
                "urn:zitadel:iam:org:project:69234237810729019:roles": {"admin": {"1": "shop.zitadel.cloud"}},
            }),
            attacks: vec![
                attack("another instance", json!({"iss": "https://evil.zitadel.cloud"})),
                attack("another project", json!({"aud": ["69234237810729234"]})),
                id_token(json!({})),
            ],
        }
        .signed(RS256, None),
    ]
}

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const API: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

fn microsoft() -> Vec<Preset> {
    let v2 = json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": API, "tid": TENANT, "ver": "2.0",
        "azp": "7f7a8f6c", "azpacr": "0", "oid": "690222be", "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "scp": "read:items", "roles": ["admin"], "uti": "fqiBqXLPj0eQa82S-IYFAA", "rh": "0.ARoA", "nbf": 1,
    });
    let v1 = json!({
        "iss": format!("https://sts.windows.net/{TENANT}/"), "aud": format!("api://{API}"), "tid": TENANT, "ver": "1.0",
        "appid": "7f7a8f6c", "appidacr": "0", "oid": "690222be", "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
        "scp": "read:items", "nbf": 1,
    });
    let other = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";
    let attacks = |issuer: fn(&str) -> String, application: &'static str| {
        vec![
            attack("another tenant", json!({"iss": issuer(other), "tid": other})),
            attack("another tenant in iss alone", json!({"iss": issuer(other)})),
            attack("another application", json!({"aud": "00000003-0000-0000-c000-000000000000"})),
            attack("an ID token", json!({application: null})),
            id_token(json!({})),
        ]
    };
    let v2_issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let v1_issuer = |tenant: &str| format!("https://sts.windows.net/{tenant}/");
    let with_tid = |mut attacks: Vec<Attack>| {
        attacks.push(attack("another tenant in tid alone", json!({"tid": other})));
        attacks
    };
    let set = Some("microsoft");
    vec![
        Shape {
            name: "entra-v2",
            document: "provider = \"entra-v2\"\ntenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\n\
                       audience = \"6e74172b-be56-4843-9ff4-e66a39bb12e3\"",
            provider: providers::entra_v2(TENANT, API),
            claims: v2.clone(),
            attacks: attacks(v2_issuer, "azp"),
        }
        .signed(RS256, set),
        Shape {
            name: "entra-v2-tenants",
            document: "provider = \"entra-v2-tenants\"\ntenants = [\"72f988bf-86f1-41af-91ab-2d7cd011db47\"]\n\
                       audience = \"6e74172b-be56-4843-9ff4-e66a39bb12e3\"",
            provider: providers::entra_v2_tenants([TENANT], API),
            claims: v2,
            attacks: with_tid(attacks(v2_issuer, "azp")),
        }
        .signed(RS256, set),
        Shape {
            name: "entra-v1",
            document: "provider = \"entra-v1\"\ntenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\n\
                       audience = \"api://6e74172b-be56-4843-9ff4-e66a39bb12e3\"",
            provider: providers::entra_v1(TENANT, &format!("api://{API}")),
            claims: v1.clone(),
            attacks: attacks(v1_issuer, "appid"),
        }
        .signed(RS256, set),
        Shape {
            name: "entra-v1-tenants",
            document: "provider = \"entra-v1-tenants\"\ntenants = [\"72f988bf-86f1-41af-91ab-2d7cd011db47\"]\n\
                       audience = \"api://6e74172b-be56-4843-9ff4-e66a39bb12e3\"",
            provider: providers::entra_v1_tenants([TENANT], &format!("api://{API}")),
            claims: v1,
            attacks: with_tid(attacks(v1_issuer, "appid")),
        }
        .signed(RS256, set),
    ]
}

fn cloud() -> Vec<Preset> {
    let pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf";
    let access = json!({
        "iss": pool, "sub": "aaaaaaaa-bbbb", "client_id": "app1", "token_use": "access", "username": "janedoe",
        "cognito:groups": ["admin"], "scope": "openid read:items", "jti": "j", "auth_time": 1, "version": 2,
    });
    let id = json!({
        "iss": pool, "sub": "aaaaaaaa-bbbb", "aud": "app1", "token_use": "id", "cognito:username": "janedoe",
        "cognito:groups": ["admin"], "at_hash": "h", "nonce": "n", "jti": "j", "auth_time": 1, "email": "j@example.com",
    });
    let supabase = json!({
        "iss": "https://abcdefgh.supabase.co/auth/v1", "aud": "authenticated", "sub": "1b9d6bcd", "role": "authenticated",
        "aal": "aal1", "session_id": "s", "email": "a@example.com", "phone": "", "is_anonymous": false,
        "app_metadata": {"provider": "email", "roles": ["admin"]}, "user_metadata": {},
    });
    let supabase_attacks = || {
        vec![
            attack("another project", json!({"iss": "https://evil.supabase.co/auth/v1"})),
            attack(
                "the anon key",
                json!({"iss": "supabase", "aud": null, "sub": null, "role": "anon", "ref": "abcdefgh"}),
            ),
            attack("the service key", json!({"iss": "supabase", "aud": null, "role": "service_role"})),
            attack("another role", json!({"role": "service_role"})),
            id_token(json!({"aud": "some-client"})),
        ]
    };
    let mut alb = Shape {
        name: "aws-alb",
        document: "provider = \"aws-alb\"\nregion = \"eu-central-1\"\n\
                   load_balancer = \"arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/ours/1\"\n\
                   client = \"app1\"\nissuer = \"https://idp.example\"",
        provider: providers::aws_alb(
            "eu-central-1",
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/ours/1",
            "app1",
            Issuer::new("https://idp.example").expect("an issuer"),
        ),
        claims: json!({"iss": "https://idp.example", "sub": "1234567890", "name": "Ada", "email": "a@example.com", "iat": null}),
        attacks: vec![
            attack("another issuer", json!({"iss": "https://evil.example"})),
            attack("an audience", json!({"aud": "else"})),
        ],
    }
    .signed(Algorithm::Es256, None);
    let signer =
        |signer: &str| json!({"signer": signer, "client": "app1", "iss": "https://idp.example", "typ": null});
    alb.header = signer("arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/ours/1");
    alb.padded = true;
    for (name, header) in [
        (
            "another load balancer",
            signer("arn:aws:elasticloadbalancing:eu-central-1:666:loadbalancer/app/theirs/1"),
        ),
        ("no signer", json!({"signer": null})),
        ("another application of the load balancer", json!({"client": "app2"})),
    ] {
        alb.attacks.push(Attack { name, header, claims: json!({}) });
    }
    vec![
        Shape {
            name: "cognito-access",
            document: "provider = \"cognito-access\"\nregion = \"eu-central-1\"\nuser_pool = \"eu-central-1_AbCdEf\"\n\
                       clients = [\"app1\", \"app2\"]",
            provider: providers::cognito_access("eu-central-1", "eu-central-1_AbCdEf", ["app1", "app2"]),
            claims: access.clone(),
            attacks: vec![
                attack("another user pool", json!({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/evil"})),
                attack("another client", json!({"client_id": "app3"})),
                attack("an ID token", json!({"token_use": "id", "aud": "app1", "client_id": null})),
                attack("an ID token with client_id", json!({"token_use": "id"})),
                id_token(json!({})),
            ],
        }
        .signed(RS256, Some("cognito")),
        Shape {
            name: "cognito-id",
            document: "provider = \"cognito-id\"\nregion = \"eu-central-1\"\nuser_pool = \"eu-central-1_AbCdEf\"\n\
                       clients = [\"app1\"]",
            provider: providers::cognito_id("eu-central-1", "eu-central-1_AbCdEf", ["app1"]),
            claims: id,
            attacks: vec![
                attack("another user pool", json!({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/evil"})),
                attack("another client", json!({"aud": "app3"})),
                attack("an access token", json!({"token_use": "access"})),
                attack("an access token without aud", json!({"token_use": "access", "aud": null, "client_id": "app1"})),
            ],
        }
        .signed(RS256, Some("cognito")),
        Shape {
            name: "google",
            document: "provider = \"google\"\nclients = [\"1234987819200.apps.googleusercontent.com\"]",
            provider: providers::google(["1234987819200.apps.googleusercontent.com"]),
            claims: json!({
                "iss": "https://accounts.google.com", "azp": "1234987819200.apps.googleusercontent.com",
                "aud": "1234987819200.apps.googleusercontent.com", "sub": "10769150350006150715113082367",
                "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "email": "jsmith@example.com", "email_verified": "true", "nonce": "n",
            }),
            attacks: vec![
                attack("another client", json!({"aud": "evil.apps.googleusercontent.com"})),
                attack("another issuer", json!({"iss": "https://securetoken.google.com/evil"})),
                attack("a logout token", json!({"events": {}})),
            ],
        }
        .signed(RS256, Some("google")),
        Shape {
            name: "firebase",
            document: "provider = \"firebase\"\nproject = \"shop-1234\"",
            provider: providers::firebase("shop-1234"),
            claims: json!({
                "iss": "https://securetoken.google.com/shop-1234", "aud": "shop-1234", "auth_time": 1, "user_id": "u1",
                "sub": "u1", "email": "a@example.com", "firebase": {"sign_in_provider": "password", "identities": {}},
            }),
            attacks: vec![
                attack("another project", json!({"iss": "https://securetoken.google.com/evil-1", "aud": "evil-1"})),
                attack("another audience", json!({"aud": "evil-1"})),
                attack("a custom token", json!({"auth_time": null, "sub": null, "uid": "u1"})),
            ],
        }
        .signed(RS256, Some("google")),
        Shape {
            name: "supabase",
            document: "provider = \"supabase\"\nurl = \"https://abcdefgh.supabase.co\"",
            provider: providers::supabase("https://abcdefgh.supabase.co"),
            claims: supabase.clone(),
            attacks: supabase_attacks(),
        }
        .signed(Algorithm::Es256, None),
        Shape {
            name: "supabase-secret",
            document: "provider = \"supabase-secret\"\nurl = \"https://abcdefgh.supabase.co\"",
            provider: providers::supabase_secret("https://abcdefgh.supabase.co"),
            claims: supabase,
            attacks: supabase_attacks(),
        }
        .signed(Algorithm::Hs256, None),
        alb,
    ]
}

fn workload() -> Vec<Preset> {
    vec![
        Shape {
            name: "kubernetes",
            document: "provider = \"kubernetes\"\nissuer = \"https://kubernetes.default.svc.cluster.local\"\naudience = \"vault\"",
            provider: providers::kubernetes(
                Issuer::new("https://kubernetes.default.svc.cluster.local").expect("an issuer"),
                "vault",
            ),
            claims: json!({
                "iss": "https://kubernetes.default.svc.cluster.local", "aud": ["vault"], "nbf": 1,
                "sub": "system:serviceaccount:shop:orders", "jti": "j",
                "kubernetes.io": {"namespace": "shop", "pod": {"name": "p", "uid": "u"},
                    "serviceaccount": {"name": "orders", "uid": "u"}},
            }),
            attacks: vec![
                attack("another cluster", json!({"iss": "https://other.example"})),
                attack("another audience", json!({"aud": ["https://kubernetes.default.svc.cluster.local"]})),
                attack("no service account", json!({"kubernetes.io": null})),
                id_token(json!({})),
            ],
        }
        .signed(RS256, None),
        Shape {
            name: "github-actions",
            document: "provider = \"github-actions\"\nowner = \"octo-org\"\naudience = \"https://deploy.example\"",
            provider: providers::github_actions("octo-org", "https://deploy.example"),
            claims: json!({
                "iss": "https://token.actions.githubusercontent.com", "aud": "https://deploy.example", "jti": "j", "nbf": 1,
                "sub": "repo:octo-org/octo-repo:environment:prod", "ref": "refs/heads/main",
                "repository": "octo-org/octo-repo", "repository_owner": "octo-org", "repository_owner_id": "65",
                "actor": "octocat", "workflow": "w", "environment": "prod", "runner_environment": "github-hosted",
            }),
            attacks: vec![
                attack("another owner", json!({"repository_owner": "evil", "repository": "evil/octo-repo"})),
                attack("no owner", json!({"repository_owner": null})),
                attack("another audience", json!({"aud": "https://other.example"})),
                attack("GitHub Enterprise", json!({"iss": "https://github.example/_services/token"})),
            ],
        }
        .signed(RS256, None),
        Shape {
            name: "gitlab-ci",
            document: "provider = \"gitlab-ci\"\ninstance = \"https://gitlab.com\"\nnamespace = \"shop/backend\"\n\
                       audience = \"https://deploy.example\"",
            provider: providers::gitlab_ci("https://gitlab.com", "shop/backend", "https://deploy.example"),
            claims: json!({
                "iss": "https://gitlab.com", "aud": "https://deploy.example", "jti": "j", "nbf": 1,
                "sub": "project_path:shop/backend/orders:ref_type:branch:ref:main", "namespace_path": "shop/backend",
                "project_path": "shop/backend/orders", "user_login": "ada", "ref_protected": "true",
            }),
            attacks: vec![
                attack("another namespace", json!({"namespace_path": "evil", "project_path": "evil/orders"})),
                attack("a namespace with the same start", json!({"namespace_path": "shop/backend-evil"})),
                attack("another audience", json!({"aud": "https://other.example"})),
                attack("another instance", json!({"iss": "https://gitlab.evil.example"})),
                id_token(json!({})),
            ],
        }
        .signed(RS256, None),
        Shape {
            name: "spiffe",
            document: "provider = \"spiffe\"\ntrust_domain = \"shop.example\"\naudience = \"orders\"",
            provider: providers::spiffe("shop.example", None, "orders"),
            claims: json!({"sub": "spiffe://shop.example/ns/shop/sa/web", "aud": ["orders"], "iat": null}),
            attacks: vec![
                attack("another trust domain", json!({"sub": "spiffe://evil.example/ns/shop/sa/web"})),
                attack("a longer trust domain", json!({"sub": "spiffe://shop.example.evil.example/web"})),
                attack("no subject", json!({"sub": null})),
                attack("another audience", json!({"aud": ["payments"]})),
                attack("an issuer", json!({"iss": "https://tenant.example"})),
            ],
        }
        .signed(Algorithm::Es256, None),
    ]
}
