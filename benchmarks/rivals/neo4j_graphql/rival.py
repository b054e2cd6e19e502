from contextlib import contextmanager


def equivalent(q):
    return None


@contextmanager
def serving(url, folder):
    yield ""
