"""A real JupyterLab, Notebook 7 or Voila on loopback, driven in headless Chromium.

The server has folders of its own for settings and data, and dies with this process. The browser may reach nothing but
this machine: a page that asks for more fails its test. Whatever is waited for has ``PATIENCE``, which only a machine
that stands still uses up; a kernel or a browser that died is told at once, and so is each test that would need it.
"""

from __future__ import annotations

import ast
import contextlib
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

PATIENCE = 300  # seconds
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
# A program of Python that the system kills when the process that started it is gone.
_MORTAL = """
import ctypes, runpy, signal, sys
getattr(ctypes.CDLL(None), "prctl", lambda *_: None)(1, signal.SIGKILL)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
_READY = """async () => {
    const until = async (isSo) => { while (!isSo()) await new Promise(r => setTimeout(r, 50)); };
    const app = window.jupyterapp; await app.started; await app.restored;
    await until(() => app.shell.currentWidget?.content?.model);
    const nb = window.__nb = app.shell.currentWidget;
    await nb.context.ready; await nb.revealed; await nb.sessionContext.ready;
    const kernel = nb.sessionContext.session.kernel;
    window.__kernel = () => kernel.status;
    kernel.statusChanged.connect((_, status) => {
        if (status === 'dead' || status === 'autorestarting') window.__gone = 'The kernel died.';
    });
    await kernel.info;
    await until(() => kernel.status === 'idle');
}"""
# A function that ends with an error where the kernel dies, or where it takes longer than any machine does.
_PATIENT = """async (arg) => {
    let look;
    const gone = new Promise((_, reject) => {
        const until = performance.now() + %d;
        look = setInterval(() => {
            if (window.__gone) reject(new Error(window.__gone));
            if (performance.now() > until) reject(new Error(`No answer; the kernel is ${window.__kernel?.()}.`));
        }, 100);
    });
    try {
        const found = await Promise.race([(%s)(arg), gone]);
        if (window.__gone) throw new Error(window.__gone);
        return found;
    } finally { clearInterval(look); }
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
    server, address = _start(root, app, private)
    try:
        yield address
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        shutil.rmtree(private, ignore_errors=True)


def _start(root: Path, app: str, private: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Return a server that answers, and its address."""
    told = ""
    for _ in range(3):  # a port that is free now may be another's when the server takes it
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = _voila_command(root, port) if app == "voila" else _command(root, port, app)
        with open(private / "server.log", "wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-c", _MORTAL, *command], stdout=log, stderr=log, env=_environment(private),
                start_new_session=True,
            )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        if _answers(f"{address}/{'voila/static/voila.js' if app == 'voila' else 'api/status'}", server):
            return server, address
        told = (private / "server.log").read_text(errors="replace")
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            break
    raise RuntimeError(f"The server did not start:\n{told[-3000:]}")


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
        self._begin()

    def _begin(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp")
        self.ask(_READY)

    def ask(self, script: str, arg: object = None, *, patience: int = PATIENCE) -> object:
        """Return what a function in the page gives, or promises; an error is raised where the kernel dies meanwhile."""
        return self.page.evaluate(_PATIENT % (1000 * patience, script), arg)

    def wait_for(self, condition: str, arg: object = None) -> None:
        """Wait until a function in the page gives what is true; an error is raised where the kernel dies meanwhile."""
        self.page.wait_for_function(
            f"(arg) => {{ if (window.__gone) throw new Error(window.__gone); return ({condition})(arg); }}", arg=arg
        )

    def run_all(self) -> Notebook:
        """Run all cells; an error in one of them is raised."""
        self.ask("() => window.jupyterapp.commands.execute('notebook:run-all-cells')", patience=6 * PATIENCE)
        self.raise_errors()
        self.wait_for("() => [...document.querySelectorAll('.jp-OutputArea img')].every(i => i.complete)")
        return self

    def run(self, code: str) -> Notebook:
        """Run code in a new cell at the end."""
        self.ask(_ADD, code, patience=6 * PATIENCE)
        self.raise_errors()
        return self

    def reload(self) -> Notebook:
        """Save the notebook and load the page again; the kernel lives on."""
        self.ask("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.reload(wait_until="domcontentloaded")
        self._begin()
        return self

    def raise_errors(self) -> None:
        """Raise the first error that a cell shows."""
        errors = self.page.evaluate(_ERRORS)
        if errors:
            raise RuntimeError(errors[0][:3000])

    def kernel_eval(self, expression: str) -> object:
        """Return the value of a Python expression in the kernel, without a cell or an output."""
        return ast.literal_eval(self.ask(_EVALUATE, expression))

    def wait_for_kernel(self, expression: str, value: object) -> None:
        """Wait until a Python expression in the kernel has a value."""
        until = time.monotonic() + PATIENCE
        while (found := self.kernel_eval(expression)) != value:
            if time.monotonic() > until:
                raise AssertionError(f"{expression} is {found!r}, not {value!r}")
            time.sleep(0.05)

    def set_theme(self, name: str) -> None:
        """Change to "JupyterLab Light" or "JupyterLab Dark"."""
        self.ask(f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{theme: {name!r}}})")
        light = "false" if "Dark" in name else "true"
        self.wait_for(
            "(light) => document.body.dataset.jpThemeLight === light && !document.getElementById('jupyterlab-splash')",
            light,
        )

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        self.ask("() => window.__nb.sessionContext.shutdown()")
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
        patience = 1000 * PATIENCE
        browser = playwright.chromium.launch(executable_path=find_browser(), args=_BROWSER_OPTIONS, timeout=patience)
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(patience)
        yield context
        browser.close()


def _command(root: Path, port: int, app: str) -> list[str]:
    return [
        "jupyter", app, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.news_url=None", "--ServerApp.terminals_enabled=False",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--KernelSpecManager.ensure_native_kernel=True", f"--MappingKernelManager.kernel_info_timeout={PATIENCE}",
    ]  # fmt: skip


def _voila_command(root: Path, port: int) -> list[str]:
    return [
        "voila", str(root), "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}",
        "--show_tracebacks=True", f"--VoilaExecutor.startup_timeout={PATIENCE}",
        f"--VoilaExecutor.iopub_timeout={PATIENCE}",
    ]  # fmt: skip


def _environment(private: Path) -> dict[str, str]:
    names = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", **{key: str(private / name) for key, name in names.items()}}


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=30):  # noqa: S310
            return True
        time.sleep(0.1)
    return False
