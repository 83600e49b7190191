"""What is shown in Prefect: never at the cost of what was made, which is in the store before anything is shown."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tasks.verb import tell


@contextmanager
def published(what: str) -> Iterator[None]:
    """Let the block show something; where the server is gone or refuses, say what is not shown, and go on.

    Prefect's client has asked again for about a minute by then (``PREFECT_CLIENT_MAX_RETRIES``).
    """
    try:
        yield
    except httpx.HTTPError as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        tell(f"not published: {what}; the server does not take it ({reason}). Nothing else is lost")
