"""The PyPI package `PyJWT` behind the line protocol of the interoperability tests."""

import base64
import json
import secrets

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lines import serve

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
keys = {}
remote = {}


def algorithms():
    known = jwt.algorithms.get_default_algorithms()
    wanted = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA", "Ed25519"]
    return {"algorithms": [name for name in wanted if name in known]}


def private_key(alg):
    if alg in CURVES:
        return ec.generate_private_key(CURVES[alg]())
    if alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def generate(alg, kid):
    if alg.startswith("HS"):
        keys[kid] = secrets.token_bytes(64)
        return {"secret": base64.urlsafe_b64encode(keys[kid]).rstrip(b"=").decode()}
    keys[kid] = private_key(alg)
    public = keys[kid].public_key()
    jwk = jwt.algorithms.get_default_algorithms()[alg].to_jwk(public)
    jwk = json.loads(jwk) if isinstance(jwk, str) else dict(jwk)
    jwk["kid"] = kid
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {"public_jwk": jwk, "public_pem": pem}


def mint(kid, alg, header, claims):
    return {"token": jwt.encode(claims, keys[kid], algorithm=alg, headers=header)}


def verify(alg, token, issuer, audience, jwk=None, secret=None):
    key = base64.urlsafe_b64decode(secret + "==") if secret else jwt.PyJWK(jwk, algorithm=alg).key
    return {"claims": jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)}


def verify_remote(alg, jwks, token, issuer, audience):
    client = remote.setdefault(jwks, jwt.PyJWKClient(jwks, cooldown_duration=0))
    key = client.get_signing_key_from_jwt(token)
    return {"claims": jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)}


serve({"algorithms": algorithms, "generate": generate, "mint": mint, "verify": verify, "verify_remote": verify_remote})
