"""What a process of ours sets before it imports the libraries that read it."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path

#: Niceness of work that nobody should notice.
_LOW_PRIORITY = 10


def prepare_process() -> None:
    """Set the variables that libraries read when they are imported, and silence what is theirs to mend.

    To be called first thing by every entry point. What the environment sets already stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # Waiting threads sleep instead of spinning.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Nobody phones home.
    # Gradio would make a table of its last 10,000 events after each of them.
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
    # Uploads and downloads lie in a folder of ours: Gradio's is shared with every other Gradio of the machine.
    user = os.getuid() if hasattr(os, "getuid") else ""
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / f"matryoshka-lab-{user}"))
    # peft 0.21 still reads a property that transformers 5.23 has renamed.
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)


def lower_thread_priority() -> None:
    """Let this thread, and the threads that it starts, give way to all others; does nothing if the system cannot.

    On Linux a niceness belongs to a thread; elsewhere it would slow down the whole process.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
