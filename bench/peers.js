// SPDX-License-Identifier: MIT
// The same job by the public libraries: read blocks one after another (hive-interface: ten
// at once), store each with one multi-row INSERT IGNORE.
//
//   node peers.js CLIENT URL FIRST LAST SOCKET DATABASE
//
// prints "blocks N rows N seconds S".  Modules are looked up in the current folder.
'use strict';
const { createRequire } = require('module');
const load = createRequire(process.cwd() + '/');
const [client, url, first, last, socketPath, database] = process.argv.slice(2);
const FIRST = Number(first), LAST = Number(last);
const INSERT = 'INSERT IGNORE INTO blockchain (block, trx_in_block, op_in_trx, virtual_op,' +
    ' trx_id, timestamp, operation, account, payload) VALUES ?';

const readers = {
    '@hiveio/dhive': () => {
        const dhive = load('@hiveio/dhive');
        const api = new dhive.Client([url], { timeout: 60000 });
        return (number) => api.call('condenser_api', 'get_block', [number]);
    },
    dsteem: () => {
        const api = new (load('dsteem').Client)(url, { timeout: 60000 });
        return (number) => api.database.getBlock(number);
    },
    steem: () => {
        const steem = load('steem');
        steem.api.setOptions({ url, transport: 'http', useAppbaseApi: true });
        return (number) => steem.api.getBlockAsync(number);
    },
};

function rowsOf(number, block) {
    const rows = [];
    block.transactions.forEach((trx, i) => trx.operations.forEach((op, j) => rows.push([
        number, i, j, 0, block.transaction_ids[i], block.timestamp.replace('T', ' '), op[0],
        null, JSON.stringify(op[1])])));
    return rows;
}

async function stream(store) {
    const { Hive } = load('@splinterlands/hive-interface');
    await new Promise((resolve) => {
        const hive = new Hive({
            rpc_nodes: [url], replay_batch_size: 10, logging_level: 0, irreversible: true,
            load_state: async () => ({ last_block: FIRST - 1 }), save_state: () => {},
        });
        hive.stream({
            on_block: async (number, block) => {
                if (number <= LAST)
                    await store(number, block);
                if (number === LAST)
                    resolve();
            },
        });
    });
}

async function main() {
    const connection = await load('mysql2/promise').createConnection(
        { socketPath, user: 'root', database, timezone: 'Z' });
    let blocks = 0, rows = 0;
    const store = async (number, block) => {
        const values = rowsOf(number, block);
        if (values.length > 0)
            await connection.query(INSERT, [values]);
        blocks++;
        rows += values.length;
    };
    const start = process.hrtime.bigint();
    if (client === '@splinterlands/hive-interface') {
        await stream(store);
    } else {
        const get = readers[client]();
        for (let number = FIRST; number <= LAST; number++)
            await store(number, await get(number));
    }
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(`blocks ${blocks} rows ${rows} seconds ${seconds}`);
    process.exit(0);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
