"""RIPEMD-160 for a Python whose OpenSSL leaves it out (Dobbertin, Bosselaers and Preneel, 1996)."""

import struct

# Of each of 80 steps, in the left and in the right line: which word, and how far it is turned.
WORDS = ("0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd",
         "5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b")
TURNS = ("befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856",
         "899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb")
ADDED = ((0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E),
         (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0))
MIX = (lambda x, y, z: x ^ y ^ z, lambda x, y, z: x & y | ~x & z, lambda x, y, z: (x | ~y) ^ z,
       lambda x, y, z: x & z | y & ~z, lambda x, y, z: x ^ (y | ~z))
MASK = 0xFFFFFFFF


def _turn(value, by):
    value &= MASK
    return (value << by | value >> 32 - by) & MASK


def _line(side, state, words):
    a, b, c, d, e = state
    for step in range(80):
        mix = MIX[4 - step // 16 if side else step // 16]
        a = _turn(a + mix(b, c, d) + words[int(WORDS[side][step], 16)]
                  + ADDED[side][step // 16], int(TURNS[side][step], 16)) + e
        a, b, c, d, e = e, a & MASK, b, _turn(c, 10), d
    return a, b, c, d, e


def digest(data):
    """The 20 bytes."""
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    for at in range(0, len(data), 64):
        words = struct.unpack_from("<16I", data, at)
        left, right = _line(0, state, words), _line(1, state, words)
        state = tuple((state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & MASK
                      for i in range(5))
    return struct.pack("<5I", *state)
