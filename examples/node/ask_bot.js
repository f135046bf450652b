#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A bot that answers comments which begin with "!ask", from a queue of steem-reader.
//
// To make it yours, write another answer(). The rest takes deliveries from the queue and gives the
// answers to the outbox, so that every question is answered, once, whatever crashes on the way;
// doc/consumers.md says why it is as it is. Start as many of these as you like, on as many servers.
//
// Needs mysql2: npm ci --omit=peer. Settings, by environment:
//
//     AUTHOR            the account that answers (must be set)
//     QUEUE             the queue to serve: "ask"
//     DB_HOST, DB_PORT  the database: 127.0.0.1 and 3306
//     DB_SOCKET         its Unix socket, in place of both
//     DB_USER           steem_consumer
//     DB_PASSWORD_FILE  a file that holds the password: none
//     DB_NAME           steem
//     LEASE_S           for how many seconds a delivery is ours before we renew it: 60

'use strict';

const fs = require('node:fs');
const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const mysql = require('mysql2/promise');

const { env } = process;
const AUTHOR = env.AUTHOR || '';
const QUEUE = env.QUEUE || 'ask';
const LEASE_S = Number(env.LEASE_S || 60);
const WORKER = `${os.hostname()}/${process.pid}`;
const LONGEST_WORK_S = 600; // after that answer() hangs
const POLL_MS = 500; // between two looks at an empty queue, more or less

// Errors of the database, by number.
const LEASE_LOST = 31001; // the token is no longer good: somebody else has it, or it has ended
const REFUSED = new Set([1048, 1366, 1406, 31003]); // such an answer to such a thing never gets in
// Deadlocks, servers that stop or cannot write now; a connection that is lost, or not to be had.
const PASSING = new Set([1020, 1040, 1047, 1053, 1180, 1205, 1213, 1290, 1836, 1927]);
// Login, rights, a table or procedure that is away: mistakes, but once all has worked somebody cures them.
const CURED = new Set([1044, 1045, 1130, 1142, 1146, 1305, 1370, 1449, 1820, 1862, 3118, 3955, 4150, 4151, 31004]);
const LOST = /^(E[A-Z]+|PROTOCOL_\w+)$/;
const willPass = (error) => PASSING.has(error.errno)
    || (!error.sqlState && (error.fatal || LOST.test(error.code)));

const stopping = new AbortController();

// What answer() throws where another attempt would end the same way.
class Hopeless extends Error {}

// The text of the answer, or null for none. It may take its time, and it may throw.
//
// No transaction is open while it runs. It may run twice for one delivery, after a crash: what it
// does elsewhere is to be harmless the second time; delivery_id stays the same. Give each of its
// requests a time-out.
async function answer(delivery) {
    const comment = JSON.parse(delivery.payload);
    if (delivery.operation !== 'comment') {
        throw new Hopeless(`a ${delivery.operation} cannot be answered`);
    }
    if (comment.author === AUTHOR) {
        return null; // two bots that answer each other would never end
    }
    return `Hello @${comment.author}, this is my answer to everything: 42.`;
}

// Sleep, but not on when we are to stop.
async function pause(ms) {
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
}

const readPassword = () => (env.DB_PASSWORD_FILE
    ? fs.readFileSync(env.DB_PASSWORD_FILE, 'utf8').replace(/\n$/, '') : '');

// One connection, made anew where it was lost.
class Database {
    connection = null;

    password = readPassword(); // a file that cannot be read ends the bot at its start only

    hasWorked = false;

    async connect() {
        const connection = await mysql.createConnection({
            ...(env.DB_SOCKET ? { socketPath: env.DB_SOCKET }
                : { host: env.DB_HOST || '127.0.0.1', port: Number(env.DB_PORT || 3306) }),
            user: env.DB_USER || 'steem_consumer',
            password: this.hasWorked ? readPassword() : this.password,
            database: env.DB_NAME || 'steem',
            charset: 'utf8mb4',
            dateStrings: true,
            connectTimeout: 10000,
        });
        connection.on('error', () => {}); // the next statement says it, too
        this.connection = connection;
        await this.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    }

    async query(sql, values) {
        return (await this.connection.query({ sql, values, timeout: 60000 }))[0];
    }

    // All of these calls in one transaction; the rows of the last one.
    //
    // Each is a procedure and its arguments. (queue_claim makes transactions of its own.) After an
    // error all is rolled back; where the error will pass, all is done again. Where COMMIT did work
    // and only its reply was lost, the calls find the delivery ended by ourselves: a second
    // queue_done changes nothing, and reply() says LEASE_LOST.
    async run(...calls) {
        for (let backoffMs = 50; ; backoffMs = Math.min(2 * backoffMs, 10000)) {
            try {
                if (!this.connection) {
                    await this.connect();
                }
                await this.query('START TRANSACTION');
                let result;
                for (const [procedure, ...values] of calls) {
                    const places = values.map(() => '?').join(', ');
                    result = await this.query(`CALL ${procedure}(${places})`, values);
                }
                await this.query('COMMIT');
                this.hasWorked = true;
                return Array.isArray(result) ? result[0] : [];
            } catch (error) {
                await this.undo(error);
                if (stopping.signal.aborted
                    || !(willPass(error) || (this.hasWorked && CURED.has(error.errno)))) {
                    throw error;
                }
                console.error(`database: ${error.message}; trying again`);
            }
            await pause((0.5 + Math.random() / 2) * backoffMs);
        }
    }

    // A statement that was not answered may still run: only the end of its connection ends it.
    async undo(error) {
        try {
            if (!error.sqlState) {
                throw error;
            }
            await this.query('ROLLBACK');
        } catch {
            this.connection?.destroy();
            this.connection = null;
        }
    }
}

// What answer() returns or throws, as [text, error]; until then the delivery stays ours.
async function work(database, delivery) {
    const outcome = Promise.resolve(delivery).then(bot.answer)
        .then((text) => [text, null], (error) => [null, error]);
    const begun = performance.now();
    for (;;) {
        const timer = new AbortController();
        const done = await Promise.race([
            outcome, sleep((LEASE_S * 1000) / 3, null, { signal: timer.signal }).catch(() => null),
        ]);
        timer.abort();
        if (done) {
            return done;
        }
        if (performance.now() - begun > LONGEST_WORK_S * 1000) {
            // What hangs cannot be ended, a process can. Its lease runs out, then it comes again.
            console.error(`${delivery.delivery_id}: no answer in ${LONGEST_WORK_S} s`);
            process.exit(75);
        }
        await database.run(['queue_renew', delivery.delivery_id, delivery.token, LEASE_S]);
    }
}

// Answer one delivery, and say so in the transaction that puts the answer into the outbox.
async function handle(database, delivery) {
    const held = [delivery.delivery_id, delivery.token];
    const [text, error] = await work(database, delivery);
    if (error instanceof Hopeless) {
        await database.run(['queue_fail', ...held, error.message]);
    } else if (error) {
        // Again after a pause that grows; after queues.max_attempts attempts it has failed.
        await database.run(['queue_retry', ...held, null, String(error)]);
    } else if (text === null) {
        await database.run(['queue_done', ...held]);
    } else {
        try {
            await database.run(
                ['reply', ...held, AUTHOR, null, text, null], ['queue_done', ...held]);
        } catch (refused) {
            if (!REFUSED.has(refused.errno)) {
                throw refused;
            }
            await database.run(['queue_fail', ...held, refused.message]);
        }
    }
}

// Claim, handle, claim, until we are to stop.
async function serve(database) {
    while (!stopping.signal.aborted) {
        const deliveries = await database.run(['queue_claim', QUEUE, WORKER, 1, LEASE_S]);
        for (const delivery of deliveries) {
            try {
                await handle(database, delivery);
            } catch (error) {
                if (error.errno !== LEASE_LOST) {
                    throw error;
                }
                // All of it is rolled back, and the delivery is no longer ours to care for.
                console.error(`${delivery.delivery_id}: ${error.message}`);
            }
        }
        if (!deliveries.length) {
            await pause((0.5 + Math.random()) * POLL_MS);
        }
    }
}

async function main() {
    if (!AUTHOR) {
        throw new Error('AUTHOR is not set');
    }
    process.on('SIGTERM', () => stopping.abort());
    process.on('SIGINT', () => stopping.abort());
    const database = new Database();
    try {
        await serve(database);
    } catch (error) {
        if (!stopping.signal.aborted) {
            throw error;
        }
        // What was in our hands comes back when its lease runs out.
        console.error(`database: ${error.message}; stopped`);
    }
    process.exit(0); // what is left of a lost connection would keep us here for a minute
}

const bot = { answer, main, Hopeless };
module.exports = bot;

if (require.main === module) {
    main().catch((error) => {
        console.error(`ask_bot: ${error.message}`);
        process.exit(1);
    });
}
