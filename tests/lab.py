"""A real JupyterLab, Notebook 7 or Voila on loopback, driven in headless Chromium.

The server has folders of its own for settings and data, and dies with this process. The browser may reach nothing but
this machine: a page that asks for more fails its test.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions",
    "--force-color-profile=srgb", "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]  # fmt: skip
_SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
_READY = """async () => {
    const app = window.jupyterapp; await app.started; await app.restored;
    for (let i = 0; i < 600 && !app.shell.currentWidget?.content?.model; i++) await new Promise(r => setTimeout(r, 50));
    const nb = window.__nb = app.shell.currentWidget;
    await nb.context.ready; await nb.revealed; await nb.sessionContext.ready;
    const kernel = nb.sessionContext.session.kernel; await kernel.info;
    for (let i = 0; i < 600 && kernel.status !== 'idle'; i++) await new Promise(r => setTimeout(r, 50));
}"""
_EVALUATE = """async (expression) => {
    const kernel = window.__nb.sessionContext.session.kernel;
    const user_expressions = {v: expression};
    const asked = kernel.requestExecute({code: '', silent: true, store_history: false, user_expressions});
    const value = (await asked.done).content.user_expressions.v;
    if (value.status === 'error') throw new Error(value.ename + ': ' + value.evalue);
    return value.data['text/plain'];
}"""
_ADD = """async (code) => {
    const notebook = window.__nb.content, {commands} = window.jupyterapp;
    notebook.activeCellIndex = notebook.widgets.length - 1;
    await commands.execute('notebook:insert-cell-below');
    notebook.activeCell.model.sharedModel.setSource(code);
    await commands.execute('notebook:run-cell');
}"""
_ERRORS = """() => window.__nb.content.widgets.flatMap(cell => cell.outputArea
    ? [...Array(cell.outputArea.model.length).keys()].map(i => cell.outputArea.model.get(i))
        .filter(output => output.type === 'error').map(output => JSON.stringify(output.toJSON())) : [])"""


def find_browser() -> str:
    """Return the browser's path; without one, these tests fail."""
    named = os.environ.get("FASTDUP_NB_BROWSER") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not named:
        raise RuntimeError("These tests need a browser: install Chromium, or name one in $FASTDUP_NB_BROWSER.")
    return named


@contextlib.contextmanager
def serve_lab(root: Path, app: str = "lab") -> Iterator[str]:
    """Yield the address of a JupyterLab (or another *app*: "notebook", "voila") that shows *root*."""
    private = Path(tempfile.mkdtemp(prefix="lab_"))
    for name, values in _SETTINGS.items():
        path = private / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(private / "server.log", "wb") as log:
        command = _voila_command(root, port) if app == "voila" else _command(root, port, app)
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=_environment(private), start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it starts before any thread of ours
        )  # fmt: skip
        try:
            status = "voila/static/voila.js" if app == "voila" else "api/status"
            _wait_for(f"http://127.0.0.1:{port}/{status}", server, private / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
    shutil.rmtree(private, ignore_errors=True)


class Notebook:
    """A notebook opened in the browser, in JupyterLab (*where* is "doc/tree") or in Notebook 7 ("notebooks").

    ``asked`` are the addresses it asked for beyond this machine, ``problems`` the errors in the page; *script* runs
    before all others.
    """

    def __init__(self, context: object, address: str, name: str, *, where: str = "doc/tree", script: str = "") -> None:
        self.page = context.new_page()
        self.page.add_init_script(script)
        self.asked, self.problems = watch(self.page, address)
        self.page.goto(f"{address}/{where}/{name}?reset", wait_until="domcontentloaded")
        self.page.wait_for_function("() => window.jupyterapp", timeout=90_000)
        self.page.evaluate(_READY)

    def run_all(self) -> Notebook:
        """Run all cells; an error in one of them is raised."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.raise_errors()
        self.page.wait_for_function("() => [...document.querySelectorAll('.jp-OutputArea img')].every(i => i.complete)")
        return self

    def run(self, code: str) -> Notebook:
        """Run code in a new cell at the end."""
        self.page.evaluate(_ADD, code)
        self.raise_errors()
        return self

    def reload(self) -> Notebook:
        """Save the notebook and load the page again; the kernel lives on."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.reload(wait_until="domcontentloaded")
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate(_READY)
        return self

    def raise_errors(self) -> None:
        """Raise the first error that a cell shows."""
        errors = self.page.evaluate(_ERRORS)
        if errors:
            raise RuntimeError(errors[0][:3000])

    def kernel_eval(self, expression: str) -> object:
        """Return the value of a Python expression in the kernel, without a cell or an output."""
        return ast.literal_eval(self.page.evaluate(_EVALUATE, expression))

    def wait_for_kernel(self, expression: str, value: object) -> None:
        """Wait until a Python expression in the kernel has a value; at most ten seconds."""
        until = time.monotonic() + 10
        while (found := self.kernel_eval(expression)) != value:
            if time.monotonic() > until:
                raise AssertionError(f"{expression} is {found!r}, not {value!r}")
            time.sleep(0.05)

    def set_theme(self, name: str) -> None:
        """Change to "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate(f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {name!r}}})")
        light = "false" if "Dark" in name else "true"
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light && !document.getElementById('jupyterlab-splash')",
            arg=light,
        )

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        self.page.evaluate("() => window.__nb.sessionContext.shutdown()")
        self.page.close()


def watch(page: object, own: str) -> tuple[list[str], list[str]]:
    """Return two lists that fill with the addresses a page asks for beyond *own*, and with the errors in it."""
    asked: list[str] = []
    problems: list[str] = []
    known = (own, own.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(known) or asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    return asked, problems


def find_barriers(page: object, *selectors: str) -> list[str]:
    """Return what axe-core finds wrong in the parts of a page that are in view: the rule, the element and why."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("(include) => axe.run({include}, {resultTypes: ['violations']})", list(selectors))
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@contextlib.contextmanager
def open_browser(width: int = 1200, height: int = 1000) -> Iterator[object]:
    """Yield a browser context."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=_BROWSER_OPTIONS)
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(60_000)
        yield context
        browser.close()


def _command(root: Path, port: int, app: str) -> list[str]:
    return [
        sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.news_url=None", "--ServerApp.terminals_enabled=False",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--KernelSpecManager.ensure_native_kernel=True",
    ]  # fmt: skip


def _voila_command(root: Path, port: int) -> list[str]:
    return [
        sys.executable, "-m", "voila", str(root), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}",
        "--show_tracebacks=True",
    ]  # fmt: skip


def _environment(private: Path) -> dict[str, str]:
    names = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", **{key: str(private / name) for key, name in names.items()}}


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):  # noqa: S310
            return
        time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-3000:]}")
