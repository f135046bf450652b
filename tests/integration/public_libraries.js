// SPDX-License-Identifier: MIT
// For test_public_libraries.py: what dsteem and steem make of signed transactions.
//
//   node public_libraries.js MODULES RECOVER_EVERY
//
// A line of input: {"slow":..., "trx":...}. A line of output: for each library the id and the bytes
// of the transaction, and the key that signed it (slow: in any case); or why it cannot say it.
"use strict";
const crypto = require("crypto");
const path = require("path");
const readline = require("readline");

const [modules, recoverEvery] = [process.argv[2], Number(process.argv[3])];
const load = (name) => require(path.join(modules, name));
const ByteBuffer = load("bytebuffer");
const dsteem = load("dsteem");
const { Types } = load("dsteem/lib/steem/serializer");
const { Signature } = load("steem/lib/auth/ecc");
const { ops } = load("steem/lib/auth/serializer");

const STEEM = Buffer.alloc(32);
const sha256 = (bytes) => crypto.createHash("sha256").update(bytes).digest();
const copy = (value) => JSON.parse(JSON.stringify(value));

const LIBRARIES = {
  dsteem: {
    pack(trx) {
      const buffer = new ByteBuffer(ByteBuffer.DEFAULT_CAPACITY, ByteBuffer.LITTLE_ENDIAN);
      Types.Transaction(buffer, trx);
      return Buffer.from(buffer.flip().toBuffer());
    },
    recover: (trx) => dsteem.Signature.fromString(trx.signatures[0])
      .recover(dsteem.cryptoUtils.transactionDigest(trx, STEEM)).toString(),
  },
  steem: {
    pack: (trx) => ops.transaction.toBuffer(ops.transaction.fromObject(trx)),
    recover: (trx, bytes) => Signature.fromHex(trx.signatures[0])
      .recoverPublicKeyFromBuffer(Buffer.concat([STEEM, bytes])).toString(),
  },
};

function ask(library, trx, isRecovered) {
  try {
    const bytes = library.pack(copy(trx));
    return {
      id: sha256(bytes).toString("hex").slice(0, 40),
      bytes: bytes.toString("hex"),
      key: isRecovered ? library.recover(copy(trx), bytes) : undefined,
    };
  } catch (error) {
    return { error: String(error.message || error) };
  }
}

let count = 0;
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { trx, slow } = JSON.parse(line);
  const isRecovered = count++ % recoverEvery === 0;
  const answers = {};
  for (const [name, library] of Object.entries(LIBRARIES))
    // The curve of steem is plain JavaScript, 30 times slower than dsteem's.
    answers[name] = ask(library, trx, slow || (isRecovered && name === "dsteem"));
  process.stdout.write(`${JSON.stringify(answers)}\n`);
});
