"""JSON text, read character for character: tokens with their places, and the canonical form.

Independent of the json module on purpose: the canonical form promises things that json.dumps
does not do (numbers as they came, repeated keys, lone surrogates).
"""

import re

TOKEN = re.compile(
    r'[ \t\n\r]+'
    r'|"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"'
    r"|[\[\]{}:,]"
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    r"|true|false|null"
)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.S)
SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
MUST_ESCAPE = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')
SHORT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
SHORT_OF = {char: letter for letter, char in SHORT.items() if char != "/"}


class JsonError(ValueError):
    """The text is not JSON."""


class Node:
    """A JSON value: kind is object, array, string, number or literal; text[start:end] is its own.

    value is a list of (key, Node) for an object (repeated keys kept), a list of Nodes for an
    array, the decoded str for a string, the raw text for numbers and literals.
    """

    __slots__ = ("kind", "value", "start", "end")

    def __init__(self, kind, value, start, end):
        self.kind, self.value, self.start, self.end = kind, value, start, end

    def get(self, key):
        """The value under the key, None where there is none or where this is no object."""
        if self.kind != "object":
            return None
        found = None
        for name, node in self.value:
            if name == key:
                found = node
        return found

    def text(self):
        """The decoded text of a string, else None."""
        return self.value if self.kind == "string" else None

    def items(self):
        """The elements of an array, else nothing."""
        return self.value if self.kind == "array" else []

    def canonical(self):
        """The canonical form."""
        parts = []
        _write(self, parts)
        return "".join(parts)


def decode_utf8(raw):
    """Bytes to text; each maximal invalid part becomes one U+FFFD."""
    return raw.decode("utf-8", errors="replace") if isinstance(raw, (bytes, bytearray)) else raw


def unescape(token):
    """The text that a string token (with its quotes) stands for."""
    inner = token[1:-1]
    if "\\" not in inner:
        return inner

    def one(match):
        return chr(int(match[1], 16)) if match[1] else SHORT[match[2]]

    return SURROGATE_PAIR.sub(_join_pair, ESCAPE.sub(one, inner))


def _join_pair(match):
    high, low = match[0]
    return chr(0x10000 + ((ord(high) - 0xD800) << 10) + (ord(low) - 0xDC00))


def quote(text):
    """A string in the canonical form, with its quotes."""

    def one(match):
        char = match[0]
        return "\\" + SHORT_OF[char] if char in SHORT_OF else f"\\u{ord(char):04x}"

    return '"' + MUST_ESCAPE.sub(one, text) + '"'


def quote_like_a_proxy(text):
    """The same string as a Python or PHP proxy spells it: pure ASCII, slashes escaped."""
    out = []
    for char in text:
        code = ord(char)
        if char == "/":
            out.append("\\/")
        elif char in SHORT_OF:
            out.append("\\" + SHORT_OF[char])
        elif 0x20 <= code < 0x7F:
            out.append(char)
        elif code > 0xFFFF:
            code -= 0x10000
            out.append(f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}")
        else:
            out.append(f"\\u{code:04X}")
    return '"' + "".join(out) + '"'


def tokens(text):
    """(token, start, end) of everything but white space."""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise JsonError(f"no JSON at offset {at}: {text[at:at + 40]!r}")
        if match[0][0] not in " \t\n\r":
            yield match[0], at, match.end()
        at = match.end()


def parse(raw):
    """Text or bytes to a Node; raises JsonError."""
    text = decode_utf8(raw)
    stream = tokens(text)
    try:
        node = _value(stream, *next(stream))
    except StopIteration:
        raise JsonError("the text ends too early") from None
    for token, start, _ in stream:
        raise JsonError(f"{token!r} after the end, at offset {start}")
    return node


def _value(stream, token, start, end):
    first = token[0]
    if first == '"':
        return Node("string", unescape(token), start, end)
    if first == "{":
        return _object(stream, start)
    if first == "[":
        return _array(stream, start)
    if first in "-0123456789":
        return Node("number", token, start, end)
    if token in ("true", "false", "null"):
        return Node("literal", token, start, end)
    raise JsonError(f"{token!r} where a value was due, at offset {start}")


def _object(stream, start):
    pairs = []
    token, at, end = next(stream)
    while token != "}":
        if token[0] != '"':
            raise JsonError(f"{token!r} where a key was due, at offset {at}")
        key = unescape(token)
        token, at, _ = next(stream)
        if token != ":":
            raise JsonError(f"{token!r} where a colon was due, at offset {at}")
        pairs.append((key, _value(stream, *next(stream))))
        token, at, end = next(stream)
        if token == ",":
            token, at, end = next(stream)
            if token == "}":
                raise JsonError(f"a comma before the brace at offset {at}")
        elif token != "}":
            raise JsonError(f"{token!r} in an object, at offset {at}")
    return Node("object", pairs, start, end)


def _array(stream, start):
    items = []
    token, at, end = next(stream)
    while token != "]":
        items.append(_value(stream, token, at, end))
        token, at, end = next(stream)
        if token == ",":
            token, at, end = next(stream)
            if token == "]":
                raise JsonError(f"a comma before the bracket at offset {at}")
        elif token != "]":
            raise JsonError(f"{token!r} in an array, at offset {at}")
    return Node("array", items, start, end)


def _write(node, parts):
    if node.kind == "object":
        parts.append("{")
        for index, (key, value) in enumerate(node.value):
            parts.append("," if index else "")
            parts.append(quote(key))
            parts.append(":")
            _write(value, parts)
        parts.append("}")
    elif node.kind == "array":
        parts.append("[")
        for index, value in enumerate(node.value):
            parts.append("," if index else "")
            _write(value, parts)
        parts.append("]")
    elif node.kind == "string":
        parts.append(quote(node.value))
    else:
        parts.append(node.value)


def respell(raw, spelling):
    """The same JSON value, spelt another way: `as_is`, `proxy` (ASCII, `\\/`) or `spaced`."""
    if spelling == "as_is":
        return raw
    out = []
    for token, _, _ in tokens(decode_utf8(raw)):
        if token[0] == '"':
            out.append(quote_like_a_proxy(unescape(token)))
        else:
            out.append(token)
        if spelling == "spaced" and token in "{[:,":
            out.append("\r\n\t " if token == "," else " ")
    return "".join(out).encode("utf-8")
