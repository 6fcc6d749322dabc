"""The PyPI package `jwcrypto` behind the line protocol of the interoperability tests."""

import json

from jwcrypto import jwk, jws, jwt
from lines import serve

ALGORITHMS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA", "Ed25519"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
keys = jwk.JWKSet()
by_id = {}


def algorithms():
    return {"algorithms": ALGORITHMS}


def generate(alg, kid):
    if alg.startswith("HS"):
        by_id[kid] = jwk.JWK.generate(kty="oct", size=512, kid=kid)
        return {"secret": json.loads(by_id[kid].export())["k"]}
    if alg in CURVES:
        key = jwk.JWK.generate(kty="EC", crv=CURVES[alg], kid=kid)
    elif alg in ("EdDSA", "Ed25519"):
        key = jwk.JWK.generate(kty="OKP", crv="Ed25519", kid=kid)
    else:
        key = jwk.JWK.generate(kty="RSA", size=2048, kid=kid)
    by_id[kid] = key
    keys.add(key)
    return {"public_jwk": json.loads(key.export_public()), "public_pem": key.export_to_pem().decode()}


def mint(kid, alg, header, claims):
    token = jwt.JWT(header={"alg": alg, **header}, claims=claims, algs=[alg])
    token.make_signed_token(by_id[kid])
    return {"token": token.serialize()}


def key_set():
    return {"jwks": json.loads(keys.export(private_keys=False))}


def verify(alg, token, issuer, audience, jwk=None, secret=None):
    return checked(alg, token, issuer, audience, jwk or {"kty": "oct", "k": secret})


def checked(alg, token, issuer, audience, members):
    key = jwk.JWK(**members)
    required = {"iss": issuer, "aud": audience, "exp": None}
    return {"claims": json.loads(jwt.JWT(jwt=token, key=key, algs=[alg], check_claims=required).claims)}


def json_serialisation(kid, alg, claims):
    token = jws.JWS(json.dumps(claims))
    token.add_signature(by_id[kid], alg, json.dumps({"alg": alg}))
    return {"token": token.serialize(compact=False)}


def encrypt(claims):
    key = jwk.JWK.generate(kty="oct", size=256)
    token = jwt.JWT(header={"alg": "A256KW", "enc": "A256GCM"}, claims=claims)
    token.make_encrypted_token(key)
    return {"token": token.serialize()}


serve({"algorithms": algorithms, "generate": generate, "mint": mint, "verify": verify, "jwks": key_set,
       "json_serialisation": json_serialisation, "encrypt": encrypt})
