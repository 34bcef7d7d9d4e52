"""Bundles that are corrupt, each in another way: what `swap` offers to a server.

A corruption is a function that takes the directory of a copy and another sound bundle. The copy's files
are hard links to the sound ones, so a file is replaced, never written to. Bundles are signed, since a
server that demands signatures has more to get wrong.
"""

import hashlib
import json
import random
import shutil
import subprocess

import bench

SEED = 4
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
SIGNED_PREFIX = b"pointsman bundle signature v1\n"


class Keys:
    """Two Ed25519 keys: one that the server trusts, one that it does not know."""

    def __init__(self, directory):
        if not shutil.which("openssl"):
            raise bench.Unavailable("no openssl: apt-get install openssl")
        self.directory = directory
        self.trusted = self._make("trusted")
        self.unknown = self._make("unknown")
        self.trusted_file = directory / "trusted-keys.pem"
        bench.run("openssl", "pkey", "-in", self.trusted, "-pubout", "-out", self.trusted_file)

    def _make(self, name):
        path = self.directory / f"{name}.pem"
        bench.run("openssl", "genpkey", "-algorithm", "ed25519", "-out", path)
        path.chmod(0o600)
        return path

    def id_of(self, key):
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"],
                                check=True, stdout=subprocess.PIPE).stdout
        return hashlib.sha256(public[-32:]).hexdigest()

    def sign(self, directory, key):
        """Writes signature.json, without a look at what is signed, which the tool would refuse."""
        digest = json.loads((directory / MANIFEST).read_bytes())["digest"]
        message = self.directory / "message"
        message.write_bytes(SIGNED_PREFIX + digest.encode())
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", message],
            check=True, stdout=subprocess.PIPE).stdout.hex()
        signatures = {"signatures": [{"key_id": self.id_of(key), "signature": signature}]}
        replace(directory / SIGNATURE, json.dumps(signatures, indent=2).encode() + b"\n")


def replace(path, data):
    path.unlink()
    path.write_bytes(data)


def flip(offset_of):
    def corrupt(path):
        data = bytearray(path.read_bytes())
        data[offset_of(len(data))] ^= 0x41
        replace(path, bytes(data))
    return corrupt


def edit(change):
    return lambda path: replace(path, change(path.read_bytes()))


def to_directory(path):
    path.unlink()
    path.mkdir()


def to_dangling_link(path):
    path.unlink()
    path.symlink_to("nowhere")


ANY_FILE = {
    "first byte flipped": flip(lambda size: 0),
    "byte in the middle flipped": flip(lambda size: size // 2),
    "last byte flipped": flip(lambda size: size - 1),
    "cut in half": edit(lambda data: data[:len(data) // 2]),
    "last byte missing": edit(lambda data: data[:-1]),
    "a byte too many": edit(lambda data: data + b"\0"),
    "empty": edit(lambda data: b""),
    "zeros": edit(lambda data: bytes(len(data))),
    "removed": lambda path: path.unlink(),
    "a directory": to_directory,
    "a link to nowhere": to_dangling_link,
}


def change_manifest(change):
    def corrupt(path):
        manifest = json.loads(path.read_bytes())
        change(manifest)
        replace(path, json.dumps(manifest, indent=2).encode() + b"\n")
    return corrupt


MANIFEST_ONLY = {
    "not JSON": edit(lambda data: b"bundle: yes\n"),
    "an array": edit(lambda data: b"[]\n"),
    "no fields": edit(lambda data: b"{}\n"),
    "nested deeply": edit(lambda data: b"[" * 100_000),
    "written compactly": edit(lambda data: json.dumps(json.loads(data)).encode()),
    "another digest": change_manifest(lambda m: m.update(digest="0" * 64)),
    "newer format": change_manifest(lambda m: m.update(format_version=99)),
    "older format": change_manifest(lambda m: m.update(format_version=0)),
    "unknown field": change_manifest(lambda m: m.update(colour="red")),
    "no files": change_manifest(lambda m: m.update(files=[])),
    "a file twice": change_manifest(lambda m: m["files"].append(m["files"][0])),
    "a file not listed": change_manifest(lambda m: m["files"].pop()),
    "wrong size": change_manifest(lambda m: m["files"][0].update(size=m["files"][0]["size"] + 1)),
    "wrong digest of a file": change_manifest(lambda m: m["files"][-1].update(sha256="f" * 64)),
    "a file elsewhere": change_manifest(lambda m: m["files"][0].update(name="../x")),
    "wrong count": change_manifest(lambda m: m.update(exemplar_count=1)),
}


def reseal(directory):
    """Makes all digests right again, as somebody would who forges a bundle."""
    path = directory / MANIFEST
    manifest = json.loads(path.read_bytes())
    del manifest["digest"]
    for entry in manifest["files"]:
        data = (directory / entry["name"]).read_bytes()
        entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    canonical = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()
    manifest["digest"] = hashlib.sha256(canonical).hexdigest()
    replace(path, json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")


# Sealed anew, so that digests are of no help: what a file says must be checked.
RESEALED = {
    ("golden.binpb", "other models chosen"): edit(lambda d: d.replace(b"large", b"tiny2")),
    ("golden.binpb", "no message"): edit(lambda d: b"\xff" * 64),
    ("vectors.faiss", "not a number"): edit(lambda d: d[:-4] + b"\x00\x00\xc0\x7f"),
    ("vectors.faiss", "infinite"): edit(lambda d: d[:-4] + b"\x00\x00\x80\x7f"),
    ("vectors.faiss", "another kind of index"): edit(lambda d: b"IwPQ" + d[4:]),
    ("vectors.faiss", "cut"): edit(lambda d: d[:-256]),
    ("exemplars.binpb", "cut"): edit(lambda d: d[:-20]),
    ("catalogue.binpb", "a model renamed"): edit(lambda d: d.replace(b"large", b"lArge")),
    ("policies.binpb", "no message"): edit(lambda d: b"\xff" * 64),
    ("calibration.binpb", "cut"): edit(lambda d: d[:len(d) // 3]),
    ("tokenizer.json", "no vocabulary"): edit(lambda d: b"{}"),
    ("model.safetensors", "header too long"): edit(lambda d: b"\xff" * 8 + d[8:]),
}
# Files that differ between the sound bundles, so that another bundle's does not belong.
OF_ANOTHER = ("calibration.binpb", "exemplars.binpb", "vectors.faiss", SIGNATURE)

SIGNATURE_ONLY = {
    "of nobody": edit(lambda d: b'{\n  "signatures": []\n}\n'),
    "of ten thousand": edit(lambda d: d.replace(b"[", b"[" + b"{}," * 10_000)),
}


def plan(sound, keys):
    """Corruptions by (file, what is wrong with it), given one sound bundle."""
    corruptions = {}
    for name in sorted(path.name for path in sound.iterdir()):
        for kind, corrupt in ANY_FILE.items():
            corruptions[name, kind] = lambda d, _, c=corrupt, n=name: c(d / n)
    for name, only in ((MANIFEST, MANIFEST_ONLY), (SIGNATURE, SIGNATURE_ONLY)):
        for kind, corrupt in only.items():
            corruptions[name, kind] = lambda d, _, c=corrupt, n=name: c(d / n)
    for (name, kind), corrupt in RESEALED.items():
        corruptions[name, f"sealed anew, {kind}"] = (
            lambda d, _, c=corrupt, n=name: (c(d / n), reseal(d), keys.sign(d, keys.trusted)))
    for name in OF_ANOTHER:
        corruptions[name, "of another bundle"] = (
            lambda d, other, n=name: replace(d / n, (other / n).read_bytes()))
    corruptions[SIGNATURE, "of an unknown key"] = lambda d, _: keys.sign(d, keys.unknown)
    corruptions["extra.bin", "too much"] = lambda d, _: (d / "extra.bin").write_bytes(b"x")
    corruptions["the whole", "empty"] = lambda d, _: [path.unlink() for path in d.iterdir()]
    corruptions["the whole", "missing"] = lambda d, _: shutil.rmtree(d)
    corruptions["the whole", "a file"] = lambda d, _: (shutil.rmtree(d), d.write_bytes(b"bundle"))
    return corruptions


def choose(corruptions, count):
    """`count` of them as ("file: what is wrong", function): all that are for one file only, and an
    even draw from the others, in random order."""
    by_kind = {}
    for key in corruptions:
        by_kind.setdefault(key[1], []).append(key)
    draw = random.Random(SEED)
    for keys in by_kind.values():
        draw.shuffle(keys)
    rounds = max(map(len, by_kind.values()))
    order = [keys[i] for i in range(rounds) for keys in by_kind.values() if i < len(keys)]
    if len(order) < count:
        raise SystemExit(f"only {len(order)} ways to corrupt a bundle, {count} are needed")
    chosen = order[:count]
    draw.shuffle(chosen)
    return [(": ".join(key), corruptions[key]) for key in chosen]
