// The npm package `jose` behind the line protocol of the interoperability tests (see README.md beside this folder).
import { createInterface } from "node:readline";
import { CompactSign, createRemoteJWKSet, exportJWK, exportSPKI, generateKeyPair, importJWK, jwtVerify } from "jose";

const keys = new Map();
const remote = new Map();

async function generate({ alg, kid }) {
  if (alg.startsWith("HS")) {
    const secret = crypto.getRandomValues(new Uint8Array(64));
    keys.set(kid, secret);
    return { secret: Buffer.from(secret).toString("base64url") };
  }
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  keys.set(kid, privateKey);
  return { public_jwk: { ...(await exportJWK(publicKey)), kid }, public_pem: await exportSPKI(publicKey) };
}

const operations = {
  algorithms: () => ({
    algorithms: ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
      "EdDSA", "Ed25519"],
  }),
  generate,
  async mint({ kid, alg, header, claims }) {
    const payload = new TextEncoder().encode(JSON.stringify(claims));
    return { token: await new CompactSign(payload).setProtectedHeader({ alg, ...header }).sign(keys.get(kid)) };
  },
  async verify({ alg, jwk, secret, token, issuer, audience }) {
    const key = secret ? Buffer.from(secret, "base64url") : await importJWK(jwk, alg);
    const { payload } = await jwtVerify(token, key, { algorithms: [alg], issuer, audience });
    return { claims: payload };
  },
  async verify_remote({ jwks, token, issuer, audience }) {
    if (!remote.has(jwks)) remote.set(jwks, createRemoteJWKSet(new URL(jwks), { cooldownDuration: 0 }));
    const { payload } = await jwtVerify(token, remote.get(jwks), { issuer, audience, typ: "at+jwt" });
    return { claims: payload };
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
