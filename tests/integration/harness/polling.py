"""Waiting for what tells nobody that it has come: a table, a page, a server that starts.

The one place that sleeps in order to wait; consumer.py, troubled.py and the commands of
signing_command.py sleep where the bots and commands work and pace themselves. Whatever does tell, a log
line, a request to a node, the end of a process, is waited for where it happens.
"""

import time


def poll(ask, predicate=bool, *, otherwise, timeout=20, not_yet=(), is_lost=lambda: False,
         interval=0.02):
    """The first answer for which the predicate holds.

    Exceptions of the types `not_yet` are answers that do not do. When the time is over, or
    is_lost() says that waiting is in vain, an AssertionError says otherwise(the last answer).
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            answer = ask()
            if predicate(answer):
                return answer
        except not_yet as error:
            answer = error
        if time.monotonic() > deadline or is_lost():
            raise AssertionError(otherwise(answer))
        time.sleep(interval)
