"""A kernel's progress bars as whole lines, so that parallel chapters stay readable."""

import re
import time

SECONDS_BETWEEN_UPDATES = 8.0
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def say(chapter: str, text: str) -> None:
    """Print one line about a chapter (or the site), in one write."""
    print(f"{chapter:<18}| {text}\n", end="", flush=True)


class Lines:
    """A text stream: complete lines pass, redrawn ones (ended by a return) at a slow pace."""

    def __init__(self, chapter: str) -> None:
        self.chapter = chapter
        self._pending = ""
        self._redrawn = False
        self._shown_at = time.monotonic()

    def write(self, text: str) -> int:
        for piece in re.split(r"(\r|\n)", _TERMINAL_CODES.sub("", text)):
            if piece in ("\r", "\n"):
                self._end_of_line()
                self._redrawn = piece == "\r"
            else:
                self._pending += piece
        if self._redrawn:
            self._end_of_line()
        return len(text)

    def flush(self) -> None:
        """Lines are printed when they are complete."""

    def _end_of_line(self) -> None:
        line, self._pending = self._pending.strip(), ""
        now = time.monotonic()
        if not line or (self._redrawn and now - self._shown_at < SECONDS_BETWEEN_UPDATES):
            return
        self._shown_at = now
        say(self.chapter, line)
