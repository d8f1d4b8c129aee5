"""Guess the length, and the blind test: one round after the other, the score kept for the visitor."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import gradio as gr
from gradio.blocks import Block
from markupsafe import Markup

from mrl_demo.core.types import TRAINED_DIMS
from mrl_demo.lab.lessons import LessonService
from mrl_demo.lessons.blind import LEFT, RIGHT, SAME, BlindScore
from mrl_demo.lessons.guess import GuessScore, play
from mrl_demo.ui.components.markup import NOTHING, html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn import view as learn_view
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.queues import SEARCH, STATE_SECONDS
from mrl_demo.ui.shared.scripts import read_script
from mrl_demo.ui.shared.widgets import live_html, static_html

_SEEDS = 2**31
_BLIND_DIM = 32


@dataclass(frozen=True)
class Game:
    """A visitor's game: its seed, the round it is in, whether that was answered, and both scores."""

    seed: int
    number: int = 0
    is_answered: bool = False
    score: GuessScore | BlindScore = field(default_factory=GuessScore)


class GuessState(NamedTuple):
    """The game so far and the length chosen now, None for none."""

    game: Game | None
    guess: int | None


@dataclass(frozen=True)
class GuessGame:
    """Guess the length over one collection and method; handlers never raise."""

    lessons: LessonService
    corpus: str
    question: gr.HTML
    choice: gr.Radio
    answer: gr.HTML
    game: gr.State

    @property
    def outputs(self) -> set[Block]:
        """What a handler fills."""
        return {self.question, self.choice, self.answer, self.game}

    def open(self, state: GuessState) -> Updates:
        """The first round; a game under way stays as it is."""
        return {} if state.game else self._round(Game(secrets.randbelow(_SEEDS)))

    def next(self, state: GuessState) -> Updates:
        """The next question."""
        game = state.game or Game(secrets.randbelow(_SEEDS))
        return self._round(replace(game, number=game.number + 1, is_answered=False))

    def guess(self, state: GuessState) -> Updates:
        """Count the guess, once a round, and tell the answer."""
        game, guess = state.game, state.guess
        if game is None or guess is None or game.is_answered or not isinstance(game.score, GuessScore):
            words = "Choose a length first." if game and not game.is_answered else "Press “Next question”."
            return {self.answer: notice(words, "hint")}
        score = game.score

        def count() -> Updates:
            """Score the guess."""
            asked = self.lessons.guess(self.corpus, self.lessons.arms[0], game.seed, game.number)
            after = play(score, asked, guess)
            said = learn_view.guess_answer(asked, guess, after)
            return {self.answer: said, self.game: replace(game, is_answered=True, score=after)}

        return guarded(count, lambda error: {self.answer: notice(str(error), "error")})

    def _round(self, game: Game) -> Updates:
        def ask() -> Updates:
            """Ask the next question."""
            asked = self.lessons.guess(self.corpus, self.lessons.arms[0], game.seed, game.number)
            lengths = gr.Radio(choices=list(asked.choices), value=None)
            return {
                self.question: learn_view.guess_question(asked),
                self.choice: lengths,
                self.answer: NOTHING,
                self.game: game,
            }

        return guarded(ask, lambda error: {self.answer: notice(str(error), "error")})


def lay_out_guess(lessons: LessonService, corpus: str, tab: gr.Tab) -> None:
    """Lay out the game here and connect it."""
    full = lessons.lab.full_dim([lessons.arms[0]])
    question = static_html(html(""), Id.LEARN_GUESS_QUESTION)
    lengths = [*(dim for dim in TRAINED_DIMS if dim < full), full]
    choice = gr.Radio(
        lengths, value=None, label="It stays among the first ten from this many numbers", elem_id=Id.LEARN_GUESS
    )
    with gr.Row(elem_classes="curves-row"):
        go = gr.Button("Guess", variant="primary", scale=0, min_width=120, elem_id=Id.LEARN_GUESS_GO)
        following = gr.Button("Next question", scale=0, min_width=150, elem_id=Id.LEARN_GUESS_NEXT)
    answer = live_html(NOTHING, Id.LEARN_GUESS_ANSWER)
    game = GuessGame(lessons, corpus, question, choice, answer, gr.State(None, time_to_live=STATE_SECONDS))
    form = Form(GuessState, {"game": game.game, "guess": choice})
    for event, handler in ((tab.select, game.open), (go.click, game.guess), (following.click, game.next)):
        event(form.bind(handler), form.inputs, game.outputs, **SEARCH)


class BlindState(NamedTuple):
    """The game so far and the length that is compared."""

    game: Game | None
    dim: int


@dataclass(frozen=True)
class BlindGame:
    """The blind test between the ordinary model and the best contender; handlers never raise."""

    lessons: LessonService
    corpus: str
    sides: gr.HTML
    said: gr.HTML
    game: gr.State

    @property
    def outputs(self) -> set[Block]:
        """What a handler fills."""
        return {self.sides, self.said, self.game}

    def open(self, state: BlindState) -> Updates:
        """The first round; a game under way stays as it is."""
        if state.game:
            return {}
        first = Game(secrets.randbelow(_SEEDS), score=BlindScore(self.lessons.arms[1]))
        return self._round(first, state.dim, NOTHING)

    def again(self, state: BlindState) -> Updates:
        """The round under way at another length."""
        return self._round(state.game, state.dim, NOTHING) if state.game else self.open(state)

    def left(self, state: BlindState) -> Updates:
        """The left side is better."""
        return self._pick(state, LEFT)

    def right(self, state: BlindState) -> Updates:
        """The right side is better."""
        return self._pick(state, RIGHT)

    def same(self, state: BlindState) -> Updates:
        """No side is better."""
        return self._pick(state, SAME)

    def _pick(self, state: BlindState, pick: str) -> Updates:
        """Count the pick, say which side was which, and go on."""
        game = state.game
        if game is None or not isinstance(game.score, BlindScore):
            return self.open(state)
        score = game.score

        def count() -> Updates:
            """Score the pick, and tell which side was which."""
            asked = self.lessons.blind(self.corpus, state.dim, game.seed, game.number).asked
            after = score.after(asked.arm_of(pick))
            labels = {arm.name: arm.label for arm in self.lessons.lab.arms()}
            words = html(
                '<p class="curve-words" role="status">That was: left {left}, right {right}. {score}</p>',
                left=labels[asked.left],
                right=labels[asked.right],
                score=after.sentence(labels[after.contender]),
            )
            return self._round(replace(game, number=game.number + 1, score=after), state.dim, words)

        return guarded(count, lambda error: {self.said: notice(str(error), "error")})

    def _round(self, game: Game, dim: int, said: Markup) -> Updates:
        def ask() -> Updates:
            """Show the next two rankings."""
            sides = self.lessons.blind(self.corpus, dim, game.seed, game.number)
            return {self.sides: learn_view.blind_sides(sides), self.said: said, self.game: game}

        return guarded(ask, lambda error: {self.said: notice(str(error), "error")})


def lay_out_blind(lessons: LessonService, corpus: str, tab: gr.Tab) -> None:
    """Lay out the test here and connect it; 1, 2 and 3 are its keys."""
    lengths = [dim for dim in TRAINED_DIMS if dim < lessons.lab.full_dim(list(lessons.arms))]
    dim = gr.Radio(lengths, value=_BLIND_DIM, label="Both sides cut to", elem_id=Id.LEARN_BLIND_AT)
    sides = static_html(html(""), Id.LEARN_BLIND_SIDES, read_script("blind.js"))
    with gr.Row(elem_classes="curves-row"):
        left = gr.Button("Left is better (1)", scale=0, min_width=160, elem_id=Id.LEARN_BLIND_LEFT)
        same = gr.Button("No difference (2)", scale=0, min_width=160, elem_id=Id.LEARN_BLIND_SAME)
        right = gr.Button("Right is better (3)", scale=0, min_width=160, elem_id=Id.LEARN_BLIND_RIGHT)
    said = live_html(NOTHING, Id.LEARN_BLIND_SCORE)
    game = BlindGame(lessons, corpus, sides, said, gr.State(None, time_to_live=STATE_SECONDS))
    form = Form(BlindState, {"game": game.game, "dim": dim})
    for event, handler in (
        (tab.select, game.open),
        (dim.input, game.again),
        (left.click, game.left),
        (same.click, game.same),
        (right.click, game.right),
    ):
        event(form.bind(handler), form.inputs, game.outputs, **SEARCH)
