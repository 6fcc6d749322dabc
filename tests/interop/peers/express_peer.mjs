// The npm package `express-oauth2-jwt-bearer` behind the line protocol of the interoperability tests. Its middleware
// guards a local HTTP server, and the peer presents each token to that server as a client does.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import express from "express-oauth2-jwt-bearer";

const servers = new Map();

/** Returns the port of a server that admits tokens of this issuer. The first call for an issuer starts the server. */
function guarded(jwksUri, issuer, audience) {
  const name = JSON.stringify([jwksUri, issuer, audience]);
  if (!servers.has(name)) {
    // `strict` is the profile of RFC 9068: its `typ` and all required claims.
    const guard = express.auth({ jwksUri, issuer, audience, strict: true, cooldownDuration: 0 });
    const server = createServer((request, response) => {
      // The properties of Express's request that the middleware uses.
      const get = (field) => request.headers[field.toLowerCase()];
      Object.assign(request, { protocol: "http", originalUrl: request.url, get, is: () => false });
      guard(request, response, (refusal) => {
        response.writeHead(refusal?.status ?? 200, refusal?.headers ?? {});
        response.end(JSON.stringify(refusal ? {} : { claims: request.auth.payload }));
      });
    });
    servers.set(name, new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port))));
  }
  return servers.get(name);
}

const operations = {
  async verify_remote({ jwks, token, issuer, audience }) {
    const port = await guarded(jwks, issuer, audience);
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`${response.status} ${response.headers.get("www-authenticate")}`);
    return response.json();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { op, ...request } = JSON.parse(line);
    answer = await operations[op](request);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
