"""Tags: a few words that a client puts on a task, to find it again by.

    nightly   env=prod   customer=acme:42

A tag is compared as it is; `env=prod` says more to people than to the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proofgrid.primitives.errors import InvalidField

TAGS_MAX = 8  #: of a task
TAG_CHARS_MAX = 64
HINT = "like nightly or env=prod: letters, digits and . _ : / @ + - with at most one ="

_WORD = "[A-Za-z0-9][A-Za-z0-9._:/@+-]*"
_TAG = re.compile(f"{_WORD}(=({_WORD})?)?")


def parse_tags(texts: Iterable[str], *, field: str = "tags") -> tuple[str, ...]:
    """Return the tags of a task in their order, each once; raise InvalidField."""
    tags = sorted({parse_tag(text, field=field) for text in texts})
    if len(tags) > TAGS_MAX:
        raise InvalidField(f"at most {TAGS_MAX} tags, there are {len(tags)}", field=field)
    return tuple(tags)


def parse_tag(text: str, *, field: str = "tag") -> str:
    """Return one tag; raise InvalidField."""
    if len(text) > TAG_CHARS_MAX or not _TAG.fullmatch(text):
        raise InvalidField(f"a tag is a word of at most {TAG_CHARS_MAX} characters", field=field, hint=HINT)
    return text
