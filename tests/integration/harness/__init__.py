"""The harness of the integration tests: an independent reading of the Steem protocol.

Nothing here looks at the C code. The truth is the contract (tables, command line) and what
real nodes answer. Modules, bottom to top:

    jsontext    JSON text to tokens and to the canonical form of `payload`
    expect      a block's raw text to the rows that must stand in the tables
    operations  sample bodies of every operation type
    chain       chains that a node can serve
    faults      what a node can do wrong
    calls       what a node was asked
    node        a simulated node (also a command: python3 -m harness.node)
    servers     a private MariaDB or MySQL server
    auditor     tables against chain, row for row
    reader      the program under test as a process
    world       all of it together, for one test
"""
