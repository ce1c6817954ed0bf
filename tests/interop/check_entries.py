"""Checks every entry of a log with securesystemslib (the DSSE envelope and its signature) and in-toto-attestation
(the statement), and some of them with OpenSSL. None of the three shares a line with this project.

Usage: check_entries.py RECORDS SIGNER.pub [SIGNER.pub ...]
"""

import base64
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

records = pathlib.Path(sys.argv[1])
publics = [serialization.load_ssh_public_key(pathlib.Path(name).read_bytes()) for name in sys.argv[2:]]
keys = [SSlibKey.from_crypto(public) for public in publics]
size = int((records / "checkpoint").read_text().split("\n")[1])


def index_path(n):
    """The form of c2sp.org/tlog-tiles: 1234067 is x001/x234/067."""
    path = f"{n % 1000:03}"
    while n >= 1000:
        n //= 1000
        path = f"x{n % 1000:03}/{path}"
    return path


def entries():
    for start in range(0, size, 256):
        width = min(256, size - start)
        partial = "" if width == 256 else f".p/{width}"
        bundle = (records / f"tile/entries/{index_path(start // 256)}{partial}").read_bytes()
        for _ in range(width):
            (length,) = struct.unpack_from(">H", bundle)
            yield bundle[2 : 2 + length]
            bundle = bundle[2 + length :]
        assert not bundle, "bytes after the last entry"


def pae(payload_type, payload):
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(payload), payload)


def openssl_accepts(public, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        (folder / "key").write_bytes(public.public_bytes(*pem))
        (folder / "message").write_bytes(message)
        (folder / "signature").write_bytes(signature)
        command = "openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature".split()
        return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


kinds = {}
for index, entry in enumerate(entries()):
    raw = json.loads(entry)
    # It takes the mapping apart that it is given.
    envelope = Envelope.from_dict(json.loads(entry))
    accepted = envelope.verify(keys, 1)
    assert len(accepted) == 1, f"entry {index}: {len(accepted)} signers"

    message = statement_pb2.Statement()
    json_format.Parse(envelope.payload, message)
    Statement.copy_from_pb(message).validate()
    kinds[message.predicate_type] = kinds.get(message.predicate_type, 0) + 1

    if index % 100 <= 1:
        keyid = raw["signatures"][0]["keyid"]
        public = publics[[key.keyid for key in keys].index(keyid)]
        signature = base64.b64decode(raw["signatures"][0]["sig"], validate=True)
        signed = pae(raw["payloadType"].encode(), envelope.payload)
        assert openssl_accepts(public, signed, signature), f"entry {index}: OpenSSL refuses it"
        assert not openssl_accepts(public, signed + b" ", signature), "OpenSSL accepts anything"

assert sum(kinds.values()) == size
print(f"check_entries: {size} entries hold under securesystemslib, in-toto-attestation and OpenSSL: {kinds}")
