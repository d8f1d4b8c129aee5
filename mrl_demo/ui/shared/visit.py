"""What one visitor has brought with them: theirs alone, under names that nobody else knows, gone with the visit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from mrl_demo.core.secret_names import shown_name
from mrl_demo.lab.protocol import LabProtocol


@dataclass(frozen=True)
class OwnCollection:
    """A visitor's collection: its secret name, what they call it, how much of it there is, and what they uploaded.

    `shared` is the collection of everybody that it puts the visitor's own questions to, "" if the documents are theirs.
    """

    name: str
    label: str
    n_documents: int
    files: tuple[str, ...] = ()
    shared: str = ""


@dataclass(frozen=True)
class OwnArm:
    """A visitor's method by its secret name; `corpus` is the collection that its vectors belong to, "" for a model."""

    name: str
    label: str
    description: str
    corpus: str = ""

    def serves(self, corpus: str) -> bool:
        """Whether it can search that collection."""
        return self.corpus in {"", corpus}


class Visit:
    """All that one visitor has here. Several of their events may change it at once, so it is one object of the session.

    Gradio gives each session a copy of the empty visit that the page is built with.

    >>> visit = Visit()
    >>> visit.keep(OwnCollection("own-1", "Bees", 7))
    >>> visit.documents.label, Visit().documents
    ('Bees', None)
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._collections: dict[str, OwnCollection] = {}
        self._arms: dict[str, OwnArm] = {}

    def __deepcopy__(self, memo: object) -> Visit:
        return Visit()

    @property
    def collections(self) -> tuple[OwnCollection, ...]:
        """Collections of this visit, that with the visitor's own documents first."""
        with self._lock:
            return tuple(sorted(self._collections.values(), key=lambda each: bool(each.shared)))

    @property
    def documents(self) -> OwnCollection | None:
        """The collection of the visitor's own documents, None if they brought none."""
        return next((each for each in self.collections if not each.shared), None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not self.collections and not self.arms

    @property
    def arms(self) -> tuple[OwnArm, ...]:
        """Methods of this visit, in the order they came."""
        with self._lock:
            return tuple(self._arms.values())

    @property
    def method_names(self) -> frozenset[str]:
        """What the methods of this visit are called where their secret names are not shown."""
        return frozenset(shown_name(arm.name) for arm in self.arms)

    def named(self, name: str) -> OwnCollection | None:
        """The collection of that name."""
        return next((each for each in self.collections if each.name == name), None)

    def asking(self, corpus: str) -> OwnCollection | None:
        """The collection that takes the visitor's questions to `corpus`: itself if it is theirs."""
        return self.named(corpus) or next((each for each in self.collections if each.shared == corpus), None)

    def asking_or(self, corpus: str, make: Callable[[], OwnCollection]) -> OwnCollection:
        """As `asking`; if there is none, the one that `make` makes, kept."""
        with self._lock:
            asking = self.asking(corpus)
            if asking is None:
                asking = make()
                self.keep(asking)
            return asking

    def keep(self, collection: OwnCollection) -> None:
        """Add a collection."""
        with self._lock:
            self._collections[collection.name] = collection

    def keep_arms(self, arms: Iterable[OwnArm]) -> None:
        """Add methods."""
        with self._lock:
            self._arms |= {arm.name: arm for arm in arms}

    def remove_arm(self, lab: LabProtocol, name: str) -> None:
        """Forget one method."""
        with self._lock:
            gone = self._arms.pop(name, None)
        if gone is not None:
            lab.remove_private_arm(name)

    def remove(self, lab: LabProtocol, name: str) -> None:
        """Forget one collection, and all that was made of it: vectors that were brought for it go too."""
        for arm in self.arms:
            if arm.corpus == name:
                self.remove_arm(lab, arm.name)
        with self._lock:
            gone = self._collections.pop(name, None)
        if gone is not None:
            lab.remove_private(name)
            discard_uploads(gone.files)

    def end(self, lab: LabProtocol) -> None:
        """Forget everything."""
        for arm in self.arms:
            self.remove_arm(lab, arm.name)
        for each in self.collections:
            self.remove(lab, each.name)


def visit_state(lab: LabProtocol) -> gr.State:
    """The component that holds a visitor's visit, and ends it when the session is over."""
    return gr.State(Visit(), delete_callback=lambda visit: visit.end(lab) if visit else None)


def discard_uploads(files: Sequence[str]) -> None:
    """Remove what a visitor uploaded, as far as it lies where uploads are kept."""
    home = Path(get_upload_folder()).resolve()
    for path in (Path(file).resolve() for file in files):
        if path.is_relative_to(home) and path.is_file():
            path.unlink(missing_ok=True)
