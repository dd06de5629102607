"""How often this process answers: a question that was overheard costs no more than that."""

import threading
import time
from collections import deque

MOST_ANSWERS = 60
SECONDS = 10.0


class AnswerRate:
    """A window of time. Questions without an answer are not counted, and take nobody's turn."""

    def __init__(self) -> None:
        self._answered: deque[float] = deque()
        self._lock = threading.Lock()

    def may_answer(self) -> bool:
        """Whether one more answer is within the limit; if so, it is counted."""
        now = time.monotonic()
        with self._lock:
            while self._answered and self._answered[0] <= now - SECONDS:
                self._answered.popleft()
            if len(self._answered) >= MOST_ANSWERS:
                return False
            self._answered.append(now)
            return True
