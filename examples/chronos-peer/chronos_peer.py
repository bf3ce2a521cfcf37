#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer of chronos/1 (docs/chronos.md) for chains under Clique: it shakes hands, pulls, serves and announces blocks.

It keeps blocks in memory. It checks hashes, transaction roots, parents and seals, and executes nothing. Votes for
signers are not counted: the signers are those of the genesis block.
"""
import argparse, collections, json, random, socket, struct, sys, threading, time

from blocks import Block, Chain, Refused, height_of, hexed, octets, parse, require

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
