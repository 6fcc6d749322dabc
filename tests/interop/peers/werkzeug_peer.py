"""The `WWW-Authenticate` parser of the PyPI package `Werkzeug` behind the line protocol of the interoperability tests."""

from lines import serve
from werkzeug.datastructures import WWWAuthenticate


def challenge(header):
    parsed = WWWAuthenticate.from_header(header)
    return {"scheme": parsed.type, "parameters": dict(parsed.parameters)}


serve({"challenge": challenge})
