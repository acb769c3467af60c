"""YAML that somebody wrote, read as plain data with where each key and value stands in its file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

#: libyaml composes some ten times faster; both loaders resolve safe tags only.
_LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: More values than a short file has; bounds what aliases can multiply, as does the text's length.
_MAX_NODES: Final = 50_000
#: libyaml's composer recurses in C, without a limit of its own, once per level.
_MAX_DEPTH: Final = 100
_SAFE_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
)

_NULL: Final = "tag:yaml.org,2002:null"

#: What ends a line in YAML 1.1.
LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
#: Keys and indices from the top of a document to one value.
NodePath = tuple[str | int, ...]


class Position(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


class YamlFault(NamedTuple):
    """Something that is wrong with the file as YAML, before any meaning."""

    position: Position
    path: NodePath
    message: str


#: The only fault of a file that says nothing.
EMPTY: Final = YamlFault(Position(1, 1), (), "the file is empty")


class _TextLoader(_LOADER):  # type: ignore[valid-type, misc]
    """Resolves nothing but null: an accession number of ``0012`` keeps its zeros, and 10:30 is no
    number in base 60."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == _NULL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Document:
    """A file's data (mappings with text keys, lists, scalars) and its positions.

    ``faults`` are duplicate keys, unsafe tags and the like; where there are any, ``data`` holds
    what could be read regardless.
    """

    data: object
    keys: Mapping[NodePath, Position]
    values: Mapping[NodePath, Position]
    scalars: Mapping[NodePath, str]
    faults: tuple[YamlFault, ...]

    def position(self, path: NodePath) -> Position:
        """Where the key of ``path`` stands (an item of a list: the item); else its nearest parent.

        A value reached through an alias stands where its anchor is.
        """
        for length in range(len(path), -1, -1):
            part = path[:length]
            found = self.keys.get(part) or self.values.get(part)
            if found is not None:
                return found
        return Position(1, 1)

    def value_position(self, path: NodePath) -> Position:
        """Where the value of ``path`` stands; its key's place where it has none."""
        return self.values.get(path) or self.position(path)


def read(file: Path, *, as_text: bool = False) -> Document:
    """Read one YAML document; arguments as of ``parse``.

    Raises:
        OSError: the file can't be read.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(Position(1, 1), f"not UTF-8 text: {error.reason} at byte {error.start}")
    return parse(text, as_text=as_text)


def parse(text: str, *, as_text: bool = False) -> Document:
    """Parse one YAML document; what is wrong with it is in the answer's ``faults``.

    Args:
        text: of the file.
        as_text: scalars are the text as written, but for null.
    """
    try:
        if _depth(text) > _MAX_DEPTH:
            return _broken(Position(1, 1), f"nested more than {_MAX_DEPTH} levels deep")
        node = yaml.compose(text, Loader=_TextLoader if as_text else _LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = Position(1, 1) if mark is None else _at(mark)
        last = len(LINE_BREAK.split(text))  # libyaml reports the end of the text as one line more
        return _broken(Position(min(line, last), column), error.problem or "not YAML")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _broken(Position(line, 1), f"a character that YAML does not allow: {error.reason}")
    if node is None:
        return Document(None, {}, {}, {}, (EMPTY,))
    builder = _Builder(max(_MAX_NODES, len(text)))
    data = builder.build(node, ())
    return Document(data, builder.keys, builder.values, builder.scalars, tuple(builder.faults))


def _depth(text: str) -> int:
    """How deep the collections of ``text`` are nested; stops counting beyond the limit."""
    deepest = depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if deepest > _MAX_DEPTH:
            break
    return deepest


def _broken(position: Position, message: str) -> Document:
    return Document(None, {}, {}, {}, (YamlFault(position, (), message),))


def _at(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _Builder:
    def __init__(self, most: int) -> None:
        self._most = most
        self.keys: dict[NodePath, Position] = {}
        self.values: dict[NodePath, Position] = {}
        self.scalars: dict[NodePath, str] = {}
        self.faults: list[YamlFault] = []
        self._open: list[yaml.Node] = []
        self._count = 0
        self._scalar = SafeConstructor()

    def build(self, node: yaml.Node, path: NodePath) -> object:
        self.values[path] = _at(node.start_mark)
        self._count += 1
        if self._count > self._most:
            if self._count == self._most + 1:
                self._fault(node, path, f"more than {self._most} values, aliases counted")
            return None
        if any(parent is node for parent in self._open):
            self._fault(node, path, "an alias that contains itself")
            return None
        self._open.append(node)
        try:
            return self._build(node, path)
        finally:
            self._open.pop()

    def _build(self, node: yaml.Node, path: NodePath) -> object:
        if node.tag not in _SAFE_TAGS:
            self._fault(node, path, f"tag {node.tag!r} is not allowed here")
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._read_scalar(node, path)

    def _items(self, node: yaml.MappingNode, path: NodePath) -> Iterator[tuple[str, object]]:
        seen: dict[str, Position] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, path, "a key that is not a plain word")
                continue
            # the text as written: YAML 1.1 would read the keys `no` and `on` as booleans
            name: str = key.value
            position = _at(key.start_mark)
            if name in seen:
                message = f"key {name!r} is given twice, first in line {seen[name].line}"
                self.faults.append(YamlFault(position, (*path, name), message))
                continue
            seen[name] = position
            self.keys[(*path, name)] = position
            yield name, self.build(value, (*path, name))

    def _read_scalar(self, node: yaml.Node, path: NodePath) -> object:
        self.scalars[path] = node.value
        try:
            value: object = self._scalar.construct_object(node)
        except (ValueError, ConstructorError):
            self._fault(node, path, f"can't read {node.value!r}; put it in quotes if it is text")
            return None
        return value

    def _fault(self, node: yaml.Node, path: NodePath, message: str) -> None:
        self.faults.append(YamlFault(_at(node.start_mark), path, message))


def present(data: object, location: NodePath) -> NodePath:
    """The steps of pydantic's ``location`` that are in the data; names of union members are not."""
    path: list[str | int] = []
    for key in location:
        if has(data, key):
            path.append(key)
            data = child(data, key)
    return tuple(path)


def has(data: object, key: str | int) -> bool:
    """Whether there is something below ``key``."""
    if isinstance(data, Mapping):
        return key in data
    return isinstance(data, list) and isinstance(key, int) and key < len(data)


def child(data: object, key: str | int) -> object:
    """The value below ``key``, None where there is none."""
    if isinstance(data, Mapping):
        return data.get(key)
    if isinstance(data, Sequence) and not isinstance(data, str) and isinstance(key, int):
        return data[key] if 0 <= key < len(data) else None
    return None
