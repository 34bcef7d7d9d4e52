"""Bundles as failures need them: copied, changed, signed, put into place."""

import hashlib
import os
import pathlib
import shutil

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

import harness


def copy(bundle, to):
    """A copy by hard links: replace its files, never write into them."""
    shutil.copytree(bundle, to, copy_function=os.link)
    return to


def replace(path, contents):
    path.unlink(missing_ok=True)
    path.write_bytes(contents)


def flip_a_bit(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    replace(path, bytes(contents))


def point(link, target):
    """Has a symlink point elsewhere, at once, as a release does."""
    aside = link.with_name(link.name + ".new")
    aside.symlink_to(target)
    os.replace(aside, link)


class SigningKey:
    """An Ed25519 key: `private` and `public` are PEM files."""

    def __init__(self, directory, name):
        key = ed25519.Ed25519PrivateKey.generate()
        self._raw = key.public_key().public_bytes_raw()
        self.private = directory / f"{name}.pem"
        self.public = directory / f"{name}.pub"
        self.private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.private.chmod(0o600)
        self.public.write_bytes(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    @property
    def id(self):
        return hashlib.sha256(self._raw).hexdigest()

    def sign(self, bundle: pathlib.Path):
        signed = harness.run(
            harness.binary("index/tool/pointsman-index"), "sign", bundle, "--key", self.private
        )
        assert signed.returncode == 0, signed.stderr
        return bundle
