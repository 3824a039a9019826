"""JSON that can always be sent: names of files may hold bytes that are no UTF-8."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from slsg_edge.contracts import Json


def json_answer(content: Mapping[str, Json], status: int = 200) -> Response:
    body = json.dumps(content, allow_nan=False)  # in ASCII
    return Response(body, status, media_type="application/json")
