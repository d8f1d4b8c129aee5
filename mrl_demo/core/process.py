"""What a process of ours sets before it imports the libraries that read it."""

from __future__ import annotations

import os
import warnings


def prepare_process() -> None:
    """Set the variables that libraries read when they are imported, and silence what is theirs to mend.

    To be called first thing by every entry point. What the environment sets already stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # Waiting threads sleep instead of spinning.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Nobody phones home.
    # peft 0.21 still reads a property that transformers 5.23 has renamed.
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
