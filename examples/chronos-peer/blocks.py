# SPDX-License-Identifier: Apache-2.0
"""Blocks of chronos/1 and a chain of them: Keccak-256, RLP, the root of a list, seals of Clique, JSON. Nothing is executed."""
import json, re, struct

# ---- Keccak-256, RLP, the trie of a list, secp256k1

def keccak(data):
    data = bytearray(data) + b"\x01" + b"\0" * (135 - len(data) % 136)
    data[-1] |= 0x80
    lanes, mask = [0] * 25, (1 << 64) - 1
    rotate = lambda x, n: (x << n | x >> (64 - n)) & mask if n else x
    for at in range(0, len(data), 136):
        for i, lane in enumerate(struct.unpack_from("<17Q", data, at)):
            lanes[i] ^= lane
        lfsr = 1
        for _ in range(24):
            c = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
            lanes = [lanes[i] ^ c[(i + 4) % 5] ^ rotate(c[(i + 1) % 5], 1) for i in range(25)]
            x, y, moved = 1, 0, lanes[1]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                moved, lanes[x + 5 * y] = lanes[x + 5 * y], rotate(moved, (t + 1) * (t + 2) // 2 % 64)
            lanes = [lanes[i] ^ (~lanes[i - i % 5 + (i + 1) % 5] & lanes[i - i % 5 + (i + 2) % 5]) for i in range(25)]
            for j in range(7):
                if lfsr & 1:
                    lanes[0] ^= 1 << ((1 << j) - 1)
                lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
    return struct.pack("<4Q", *lanes[:4])

def number_bytes(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")

def rlp(item):
    if isinstance(item, bytes) and len(item) == 1 and item[0] < 0x80:
        return item
    body, short = (b"".join(map(rlp, item)), 0xC0) if isinstance(item, list) else (item, 0x80)
    if len(body) < 56:
        return bytes([short + len(body)]) + body
    size = number_bytes(len(body))
    return bytes([short + 55 + len(size)]) + size + body

def list_root(values):
    def node(items, depth):
        if not items:
            return b""
        path, value = items[0]
        if len(items) == 1:
            return [compact(path[depth:], 2), value]
        shared = depth
        while all(len(p) > shared and p[shared] == path[shared] for p, _ in items):
            shared += 1
        if shared > depth:
            return [compact(path[depth:shared], 0), reference(node(items, shared))]
        branches = [[i for i in items if len(i[0]) > depth and i[0][depth] == n] for n in range(16)]
        return [reference(node(b, depth + 1)) for b in branches] + [next((v for p, v in items if len(p) == depth), b"")]
    def compact(path, flag):
        return bytes.fromhex(("%x" % (flag + 1) if len(path) % 2 else "%x0" % flag) + "".join("%x" % n for n in path))
    def reference(made):
        return made if len(rlp(made)) < 32 else keccak(rlp(made))
    pairs = [([int(c, 16) for c in rlp(number_bytes(i)).hex()], v) for i, v in enumerate(values)]
    return keccak(rlp(node(pairs, 0)))

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

def add(a, b):
    if not a or not b:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P

def times(n, point):
    total = None
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total

def signer(hash, seal):
    r, s, v = int.from_bytes(seal[:32], "big"), int.from_bytes(seal[32:64], "big"), seal[64]
    y = pow((pow(r, 3, P) + 7) % P, (P + 1) // 4, P)
    require(0 < r < N and 0 < s < N and v < 2 and y * y % P == (pow(r, 3, P) + 7) % P, "invalid seal")
    if y % 2 != v:
        y = P - y
    inverse = pow(r, -1, N)
    key = add(times(s * inverse % N, (r, y)), times(-int.from_bytes(hash, "big") * inverse % N, G))
    require(key is not None, "invalid seal")
    return keccak(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]

# ---- JSON and blocks

class Refused(Exception):
    def __init__(self, code, message, **more):
        super().__init__(message)
        self.data = {"code": code, "message": message, **more}

def require(holds, message, code="bad_data"):
    if not holds:
        raise Refused(code, message)

QUANTITY, BYTES = "quantity", "bytes"
MEMBERS = [("parentHash", 32), ("sha3Uncles", 32), ("miner", 20), ("stateRoot", 32), ("transactionsRoot", 32),
           ("receiptsRoot", 32), ("logsBloom", 256), ("difficulty", QUANTITY), ("number", QUANTITY), ("gasLimit", QUANTITY),
           ("gasUsed", QUANTITY), ("timestamp", QUANTITY), ("extraData", BYTES), ("mixHash", 32), ("nonce", 8),
           ("baseFeePerGas", QUANTITY), ("withdrawalsRoot", 32), ("blobGasUsed", QUANTITY), ("excessBlobGas", QUANTITY),
           ("parentBeaconBlockRoot", 32), ("requestsHash", 32), ("blockAccessListHash", 32), ("slotNumber", QUANTITY)]
NO_UNCLES = keccak(rlp([]))

def parse(text):
    def members(pairs):
        require(len(dict(pairs)) == len(pairs), "duplicate key", "malformed")
        return dict(pairs)
    def constant(name):
        raise Refused("malformed", name)
    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)
    try:
        message = json.loads(text.decode("utf-8"), object_pairs_hook=members, parse_constant=constant, parse_float=str)
        require(isinstance(message, dict) and isinstance(message.get("code"), str), "not an object with a code", "malformed")
        require(depth(message) <= 32, "too deep", "malformed")
        return message
    except (ValueError, RecursionError):
        raise Refused("malformed", "not JSON") from None

def octets(value, size=None):
    require(isinstance(value, str) and re.fullmatch("0x([0-9a-fA-F]{2})*", value), "not 0x and hexadecimal digits")
    require(size is None or len(value) == 2 + 2 * size, "not %s bytes" % size)
    return bytes.fromhex(value[2:])

def quantity(value, bits=256):
    require(isinstance(value, str) and re.fullmatch("0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})", value), "not a quantity")
    require(int(value, 16) >> bits == 0, "quantity too large")
    return int(value, 16)

def height_of(value):
    if type(value) is int and 0 <= value < 2**53:
        return value
    return quantity(value, 63)

class Block:
    """A block out of the data of PUSH_BLOCK or NEW_BLOCK; its hash is computed, never read."""

    def __init__(self, data):
        require(isinstance(data, dict) and isinstance(data.get("block_header"), dict), "no block_header")
        require(isinstance(data.get("transactions"), list), "no transactions")
        header, fields, ended = data["block_header"], [], False
        for name, kind in MEMBERS:
            if name not in header:
                require(len(fields) >= 15, "no " + name)
                ended = True
                continue
            require(not ended, name + " without the members before it")
            value = header[name]
            fields.append(number_bytes(quantity(value, 256 if name in ("difficulty", "baseFeePerGas") else 63)) if kind == QUANTITY
                          else octets(value) if kind == BYTES else octets(value, kind))
        require(fields[1] == NO_UNCLES and header.get("uncles", []) == [], "a block with uncles", "invalid_block")
        self.transactions = [octets(t) for t in data["transactions"]]
        require(list_root(self.transactions) == fields[4], "another transactionsRoot", "invalid_block")
        if len(fields) > 16:
            items = header.get("withdrawals")
            require(isinstance(items, list) and all(isinstance(w, dict) for w in items), "no withdrawals")
            require(list_root([rlp([number_bytes(quantity(w.get("index"), 64)), number_bytes(quantity(w.get("validatorIndex"), 64)),
                                    octets(w.get("address"), 20), number_bytes(quantity(w.get("amount"), 64))])
                               for w in items]) == fields[16], "another withdrawalsRoot", "invalid_block")
        self.fields, self.hash, self.parent = fields, keccak(rlp(fields)), fields[0]
        self.difficulty, self.number, self.time, self.extra = int.from_bytes(fields[7], "big"), int.from_bytes(fields[8], "big"), \
            int.from_bytes(fields[11], "big"), fields[12]
        self.data = {"block_header": {**header, "hash": hexed(self.hash), "uncles": []}, "transactions": data["transactions"]}

    def signer(self):
        require(len(self.extra) >= 97, "no seal")
        return signer(keccak(rlp(self.fields[:12] + [self.extra[:-65]] + self.fields[13:])), self.extra[-65:])

def hexed(data):
    return "0x" + data.hex()

class Chain:
    """Blocks by hash; the head has the greatest total difficulty."""

    def __init__(self):
        self.blocks, self.total, self.canonical, self.genesis, self.signers = {}, {}, [], None, ()

    def height(self):
        return len(self.canonical) - 1

    def confirmed(self):
        return max(self.height() - len(self.signers) // 2 - 1, min(self.height(), 0))

    def add(self, block):
        """Adds block 0, or a block whose parent is here; refuses one that is wrong."""
        if not self.canonical:
            require(block.number == 0, "block 0 is missing", "invalid_block")
            require(self.genesis in (None, block.hash), "another genesis block", "wrong_chain")
            body = block.extra[32:-65]
            self.genesis, self.signers = block.hash, {body[i:i + 20] for i in range(0, len(body), 20)}
            self.total[block.hash] = 0
        else:
            parent = self.blocks[block.parent]
            require(block.number == parent.number + 1 and block.time >= parent.time,
                    "number or time do not follow the parent", "invalid_block")
            require(block.difficulty in (1, 2) and block.signer() in self.signers, "not sealed by a signer", "invalid_block")
            self.total[block.hash] = self.total[parent.hash] + block.difficulty
        self.blocks[block.hash] = block
        if not self.canonical or self.total[block.hash] > self.total[self.canonical[-1]]:
            branch = [block]
            while branch[-1].number and self.canonical[branch[-1].number - 1:][:1] != [branch[-1].parent]:
                branch.append(self.blocks[branch[-1].parent])
            self.canonical[branch[-1].number:] = [b.hash for b in reversed(branch)]
