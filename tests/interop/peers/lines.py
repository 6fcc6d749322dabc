"""The line protocol of the interoperability tests: one JSON request per line, one JSON answer per line."""

import json
import sys


def serve(operations):
    for line in sys.stdin:
        try:
            request = json.loads(line)
            operation = request.pop("op")
            answer = operations[operation](**request)
        except Exception as error:  # every failure becomes an answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
