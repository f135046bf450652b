// Transactions, as libraries for Steem that nobody here wrote sign and read them: see harness/libraries.py.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');

const job = JSON.parse(fs.readFileSync(0));
const chainId = Buffer.from(job.chain_id, 'hex');
const sha256 = (data) => crypto.createHash('sha256').update(data).digest();

const libraries = {
    dsteem() {
        const dsteem = require('dsteem');
        const { Types } = require('dsteem/lib/steem/serializer');
        const ByteBuffer = require('bytebuffer');
        const client = new dsteem.Client('http://127.0.0.1:9', { chainId: job.chain_id });
        return {
            sign: (trx, wif) => client.broadcast.sign(trx, dsteem.PrivateKey.fromString(wif)),
            pack(trx) {
                const buffer = new ByteBuffer(ByteBuffer.DEFAULT_CAPACITY, ByteBuffer.LITTLE_ENDIAN);
                Types.Transaction(buffer, trx);
                buffer.flip();
                return Buffer.from(buffer.toBuffer());
            },
            key: (digest, signature) => dsteem.Signature.fromString(signature).recover(digest).toString(),
        };
    },
    steem() {
        const steem = require('steem');
        const { Signature } = require('steem/lib/auth/ecc');
        const { transaction } = require('steem/lib/auth/serializer').ops;
        steem.api.setOptions({ address_prefix: 'STM' });
        steem.config.set('chain_id', job.chain_id);
        return {
            sign: (trx, wif) => ({ ...steem.auth.signTransaction(trx, [wif]), expiration: trx.expiration }),
            pack: (trx) => transaction.toBuffer(transaction.fromObject(trx)),
            key: (digest, signature) => Signature.fromHex(signature).recoverPublicKey(digest).toString(),
        };
    },
};

const library = libraries[job.library]();
const tasks = {
    sign: ([trx, wif]) => library.sign(trx, wif),
    read(trx) {
        const data = library.pack(trx);
        const digest = sha256(Buffer.concat([chainId, data]));
        return [sha256(data).toString('hex').slice(0, 40), data.toString('hex'),
            trx.signatures.map((signature) => library.key(digest, signature))];
    },
};
console.log(JSON.stringify(job.trxs.map(tasks[job.task])));
