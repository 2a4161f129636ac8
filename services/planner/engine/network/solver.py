"""HiGHS without a word on the screen."""

import highspy


class NotSolvedError(ArithmeticError):
    """The solver ended without an optimum; the message is its status."""


class Solver(highspy.Highs):  # type: ignore[misc]
    """The solver, silent from the start: enabling callbacks, which comes first, prints a banner otherwise."""

    def enableCallbacks(self) -> None:  # noqa: N802 - the solver's own name
        """Be silent, then as the solver does."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()

    def take(self, model: highspy.HighsLp) -> None:
        """Load a model; raises NotSolvedError where the solver refuses it."""
        if self.passModel(model) == highspy.HighsStatus.kError:
            raise NotSolvedError("refused")
