"""Builds the browser pages into the package: our own files, and the libraries that they need, fetched by npm.

``--tools`` fetches what the tests need of npm as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
STATIC = WEB.parent / "knockon/server/static"
OURS = ("graphiql.html", "graphiql.js", "docs.html", "docs.js", "token.js", "pages.css")
LIBRARIES = (
    "graphiql/graphiql.min.js", "graphiql/graphiql.min.css", "graphiql/LICENSE",
    "react/umd/react.production.min.js", "react/LICENSE",
    "react-dom/umd/react-dom.production.min.js", "react-dom/LICENSE",
    "swagger-ui-dist/swagger-ui-bundle.js", "swagger-ui-dist/swagger-ui.css", "swagger-ui-dist/LICENSE",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
)  # fmt: skip


def main() -> None:
    """Fetch, and lay out anew."""
    # the environment's own comes first; where it has none, the machine's
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    npm = shutil.which("npm", path=path)
    if npm is None:
        sys.exit("There is no npm here: pip install --group pages brings one.")
    less = [] if "--tools" in sys.argv else ["--omit=dev"]
    command = [npm, "ci", *less, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=WEB, env={**os.environ, "PATH": path}, check=True)  # noqa: S603 - npm is what the machine has by that name
    shutil.rmtree(STATIC, ignore_errors=True)
    STATIC.mkdir()
    for name in OURS:
        shutil.copyfile(WEB / name, STATIC / name)
    for library in LIBRARIES:
        package, _, rest = library.partition("/")
        name = f"{package}.LICENSE" if rest == "LICENSE" else Path(rest).name
        shutil.copyfile(WEB / "node_modules" / library, STATIC / name)


if __name__ == "__main__":
    main()
