"""What is wrong with the input, said so that its owner can put it right."""


class InputProblem(Exception):
    """The transcript cannot be read; the message says why and what to do about it."""
