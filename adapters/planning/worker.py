"""The planner's process: ``python -m adapters.planning.worker``. It ends when nobody is left to ask it."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, BinaryIO, Final

from adapters.documents import advice_document
from adapters.planning.messages import Request, SiteLine, outlook_in
from controller.loadbalance.horizon.planner import Planner
from controller.site import Site

NICENESS: Final = 10
"""The control loop comes first, whatever a plan costs."""


def main() -> None:
    """Answer the requests on standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes the input
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a solver may print is no answer
    serve(sys.stdin.buffer, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Read the site, then answer each request."""
    site = SiteLine.model_validate_json(requests.readline()).site
    planner = Planner()
    for line in requests:
        request = Request.model_validate_json(line)
        answers.write(json.dumps(_answer(planner, site, request)).encode() + b"\n")
        answers.flush()


def _answer(planner: Planner, site: Site, request: Request) -> dict[str, Any]:
    """As ``messages.Answer`` has it; the service is the one that checks it."""
    try:
        advice = planner.plan(outlook_in(request, site)).advice
    except Exception as error:  # the next request may be a better one
        return {"number": request.number, "error": f"{type(error).__name__}: {error}"}
    return {"number": request.number, "advice": advice_document(advice)}


if __name__ == "__main__":
    main()
