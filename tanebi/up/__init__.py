"""The composition root: builds every part of the platform and owns the one task tree.

Read `platform` as the list of parts, from the ground up; what a part is given there is all it knows of the others. `run` is what
`tanebi up` does. Nothing imports this package but the command line and the tests of the docs.
"""
