// An OpenID provider on a free loopback port, and a client that gets access tokens from it over HTTP. The protocol
// is one JSON object per line: requests on standard input, answers on standard output. The first line names the
// issuer.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

// Redirects the provider's log, because standard output carries the answers.
console.info = console.log = console.warn = console.error;
const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

const AUDIENCE = "api://demo";
const REDIRECT = "http://127.0.0.1/callback";
const SECRET = randomBytes(16).toString("hex");

async function newKey(kid) {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "ES256", use: "sig" };
}

function newProvider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: [SECRET] },
    clients: [
      {
        client_id: "service",
        id_token_signed_response_alg: "ES256",
        client_secret: SECRET,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: "web",
        id_token_signed_response_alg: "ES256",
        client_secret: SECRET,
        grant_types: ["authorization_code"],
        redirect_uris: [REDIRECT],
        response_types: ["code"],
        application_type: "native",
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: "read:items write:items",
          accessTokenTTL: 600,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    scopes: ["openid", "read:items", "write:items"],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
}

let handle;
const server = createServer((request, response) => handle(request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
let keys = [await newKey("first")];

function publish(next) {
  keys = next;
  handle = newProvider(issuer, keys).callback();
}

async function tokenFrom(form, client) {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client}:${SECRET}`).toString("base64")}` },
    body: new URLSearchParams(form),
  });
  const body = await response.json();
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return body.access_token;
}

// The parts of a browser that the flow needs: it stores cookies and follows redirects one at a time.
class Browser {
  cookies = new Map();

  async go(url, form) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      method: form ? "POST" : "GET",
      body: form && new URLSearchParams(form),
      headers: { cookie },
      redirect: "manual",
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const next = response.headers.get("location");
    if (!next) throw new Error(`${url} answers ${response.status} without a redirect`);
    return new URL(next, url);
  }
}

// RFC 6749 section 4.1 with PKCE (RFC 7636): authorize, log in, consent, code, token.
async function authorizationCode() {
  const verifier = randomBytes(32).toString("base64url");
  const browser = new Browser();
  let next = new URL(`${issuer}/auth`);
  next.search = new URLSearchParams({
    client_id: "web",
    response_type: "code",
    redirect_uri: REDIRECT,
    scope: "openid read:items",
    resource: AUDIENCE,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    state: "state",
  });
  const forms = [{ prompt: "login", login: "alice", password: "any" }, { prompt: "consent" }];
  while (!next.href.startsWith(REDIRECT)) {
    const form = next.pathname.startsWith("/interaction/") ? forms.shift() : undefined;
    next = await browser.go(next, form);
  }
  const code = next.searchParams.get("code");
  if (!code) throw new Error(next.href);
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: verifier };
  return tokenFrom({ ...form, resource: AUDIENCE }, "web");
}

const operations = {
  client_credentials: async () => ({
    token: await tokenFrom({ grant_type: "client_credentials", scope: "read:items", resource: AUDIENCE }, "service"),
  }),
  authorization_code: async () => ({ token: await authorizationCode() }),
  // Signs with a new key as soon as it is published, which is the hardest case. The old key stays published.
  rotate: async () => publish([await newKey(`key-${randomBytes(4).toString("hex")}`), ...keys]),
  // Publishes only the current key.
  withdraw: () => publish(keys.slice(0, 1)),
};

publish(keys);
answer({ issuer, audience: AUDIENCE });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { op } = JSON.parse(line);
    answer((await operations[op]()) ?? {});
  } catch (error) {
    answer({ error: String(error) });
  }
}
process.exit(0);
