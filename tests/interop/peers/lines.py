"""The line protocol of the interoperability tests: one JSON request a line, one JSON answer a line."""

import json
import sys


def serve(operations):
    for line in sys.stdin:
        try:
            request = json.loads(line)
            operation = request.pop("op")
            answer = operations[operation](**request)
        except Exception as error:  # an answer, whatever went wrong
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
