"""What is wrong with a set-up, and how to mend it: ``headway doctor``.

``examination`` asks all checks; each is a file of its own. They look at the world and change nothing in it, but that
runs whose job is gone become ``lost``, as they do whenever somebody looks.
"""
