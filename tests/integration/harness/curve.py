"""Keys and signatures of the curve secp256k1, in plain Python, for the tests alone.

    recover(digest, signature)      the 33 bytes of the key that signed
    sign(digest, secret)            65 bytes, as every node accepts them
    public_key(secret)              33 bytes
    Signer(secret).sign(digest)     a hundred times faster, for secrets that are none
    Verifier(key).made(digest, signature)   five times faster than recover(), for a key that is known

Points are (x, y), or None for the one at infinity; in between (x, y, z) with x / z^2, y / z^3.
"""

import functools
import hashlib
import hmac

P = 2 ** 256 - 2 ** 32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
INFINITY = (1, 1, 0)


class NoKey(ValueError):
    """No key made this signature."""


def _double(point):
    x, y, z = point
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(point, affine):
    """The second one has z = 1."""
    x1, y1, z1 = point
    x2, y2 = affine
    if z1 == 0:
        return x2, y2, 1
    zz = z1 * z1 % P
    h = (x2 * zz - x1) % P
    r = (y2 * zz * z1 - y1) % P
    if h == 0:
        return _double(point) if r == 0 else INFINITY
    hh = h * h % P
    hhh = h * hh % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(points):
    """Of many points, with one division."""
    products, product = [], 1
    for _, _, z in points:
        products.append(product)
        product = product * z % P
    inverse, out = pow(product, -1, P), []
    for (x, y, z), before in zip(reversed(points), reversed(products)):
        own = inverse * before % P
        inverse = inverse * z % P
        out.append((x * own * own % P, y * own * own * own % P))
    return out[::-1]


def _multiples(affine, count):
    """1, 2 ... count times the point."""
    points = [(*affine, 1)]
    for _ in range(count - 1):
        points.append(_add(points[-1], affine))
    return _affine(points)


@functools.lru_cache(maxsize=256)
def _tables(base):
    """For each of 43 windows of 6 bits: 1 to 63 times 64^window times the base."""
    tables = []
    for _ in range(43):
        tables.append(_multiples(base, 64))
        base = tables[-1][63]
    return tables


def _times_base(factor, base, point=INFINITY):
    """The point, and factor times a base that is used again and again."""
    for table in _tables(base):
        factor, digit = divmod(factor, 64)
        if digit:
            point = _add(point, table[digit - 1])
    return point


def _times_g(factor, point=INFINITY):
    """The point, and factor times G."""
    return _times_base(factor, G, point)


def _times(factor, affine):
    table, point = _multiples(affine, 15), INFINITY
    for at in range(252, -1, -4):
        if point[2]:
            point = _double(_double(_double(_double(point))))
        digit = factor >> at & 15
        if digit:
            point = _add(point, table[digit - 1])
    return point


def _compressed(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def public_key(secret):
    """The 33 bytes that belong to a secret number."""
    return _compressed(_affine([_times_g(secret)])[0])


def _root(square):
    """A number whose square this is, or None."""
    root = pow(square, (P + 1) // 4, P)
    return root if root * root % P == square else None


def _parts(signature):
    """R, S, the x of its point, and whether the y is odd."""
    r, s = int.from_bytes(signature[1:33], "big"), int.from_bytes(signature[33:], "big")
    if len(signature) != 65 or not 27 <= signature[0] <= 34 or not 0 < r < N or not 0 < s < N:
        raise NoKey("no signature has this form")
    ident = signature[0] - 27 & 3
    return r, s, r + N * (ident >> 1), ident & 1


def recover(digest, signature):
    """Raises NoKey. S may be high: nodes accept that."""
    r, s, x, odd = _parts(signature)
    y = _root((x * x * x + 7) % P)
    if x >= P or y is None:
        raise NoKey("no point of the curve has this R")
    y = y if y & 1 == odd else P - y
    inverse = pow(r, -1, N)
    z = int.from_bytes(digest, "big")
    point = _times_g(-z * inverse % N, _times(s * inverse % N, (x, y)))
    if point[2] == 0:
        raise NoKey("the key would be the point at infinity")
    return _compressed(_affine([point])[0])


class Verifier:
    """Whether a known key signed. Its tables are made when it is first asked, and take 30 ms."""

    def __init__(self, key):
        x = int.from_bytes(key[1:], "big")
        y = _root((x * x * x + 7) % P)
        if y is None:
            raise NoKey("no point of the curve has this x")
        self.key, self.point = key, (x, y if y & 1 == key[0] & 1 else P - y)

    def made(self, digest, signature):
        """The same as recover(digest, signature) == key."""
        try:
            r, s, x, odd = _parts(signature)
        except NoKey:
            return False
        inverse = pow(s, -1, N)
        point = _times_g(int.from_bytes(digest, "big") * inverse % N)
        point = _times_base(r * inverse % N, self.point, point)
        if point[2] == 0:
            return False
        found_x, found_y = _affine([point])[0]
        return found_x == x and found_y & 1 == odd


def is_accepted(signature):
    """Whether its S is one that nodes accept since block 26256743. They mean S <= N / 2, and compare
    with N / 2 as it lies in memory, the low byte first (steemit/steem, libraries/fc/src/crypto/
    elliptic_common.cpp)."""
    return signature[33:] <= (N // 2).to_bytes(32, "little")


def _is_canonical(signature):
    """As fc has it: the numbers R and S are neither negative nor shorter than 32 bytes, were
    they numbers with a sign (steemit/steem, libraries/fc/src/crypto/elliptic_common.cpp)."""
    return all(signature[at] < 0x80 and (signature[at] or signature[at + 1] >= 0x80)
               for at in (1, 33))


def _signature(z, secret, nonce, point):
    r = point[0] % N
    s = pow(nonce, -1, N) * (z + r * secret) % N
    return _encoded(r, s, point[1])


def _encoded(r, s, y):
    """The lower of the two S."""
    odd = y & 1
    if s > N // 2:
        s, odd = N - s, odd ^ 1
    return bytes([31 + odd]) + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _nonce(digest, secret, attempt):
    """RFC 6979, with what libsecp256k1 mixes in for a further attempt."""
    seed = secret.to_bytes(32, "big") + digest
    seed += attempt.to_bytes(32, "little") if attempt else b""
    key, value = bytes(32), b"\x01" * 32

    def mac(data):
        return hmac.digest(key, data, "sha256")

    for mark in (b"\0", b"\x01"):
        key = mac(value + mark + seed)
        value = mac(value)
    while True:
        value = mac(value)
        nonce = int.from_bytes(value, "big")
        if 0 < nonce < N:
            return nonce
        key = mac(value + b"\0")
        value = mac(value)


def sign(digest, secret):
    """The first signature of the series that is canonical."""
    z, attempt = int.from_bytes(digest, "big"), 0
    while True:
        nonce = _nonce(digest, secret, attempt)
        made = _signature(z, secret, nonce, _affine([_times_g(nonce)])[0])
        if _is_canonical(made):
            return made
        attempt += 1


class Signer:
    """Signs for a made witness with a few nonces, again and again: who sees two signatures can
    work out the secret. It is no secret, and one signature costs two multiplications."""

    def __init__(self, secret):
        self.secret, self.key = secret, public_key(secret)
        self.nonces = []  # (1 / nonce, R, R * secret, y of its point)
        for nonce, (x, y) in enumerate(_multiples(G, 24), 1):
            if _is_canonical(_encoded(x % N, N // 2, y)):
                self.nonces.append((pow(nonce, -1, N), x % N, x * secret % N, y))

    def sign(self, digest):
        z = int.from_bytes(digest, "big")
        for inverse, r, rd, y in self.nonces:
            made = _encoded(r, inverse * (z + rd) % N, y)
            if _is_canonical(made):
                return made
        return sign(digest, self.secret)


def secret_of(text):
    """The secret number that a text stands for."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % N
