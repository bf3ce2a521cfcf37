#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer of chronos/1 (docs/chronos.md) for chains under Clique: it shakes hands, pulls, serves and announces blocks.

It keeps blocks in memory. It checks hashes, transaction roots, parents and seals, and executes nothing. Votes for
signers are not counted: the signers are those of the genesis block.
"""
import argparse, collections, json, random, re, socket, struct, sys, threading, time

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
        message = json.loads(text.decode("utf-8"), object_pairs_hook=members, parse_constant=constant)
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

    def __init__(self, genesis, confirmations):
        self.blocks, self.total, self.canonical, self.lock = {}, {}, [], threading.RLock()
        self.genesis, self.confirmations, self.signers = genesis, confirmations, ()

    def height(self):
        return len(self.canonical) - 1

    def confirmed(self):
        behind = len(self.signers) // 2 + 1 if self.confirmations is None else self.confirmations
        return max(self.height() - behind, 0) if self.canonical else -1

    def add(self, block):
        """Adds a block; refuses one that is wrong, and raises KeyError when the parent is missing."""
        with self.lock:
            if not self.canonical:
                require(block.number == 0, "block 0 is missing", "invalid_block")
                require(self.genesis in (None, block.hash), "another genesis block", "wrong_chain")
                body = block.extra[32:-65]
                self.genesis, self.signers = block.hash, {body[i:i + 20] for i in range(0, len(body), 20)}
                self.total[block.hash] = 0
            else:
                parent = self.blocks[block.parent]
                require(block.number == parent.number + 1 and parent.time < block.time + 1 <= time.time() + 16,
                        "number or time do not follow the parent", "invalid_block")
                require(block.difficulty in (1, 2) and block.signer() in self.signers, "not sealed by a signer", "invalid_block")
                self.total[block.hash] = self.total[parent.hash] + block.difficulty
            self.blocks[block.hash] = block
            if not self.canonical or self.total[block.hash] > self.total[self.canonical[-1]]:
                new, at = [], block
                while at.number >= len(self.canonical) or self.canonical[at.number] != at.hash:
                    new.append(at.hash)
                    if at.number == 0:
                        break
                    at = self.blocks[at.parent]
                self.canonical[block.number + 1 - len(new):] = reversed(new)

# ---- connections

PUSHES = ("PUSH_BLOCK", "NEW_BLOCK")

class Connection:
    def __init__(self, peer, sock, dialed):
        self.peer, self.sock, self.dialed = peer, sock, dialed
        self.name, self.known, self.waiting = "%s:%s" % sock.getpeername()[:2], collections.OrderedDict(), {}
        self.shaken, self.height, self.address, self.unknown, self.lock = False, -1, None, [], threading.Lock()
        self.tokens = {"messages": [50.0, time.monotonic(), 50.0], "pulls": [20.0, time.monotonic(), 20.0]}

    def send(self, code, data, asked=None):
        if code in PUSHES:
            self.know(octets(data["block_header"]["hash"]))
        elif code == "NEW_BLOCK_HASH":
            self.know(octets(data))
        more = {} if asked is None or "id" not in asked else {"id": asked["id"]}
        text = json.dumps({"code": code, "data": data, **more}, separators=(",", ":")).encode()
        with self.lock:
            self.sock.sendall(struct.pack(">I", len(text)) + text)

    def know(self, hash):
        with self.peer.chain.lock:
            self.known[hash] = True
            self.known.move_to_end(hash)
            while len(self.known) > 1024:
                self.known.popitem(last=False)

    def read(self, size, end):
        got = bytearray()
        while len(got) < size:
            self.sock.settimeout(max(end - time.monotonic(), 0.001))
            part = self.sock.recv(min(size - len(got), 65536))
            if not part:
                raise EOFError
            got += part
        return bytes(got)

    def receive(self):
        first = self.read(1, time.monotonic() + (30 if self.shaken else 5))
        end = time.monotonic() + 15
        size = int.from_bytes(first + self.read(3, end), "big")
        require(size >= 2, "empty frame", "malformed")
        require(size <= (8 << 20 if self.shaken else 4096), "frame of %d bytes" % size, "too_large")
        message = parse(self.read(size, end))
        require(size <= 65536 or message["code"] in PUSHES, "frame of %d bytes" % size, "too_large")
        return message

    def take(self, bucket):
        """Waits for a token: who sends too fast is read slowly."""
        state = self.tokens[bucket]
        now = time.monotonic()
        state[0], state[1] = min(state[2], state[0] + (now - state[1]) * state[2]) - 1, now
        if state[0] < 0:
            time.sleep(-state[0] / state[2])

    def run(self):
        try:
            if self.dialed:
                self.send("SHAKEHAND", self.peer.handshake())
                threading.Thread(target=self.keep_alive, daemon=True).start()
            while True:
                message = self.receive()
                self.take("messages")
                try:
                    self.handle(message)
                except Refused as refused:
                    self.send("ERROR", refused.data, message)
                    if refused.data["code"] not in ("not_found", "unknown_code", "bad_data") or not self.shaken:
                        break
        except Refused as refused:
            try:
                self.send("ERROR", refused.data)
            except OSError:
                pass
        except (OSError, EOFError) as ended:
            self.peer.log(self.name, "ended", type(ended).__name__)
        finally:
            self.peer.connections.discard(self)
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self.sock.close()

    def keep_alive(self):
        try:
            while self in self.peer.connections:
                time.sleep(5)
                self.send("SHAKEHAND", self.peer.handshake())
        except OSError:
            pass

    def handle(self, message):
        code, data, chain = message["code"], message.get("data"), self.peer.chain
        self.peer.log(self.name, code, json.dumps(data)[:100])
        require(self.shaken or code in ("SHAKEHAND", "ERROR"), "SHAKEHAND comes first", "handshake")
        if code == "SHAKEHAND":
            require(isinstance(data, dict) and type(data.get("timestamp")) is int, "no timestamp")
            self.height = height_of(data.get("height"))
            address = octets(data.get("address"), 20)
            with chain.lock:
                require(not chain.canonical or "genesis" not in data or octets(data["genesis"], 32) == chain.genesis,
                        "another genesis block", "wrong_chain")
                require(data.get("version", 1) == 1, "another version", "unsupported_version")
                require(self.address in (None, address), "another address", "handshake")
                if any(address) and any(c.address == address and c is not self for c in self.peer.connections):
                    raise EOFError
                self.address = address
            self.shaken, self.head = True, octets(data.get("headHash", "0x" + "00" * 32), 32)
            if not self.dialed:
                self.send("SHAKEHAND", self.peer.handshake(), message)
            self.pull()
        elif code == "PULL_BLOCK":
            self.take("pulls")
            height = height_of(data)
            with chain.lock:
                found = chain.blocks[chain.canonical[height]].data if height <= chain.confirmed() else None
            if found is None:
                raise Refused("not_found", "no confirmed block of this height", height=height)
            self.send("PUSH_BLOCK", found, message)
        elif code in PUSHES:
            self.take_block(Block(data), message, code == "PUSH_BLOCK")
        elif code == "NEW_BLOCK_HASH":
            self.know(octets(data, 32))
            self.send("BLOCK_KNOWN" if octets(data) in chain.blocks else "GET_BLOCK", data, message)
        elif code == "GET_BLOCK":
            block = chain.blocks.get(octets(data, 32))
            if block is None:
                raise Refused("not_found", "no such block", hash=data)
            self.send("NEW_BLOCK", block.data, message)
        elif code == "BLOCK_KNOWN":
            self.know(octets(data, 32))
        elif code == "ERROR":
            if isinstance(data, dict) and "height" in data and any(self.head) and self.head not in chain.blocks:
                self.send("GET_BLOCK", hexed(self.head))
        else:
            now = time.monotonic()
            self.unknown = [t for t in self.unknown if t > now - 60] + [now]
            require(len(self.unknown) < 10, "ten unknown codes", "rate")
            raise Refused("unknown_code", code[:64])

    def pull(self):
        if self.height > self.peer.chain.height():
            self.send("PULL_BLOCK", self.peer.chain.height() + 1)

    def take_block(self, block, message, pulled):
        chain = self.peer.chain
        self.know(block.hash)
        if block.hash in chain.blocks:
            if not pulled:
                self.send("BLOCK_KNOWN", hexed(block.hash), message)
            return
        try:
            chain.add(block)
        except KeyError:
            self.waiting[block.parent] = block
            if len(self.waiting) <= 128:
                self.send("GET_BLOCK", hexed(block.parent))
            else:
                self.waiting.clear()
            return
        print("block", block.number, hexed(block.hash), flush=True)
        child = self.waiting.pop(block.hash, None)
        if child is not None:
            self.take_block(child, {}, True)
        elif pulled:
            self.pull()
        if not pulled:
            self.peer.announce(block)

class Peer:
    def __init__(self, args, chain):
        self.args, self.chain, self.connections = args, chain, set()

    def log(self, *words):
        if self.args.verbose:
            print(*words, file=sys.stderr, flush=True)

    def handshake(self):
        with self.chain.lock:
            ours = {"version": 1, "genesis": hexed(self.chain.genesis), "headHash": hexed(self.chain.canonical[-1])} \
                if self.chain.canonical and not self.args.seed_only else {}
            return {"timestamp": int(time.time() * 1000), "height": max(self.chain.height(), 0), "address": self.args.address, **ours}

    def announce(self, block):
        """Sends a new block to the square root of all peers, and its hash to the others."""
        with self.chain.lock:
            shaken = [c for c in self.connections if c.shaken]
            lacking = [c for c in shaken if block.hash not in c.known]
        random.shuffle(lacking)
        whole = max(int(len(shaken) ** 0.5), 1)
        for i, connection in enumerate(lacking):
            try:
                if i < whole:
                    connection.send("NEW_BLOCK", block.data)
                else:
                    connection.send("NEW_BLOCK_HASH", hexed(block.hash))
            except OSError:
                pass

    def start(self, sock, dialed):
        connection = Connection(self, sock, dialed)
        self.connections.add(connection)
        connection.run()

    def dial(self, address):
        wait = 1
        while True:
            try:
                sock = socket.create_connection(address, 10)
                wait = 1
                self.start(sock, True)
            except OSError as failed:
                self.log(address, failed)
            time.sleep(wait)
            wait = min(2 * wait, 60)

    def listen(self, address):
        server = socket.create_server(address)
        print("listening", server.getsockname()[1], flush=True)
        while True:
            sock, source = server.accept()
            near = source[0].startswith("127.")
            if len(self.connections) >= 25 or not near and sum(c.name.startswith(source[0] + ":") for c in self.connections) >= 3:
                sock.close()
            else:
                threading.Thread(target=self.start, args=(sock, False), daemon=True).start()

def frames(path):
    with open(path, "rb") as file:
        while size := file.read(4):
            yield parse(file.read(int.from_bytes(size, "big")))

def main():
    address = lambda text: (text.rpartition(":")[0] or "127.0.0.1", int(text.rpartition(":")[2]))
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--listen", type=address, help="HOST:PORT or PORT; port 0 for any free one")
    options.add_argument("--dial", type=address, action="append", default=[], help="HOST:PORT, may be repeated")
    options.add_argument("--blocks", help="file of PUSH_BLOCK frames, from block 0 on, to begin with")
    options.add_argument("--genesis", help="file with the header of block 0 as JSON; without it the first block 0 counts")
    options.add_argument("--address", default="0x" + "00" * 20, help="address in SHAKEHAND")
    options.add_argument("--confirmations", type=int, help="blocks above the confirmed one (default: signers / 2 + 1)")
    options.add_argument("--seed-only", action="store_true", help="send the three members of the seed alone")
    options.add_argument("--verbose", action="store_true")
    args = options.parse_args()
    genesis = None
    if args.genesis:
        with open(args.genesis, encoding="utf-8") as file:
            header = json.load(file)
        genesis = Block({"block_header": {"withdrawals": [], **header}, "transactions": []}).hash
    chain = Chain(genesis, args.confirmations)
    for message in frames(args.blocks) if args.blocks else ():
        chain.add(Block(message["data"]))
    peer = Peer(args, chain)
    for target in args.dial:
        threading.Thread(target=peer.dial, args=(target,), daemon=True).start()
    if args.listen:
        peer.listen(args.listen)
    while True:
        time.sleep(60)

if __name__ == "__main__":
    main()
