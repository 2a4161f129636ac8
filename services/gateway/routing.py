"""From a path to the operations on it, in one walk whatever their number."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.gateway.access import Operation

_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Found:
    """The operations on a path, by method, and the area that it names."""

    operations: Mapping[str, Operation]
    area: str | None


@dataclass
class _Node:
    words: dict[str, "_Node"] = field(default_factory=dict)
    values: dict[str, "_Node"] = field(default_factory=dict)  # by what stands behind a parameter: "" or a verb
    is_area: bool = False
    operations: dict[str, Operation] = field(default_factory=dict)

    def below(self, segment: str) -> "_Node":
        if not segment.startswith("{"):
            return self.words.setdefault(segment, _Node())
        return self.values.setdefault(segment.partition(":")[2], _Node(is_area=segment == "{area}"))


class Routes:
    """A tree of path segments. Where a word and a parameter both fit, the word goes. `{name}:verb` is a parameter too.

    Parameters are keys, UUIDs or whole numbers, so nothing else fits: no dot segment, no empty one.
    Paths are read decoded, as the services read them; gateway and service never see different segments.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            node = self._root
            for segment in operation.path.split("/"):
                node = node.below(segment)
            node.operations[operation.method] = operation

    def find(self, path: str) -> Found | None:
        """The operations on a decoded path; None where there is no such path."""
        node, area = self._root, None
        for segment in path.split("/"):
            value, colon, verb = segment.partition(":")
            word, parameter = node.words.get(segment), node.values.get(verb)
            if word is not None:
                node = word
            elif parameter is not None and _VALUE.fullmatch(value) and bool(colon) == bool(verb):
                node = parameter
                area = segment if node.is_area else area
            else:
                return None
        return Found(node.operations, area) if node.operations else None
