"""Something that happens again and again, beside the test."""

import threading


class Ticker:
    """Calls a function every so many seconds, in a thread, until it is cancelled."""

    def __init__(self, interval_s, function):
        self._stop, self._interval_s, self._function = threading.Event(), interval_s, function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self._interval_s):
            self._function()

    def cancel(self):
        self._stop.set()
        self._thread.join()
