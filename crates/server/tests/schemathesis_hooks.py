"""What Schemathesis cannot know of this API."""

import itertools
import re

import schemathesis

count = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """A key that came before is answered as it was then: every well-formed one is made new."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[A-Za-z0-9_-]{1,64}", key):
        case.headers["Idempotency-Key"] = f"{key[:50]}-{next(count)}"
