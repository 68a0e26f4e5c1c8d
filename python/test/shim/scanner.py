# SPDX-License-Identifier: MIT
"""Turns preprocessed Metal text into C++ for one address space, and finds its kernels.

A CPU has one address space, so overloads, constructors and specialisations that differ only in address spaces
are the same declaration, of which the first one is kept. Threadgroup variables become thread-local statics,
because the fibers of a threadgroup share an operating-system thread. Function constants get the values that
the caller gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SPACES = {"device", "threadgroup", "thread", "constant"}
_TOKEN = re.compile(
    r"""(?P<directive>^[ \t]*\#[^\n]*)|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<number>\.?\d(?:[eEpP][+-]|[\w.'])*)|(?P<sign>::|->|\S)""",
    re.MULTILINE,
)

_DOUBLE = re.compile(r"(\d+\.\d*|\.\d+)([eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][\da-fA-F.]+[pP][+-]?\d+")


class Token(str):
    """A token of C++, and whether it follows the previous one without a space (as in `>>`)."""

    glued = False


@dataclass
class Parameter:
    """Where an argument comes from: ("buffer", "3"), ("threadgroup", "0"), ("threads_per_grid", "")."""

    source: str
    index: str


@dataclass
class Scanned:
    text: str
    kernels: dict[str, list[Parameter]] = field(default_factory=dict)


class Scanner:
    """One pass over the tokens of a text."""

    def __init__(self, text: str, function_constants: dict[int, str]) -> None:
        self.tokens: list[str] = []
        end = -1
        for m in _TOKEN.finditer(text):
            spelling = m.group().strip()
            if m.lastgroup == "number" and _DOUBLE.fullmatch(spelling):
                spelling += "f"  # Metal has no double, so the constant is a float
            token = Token(spelling)
            token.glued = m.start() == end and m.lastgroup == "sign"
            end = m.end()
            self.tokens.append(token)
        self.constants = function_constants
        self.out: list[str] = []
        self.kernels: dict[str, list[Parameter]] = {}
        self.seen: set[str] = set()

    def scan(self) -> Scanned:
        self._convert_to_bfloat()
        self._scope(0, len(self.tokens), "")
        return Scanned("".join(self.out), self.kernels)

    def _convert_to_bfloat(self) -> None:
        """Adds explicit conversions from half to bfloat, which Metal has and clang lacks."""
        for i in range(len(self.tokens) - 3):
            if self.tokens[i : i + 2] == ["static_cast", "<"] and self.tokens[i + 2] in (
                "bfloat",
                "bfloat16_t",
            ):
                self.tokens[i] = "::metal::detail::convert"

    # ---- positions ----

    def _match(self, i: int) -> int:
        """The index after the bracket that closes the one at `i`."""
        depth = 0
        while i < len(self.tokens):
            t = self.tokens[i]
            depth += (t in "([{") - (t in ")]}") if len(t) == 1 else 0
            i += 1
            if depth == 0:
                return i
        raise ValueError("brackets do not match")

    def _emit(self, tokens: list[str]) -> None:
        for t in tokens:
            if t.startswith("#"):
                self.out.append(f"\n{t}\n")
            else:
                self.out.append(t if getattr(t, "glued", False) else f" {t}")

    # ---- declarations ----

    def _scope(self, i: int, end: int, path: str) -> None:
        """Handles the declarations of a namespace, file or class."""
        while i < end:
            t = self.tokens[i]
            if t.startswith("#") or t in (";", ","):
                self._emit([t])
                i += 1
                continue
            if t in ("public", "private", "protected") and self.tokens[i + 1] == ":":
                self._emit([t, ":"])
                i += 2
                continue
            i = self._declaration(i, end, path)

    def _declaration(self, start: int, end: int, path: str) -> int:
        head_end, kind, open_brace = self._head(start, end)
        head = self.tokens[start:head_end]
        if kind == "namespace":
            close = self._match(open_brace)
            self._emit([*head, "{"])
            self._scope(open_brace + 1, close - 1, path + "::" + " ".join(head))
            self._emit(["}"])
            return close
        key = path + "|" + " ".join(t for t in head if t not in SPACES and not t.startswith("#"))
        if kind == "class":
            close = self._match(open_brace)
            stop = close
            while self.tokens[stop] != ";":
                stop += 1
            if key not in self.seen:
                self.seen.add(key)
                self._emit([*head, "{"])
                self._scope(open_brace + 1, close - 1, key)
                self._emit(["}", *self.tokens[close : stop + 1]])
            return stop + 1
        if kind == "function":
            close = self._match(open_brace)
            body = self.tokens[head_end:close]
            if key not in self.seen:
                self.seen.add(key)
                self._find_kernel(head)
                self._emit(self._function_head(head))
                self._body(body)
            return close
        # A variable, an alias or the declaration of a function, which ends with a semicolon.
        declaration = self.tokens[start : head_end + 1]
        if "function_constant" in declaration:
            declaration = self._function_constant(declaration)
        elif "(" in head and "=" not in head:
            if "|struct" in path or "|class" in path or " struct " in path or " class " in path:
                if key in self.seen:
                    return head_end + 1
                self.seen.add(key)
            declaration = [*self._function_head(head), ";"]
        self._emit(declaration)
        return head_end + 1

    def _head(self, start: int, end: int) -> tuple[int, str, int]:
        """(end of the head, kind, index of the opening brace) of the declaration at `start`."""
        i = start
        structured = False  # saw struct, class or union outside of template parameters
        called = False  # saw a parameter list
        while i < end:
            t = self.tokens[i]
            if t == "template" and self.tokens[i + 1] == "<":
                i = self._skip_angles(i + 1)
                continue
            if t in ("namespace",) or (t == "extern" and self.tokens[i + 1].startswith('"')):
                while self.tokens[i] not in ("{", ";"):
                    i += 1
                return i, "namespace" if self.tokens[i] == "{" else "plain", i
            if t in ("struct", "class", "union") and not called and i - start >= 0:
                structured = True
            if t == "enum":
                while self.tokens[i] not in ("{", ";"):
                    i += 1
                if self.tokens[i] == "{":
                    i = self._match(i)
                continue
            if t == "=" and not called_operator(self.tokens, i):
                while self.tokens[i] != ";":
                    i = self._match(i) if self.tokens[i] in "([{" and len(self.tokens[i]) == 1 else i + 1
                return i, "plain", -1
            if t == ";":
                return i, "plain", -1
            if t == ":" and called:
                return i, "function", self._constructor_body(i + 1)
            if t == "(":
                i = self._match(i)
                called = True
                continue
            if t == "[":
                i = self._match(i)
                continue
            if t == "{":
                if structured and not called:
                    return i, "class", i
                if called:
                    return i, "function", i
                i = self._match(i)
                continue
            i += 1
        return end, "plain", -1

    def _skip_angles(self, i: int) -> int:
        depth = 0
        while True:
            t = self.tokens[i]
            if t in ("(", "[", "{"):
                i = self._match(i)
                continue
            # After a parenthesis `<` means "less than", and `>=` is one token.
            compares = (t == "<" and self.tokens[i - 1] == ")") or (
                getattr(self.tokens[i + 1], "glued", False) and (t == ">" and self.tokens[i + 1] == "=")
            )
            depth += 0 if compares else (t == "<") - (t == ">")
            i += 1
            if depth == 0:
                return i

    def _constructor_body(self, i: int) -> int:
        """The index of the brace that opens the body, after a list of initialisers."""
        while True:
            while self.tokens[i] not in ("(", "{"):
                i = self._skip_angles(i) if self.tokens[i] == "<" else i + 1
            i = self._match(i)
            if self.tokens[i] == ",":
                i += 1
                continue
            return i

    def _function_head(self, head: list[str]) -> list[str]:
        """The head without attributes and without an address space of `this`."""
        last = max((i for i, t in enumerate(head) if t == ")"), default=len(head))
        kept = [*head[: last + 1], *(t for t in head[last + 1 :] if t not in SPACES)]
        i = 0
        while i + 1 < len(kept):
            if kept[i] == "[" and kept[i + 1] == "[":
                kept = kept[:i] + kept[self._closing(kept, i) :]
            else:
                i += 1
        return kept

    @staticmethod
    def _closing(tokens: list[str], i: int) -> int:
        depth = 0
        while True:
            depth += (tokens[i] in ("(", "[")) - (tokens[i] in (")", "]"))
            i += 1
            if depth == 0:
                return i

    def _function_constant(self, declaration: list[str]) -> list[str]:
        text = " ".join(declaration)
        m = re.fullmatch(
            r"(?:static )?constant (.+?) (\w+) \[ \[ function_constant \( (\d+) \) \] \] ;", text
        )
        if m is None:
            raise ValueError(f"not a function constant: {text}")
        value = self.constants.get(int(m[3]), "0")
        return ["static", "constexpr", m[1], m[2], "=", m[1], "(", value, ")", ";"]

    def _body(self, body: list[str]) -> None:
        """Makes the threadgroup variables of a function static, since all threads share them."""
        for i, t in enumerate(body):
            if t == "threadgroup" and body[i - 1] in (";", "{", "}") and not self._is_pointer(body, i):
                self._emit(["static", "thread_local"])
            else:
                self._emit([t])

    @staticmethod
    def _is_pointer(body: list[str], i: int) -> bool:
        while body[i] not in ("[", "=", ";", "{", "("):
            if body[i] in ("*", "&"):
                return True
            i += 1
        return False

    # ---- kernels ----

    def _find_kernel(self, head: list[str]) -> None:
        text = " ".join(head)
        if not re.search(r"\[ \[ kernel\b|(?:^|[ >])kernel void ", text):
            return
        opening = max(
            i
            for i, t in enumerate(head)
            if t == "(" and head[i - 1] != "function_constant" and self._top(head, i)
        )
        name = head[opening - 1]
        parameters: list[Parameter] = []
        following = 0
        for words in split_parameters(head[opening + 1 : -1]):
            attribute = re.search(r"\[ \[ (\w+)(?: \( (\d+) \))?", " ".join(words))
            if attribute is None:
                parameters.append(Parameter("buffer", str(following)))
                following += 1
            else:
                parameters.append(Parameter(attribute[1], attribute[2] or ""))
                if attribute[1] == "buffer":
                    following = int(attribute[2]) + 1
        self.kernels[name] = parameters

    @staticmethod
    def _top(head: list[str], at: int) -> bool:
        depth = 0
        for t in head[:at]:
            depth += (t in ("(", "[")) - (t in (")", "]"))
        return depth == 0


def called_operator(tokens: list[str], i: int) -> bool:
    """Whether the `=` at `i` is part of the name of an operator."""
    return "operator" in tokens[max(0, i - 3) : i]


def split_parameters(tokens: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    depth = 0
    for t in tokens:
        depth += (t in ("(", "[", "<")) - (t in (")", "]", ">"))
        if t == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(t)
    return [p for p in parts if p]


def scan(text: str, function_constants: dict[int, str] | None = None) -> Scanned:
    return Scanner(text, function_constants or {}).scan()
