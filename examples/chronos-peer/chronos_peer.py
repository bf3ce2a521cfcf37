#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A peer of chronos/1 (docs/chronos.md) for chains under Clique: it shakes hands, pulls, serves and announces blocks.

It keeps blocks in memory. It checks hashes, transaction roots, parents and seals, and executes nothing. Votes for
signers are not counted: the signers are those of the genesis block. One thread runs everything (asyncio).
"""
import argparse, asyncio, collections, json, random, struct, time

from blocks import Block, Chain, Refused, height_of, hexed, octets, parse, require

PUSHES = ("PUSH_BLOCK", "NEW_BLOCK")
STAYS_OPEN = ("not_found", "unknown_code", "bad_data")
MAX_UNSENT = 16 << 20  # bytes
ADDRESS = bytes(20)  # that of a peer without a key

class Bucket:
    """Tokens that refill with time: a peer that is too fast is read later."""

    def __init__(self, size, seconds):
        self.size, self.speed, self.left, self.at = size, size / seconds, size, time.monotonic()

    async def take(self, count=1):
        now = time.monotonic()
        self.left, self.at = min(self.size, self.left + (now - self.at) * self.speed) - count, now
        if self.left < 0:
            await asyncio.sleep(-self.left / self.speed)

class Connection:
    def __init__(self, peer, reader, writer, dialed):
        self.peer, self.reader, self.writer, self.dialed = peer, reader, writer, dialed
        self.ip = writer.get_extra_info("peername")[0]
        self.messages, self.bytes, self.pulls = Bucket(50, 1), Bucket(16 << 20, 10), Bucket(20, 1)
        self.known, self.waiting = collections.OrderedDict(), {}  # hashes; blocks by the parent that is missing
        peer.connections.add(self)
        self.opened, self.shaken, self.address, self.height, self.head, self.unknown = time.monotonic(), False, None, 0, None, []

    def send(self, code, data, request={}):
        if code in PUSHES:
            self.know(octets(data["block_header"]["hash"]))
        elif code == "NEW_BLOCK_HASH":
            self.know(octets(data))
        more = {"id": request["id"]} if type(request.get("id")) is int else {}
        text = json.dumps({"code": code, "data": data, **more}, separators=(",", ":")).encode()
        self.writer.write(struct.pack(">I", len(text)) + text)
        if self.writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self.writer.transport.abort()

    def know(self, hash):
        self.known[hash] = True
        self.known.move_to_end(hash)
        if len(self.known) > 1024:
            self.known.popitem(last=False)

    async def receive(self):
        """Returns the size of the next frame in bytes, and its message."""
        first = await asyncio.wait_for(self.reader.readexactly(1), 30)
        return await asyncio.wait_for(self.rest(first), 15)

    async def rest(self, first):
        size = int.from_bytes(first + await self.reader.readexactly(3), "big")
        require(size >= 2, "frame of %d bytes" % size, "malformed")
        require(size <= (8 << 20 if self.shaken else 4096), "frame of %d bytes" % size, "too_large")
        message = parse(await self.reader.readexactly(size))
        require(size <= 65536 or message["code"] in PUSHES, "frame of %d bytes" % size, "too_large")
        require(message.get("v", 1) == 1, "another version", "unsupported_version")
        return size, message

    async def run(self):
        sender = asyncio.ensure_future(self.keep_alive()) if self.dialed else None
        is_open = True
        try:
            while is_open:
                message = {}
                try:
                    left = self.opened + 5 - time.monotonic()
                    size, message = await (self.receive() if self.shaken else asyncio.wait_for(self.receive(), left))
                    await self.bytes.take(size)
                    await self.messages.take()
                    await self.handle(message)
                except Refused as refused:
                    self.send("ERROR", refused.data, message)
                    is_open = self.shaken and refused.data["code"] in STAYS_OPEN and len(self.unknown) < 10
                await asyncio.wait_for(self.writer.drain(), 30)
        except (OSError, EOFError, asyncio.TimeoutError):
            pass
        finally:
            self.peer.connections.discard(self)
            if sender:
                sender.cancel()
            self.writer.close()
            asyncio.get_running_loop().call_later(5, self.writer.transport.abort)

    async def keep_alive(self):
        while True:
            self.send("SHAKEHAND", self.peer.shakehand())
            await asyncio.sleep(5)

    async def handle(self, message):
        code, data, chain = message["code"], message.get("data"), self.peer.chain
        require(self.shaken or code in ("SHAKEHAND", "ERROR"), "SHAKEHAND comes first", "handshake")
        if code == "SHAKEHAND":
            self.check_shakehand(data)
            if not self.dialed:
                self.send("SHAKEHAND", self.peer.shakehand(), message)
            self.pull()
        elif code == "PULL_BLOCK":
            await self.pulls.take()
            height = height_of(data)
            if height > chain.confirmed():
                raise Refused("not_found", "no confirmed block of this height", height=height)
            self.send("PUSH_BLOCK", chain.blocks[chain.canonical[height]].data, message)
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
            if isinstance(data, dict) and "height" in data and self.head and self.head not in chain.blocks:
                self.send("GET_BLOCK", hexed(self.head))  # the rest is not confirmed
        else:
            now = time.monotonic()
            self.unknown = [t for t in self.unknown if t > now - 60] + [now]
            raise Refused("unknown_code", code[:64])

    def check_shakehand(self, data):
        require(isinstance(data, dict) and type(data.get("timestamp")) is int, "no timestamp")
        height, address = height_of(data.get("height")), octets(data.get("address"), 20)
        head = octets(data["headHash"], 32) if "headHash" in data else None
        genesis = octets(data["genesis"], 32) if "genesis" in data else None
        require(data.get("version", 1) == 1, "another version", "unsupported_version")
        require(None in (genesis, self.peer.chain.genesis) or genesis == self.peer.chain.genesis, "another genesis block", "wrong_chain")
        require(self.address in (None, address), "another address", "handshake")
        for other in [c for c in self.peer.connections if c is not self and c.address == address != ADDRESS]:
            if other.dialed or not self.dialed or other.ip != self.ip:
                raise EOFError
            other.writer.close()  # the two dialed each other: the dialer with the lower address, this peer, decides
        self.shaken, self.height, self.address, self.head = True, height, address, head

    def pull(self):
        if self.height > self.peer.chain.height():
            self.send("PULL_BLOCK", self.peer.chain.height() + 1)

    def take_block(self, block, message, is_pulled):
        chain = self.peer.chain
        self.know(block.hash)
        if block.time > time.time() + 15:
            return
        if block.hash in chain.blocks:
            if not is_pulled:
                self.send("BLOCK_KNOWN", hexed(block.hash), message)
        elif block.parent not in chain.blocks and (chain.canonical or block.number):
            self.waiting[block.parent] = block
            if len(self.waiting) > 128:
                self.waiting.clear()
            else:
                self.send("GET_BLOCK", hexed(block.parent))
        else:
            while block:
                chain.add(block)
                print("block", block.number, hexed(block.hash), flush=True)
                if not is_pulled:
                    self.peer.announce(block)
                block = self.waiting.pop(block.hash, None)
            if is_pulled:
                self.pull()

class Peer:
    def __init__(self, chain, seed_only):
        self.chain, self.seed_only, self.connections = chain, seed_only, set()

    def shakehand(self):
        chain = self.chain
        data = {"timestamp": int(time.time() * 1000), "height": max(chain.height(), 0), "address": hexed(ADDRESS)}
        if chain.canonical and not self.seed_only:
            data.update(version=1, genesis=hexed(chain.genesis), headHash=hexed(chain.canonical[-1]))
        return data

    def announce(self, block):
        """Sends a new block to the square root of all peers, and its hash to the others."""
        ready = [c for c in self.connections if c.shaken]
        lacking = [c for c in ready if block.hash not in c.known]
        random.shuffle(lacking)
        whole = max(int(len(ready) ** 0.5), 1)
        for i, connection in enumerate(lacking):
            if i < whole:
                connection.send("NEW_BLOCK", block.data)
            else:
                connection.send("NEW_BLOCK_HASH", hexed(block.hash))

    async def dial(self, host, port):
        wait = 1
        while True:
            try:
                streams = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
                connection = Connection(self, *streams, dialed=True)
                await connection.run()
                wait = 1 if connection.shaken else wait
            except (OSError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(2 * wait, 60)

    async def accept(self, reader, writer):
        source = (writer.get_extra_info("peername") or [""])[0]
        same = 0 if source == "::1" or source.startswith("127.") else sum(c.ip == source for c in self.connections)
        if not source or len(self.connections) >= 25 or same >= 3:
            writer.close()
        else:
            await Connection(self, reader, writer, dialed=False).run()

async def main():
    address = lambda text: (text.rpartition(":")[0] or "127.0.0.1", int(text.rpartition(":")[2]))
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--listen", type=address, help="HOST:PORT or PORT; port 0 for any free one")
    options.add_argument("--dial", type=address, action="append", default=[], help="HOST:PORT, may be repeated")
    options.add_argument("--blocks", help="file of PUSH_BLOCK frames, from block 0 on, to begin with")
    options.add_argument("--genesis", help="file with the header of block 0 as JSON; without it the first block 0 counts")
    options.add_argument("--seed-only", action="store_true", help="send the three members of the seed alone")
    args = options.parse_args()
    chain = Chain()
    if args.genesis:
        with open(args.genesis, encoding="utf-8") as file:
            chain.genesis = Block({"block_header": {"withdrawals": [], **json.load(file)}, "transactions": []}).hash
    if args.blocks:
        with open(args.blocks, "rb") as file:
            while size := file.read(4):
                chain.add(Block(parse(file.read(int.from_bytes(size, "big")))["data"]))
    peer = Peer(chain, args.seed_only)
    tasks = [peer.dial(*target) for target in args.dial]
    if args.listen:
        server = await asyncio.start_server(peer.accept, *args.listen)
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        tasks.append(server.serve_forever())
    await asyncio.gather(*tasks)

if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
