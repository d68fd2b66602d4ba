"""Reads and writes the safetensors format: an 8-byte length, a JSON header, then the plain bytes of the tensors.

Only F32 is handled, which is all that this model has. Nothing beyond the standard library is needed.
"""

import json
import struct
import sys
from array import array
from pathlib import Path

Tensor = tuple[list[int], array]  # the shape, and the values row by row


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Writes the tensors in the order of their names, so equal tensors give equal bytes."""
    header: dict = {"__metadata__": metadata}
    body = b""
    for name, (shape, values) in sorted(tensors.items()):
        data = _little_endian(values).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def read(path: Path) -> dict[str, Tensor]:
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = _little_endian(array("f", content[8 + length + begin : 8 + length + end]))
        tensors[name] = (entry["shape"], values)
    return tensors


def _little_endian(values: array) -> array:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
