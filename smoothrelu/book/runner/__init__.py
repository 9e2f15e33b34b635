"""The book's runner: a notebook's source, its parameters, an executed chapter, the site.

It knows notebooks/, book/ and data/manifest.json, and nothing of the theory.  Its door is
``python -m smoothrelu.book.runner``; jupytext, papermill and Jupyter Book are imported,
or started, only by the command that needs them.
"""
