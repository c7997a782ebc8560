"""The symbols that an object file expects from elsewhere: ELF, COFF and Mach-O, of 64 bits."""

from __future__ import annotations

import struct


def undefined(code: bytes) -> set[str]:
    """The names of an object's undefined symbols, with Mach-O's underscore taken off."""
    if code.startswith(b"\x7fELF"):
        return _elf(code)
    if code.startswith(b"\xcf\xfa\xed\xfe"):
        return {name.removeprefix("_") for name in _mach_o(code)}
    return _coff(code)


def _text(code: bytes, start: int) -> str:
    return code[start : code.index(b"\0", start)].decode()


def _elf(code: bytes) -> set[str]:
    headers, size, count = (*struct.unpack_from("<Q", code, 0x28),
                            *struct.unpack_from("<HH", code, 0x3A))  # fmt: skip
    sections = [struct.unpack_from("<IIQQQQII", code, headers + i * size) for i in range(count)]
    found = set()
    for _, kind, _, _, offset, length, link, _ in sections:
        if kind == 2:  # SHT_SYMTAB
            texts = sections[link][4]
            for at in range(offset + 24, offset + length, 24):  # the first is empty
                name, _, _, section = struct.unpack_from("<IBBH", code, at)
                if section == 0:
                    found.add(_text(code, texts + name))
    return found


def _coff(code: bytes) -> set[str]:
    table, count = struct.unpack_from("<II", code, 8)
    texts, found, i = table + 18 * count, set(), 0
    while i < count:
        raw, value, section, _, storage, further = struct.unpack_from("<8sIhHBB", code,
                                                                      table + 18 * i)  # fmt: skip
        if section == 0 and storage == 2 and value == 0:  # external, and in no section
            place = struct.unpack("<I", raw[4:])[0]
            short = raw.rstrip(b"\0").decode() if raw[:4] != bytes(4) else ""
            found.add(short or _text(code, texts + place))
        i += 1 + further
    return found


def _mach_o(code: bytes) -> set[str]:
    commands = struct.unpack_from("<I", code, 16)[0]
    at, found = 32, set()
    for _ in range(commands):
        command, length = struct.unpack_from("<II", code, at)
        if command == 2:  # LC_SYMTAB
            symbols, count, texts, _ = struct.unpack_from("<IIII", code, at + 8)
            for i in range(count):
                name, kind, section, _, _ = struct.unpack_from("<IBBHQ", code, symbols + 16 * i)
                if kind & 0x0E == 0 and section == 0:  # N_UNDF
                    found.add(_text(code, texts + name))
        at += length
    return found
