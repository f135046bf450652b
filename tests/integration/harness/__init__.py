"""The harness of the integration tests: an independent reading of the Steem protocol.

Nothing here looks at the C code. The truth is the contract (tables, command line) and what
real nodes answer. Each module says in its first lines what it is for. Begin with `world`, which
holds all that one test needs: `chain` (blocks that a node can serve), `node` (a simulated node, also
a command: python3 -m harness.node), `servers` (a private database server), `reader` (the program
under test as a process) and `auditor` (tables against chain, row for row).
"""
