"""What an extension keeps of each page while the book is read: {page: what}.

Sphinx keeps it from build to build in the environment. A page that is
read anew, or is no longer there, is forgotten first; and what another
process has read of its share of the pages is taken over. Only a page's
own entry may change while that page is read.
"""


class ByPage:
    """A table by page, under a name of its own in the environment.

    ``FOUND = ByPage("found")`` stands in the extension, ``FOUND(env)`` is
    the table, and ``FOUND.connect(app)`` in ``setup`` keeps it true.
    """

    def __init__(self, name):
        self.name = name

    def __call__(self, env):
        if not hasattr(env, self.name):
            setattr(env, self.name, {})
        return getattr(env, self.name)

    def connect(self, app):
        app.connect("env-purge-doc", self.forget)
        app.connect("env-merge-info", self.merge)

    def forget(self, app, env, docname):
        self(env).pop(docname, None)

    def merge(self, app, env, docnames, other):
        theirs = self(other)
        ours = {name: theirs[name] for name in docnames if name in theirs}
        self(env).update(ours)
