"""The page put together: header, tabs, footer, and how it is served."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mrl_demo.api.snippets import HERE
from mrl_demo.core.config import LOOPBACK_NAMES, Settings
from mrl_demo.core.errors import LabError
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.maps.page import MAP_STYLE
from mrl_demo.ui.address.kinds import OneOf
from mrl_demo.ui.api.agents import serve_agents
from mrl_demo.ui.api.endpoints import ApiDesk, add_endpoints
from mrl_demo.ui.api.names import RefuseWrongNames
from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.compare.frames import ServeFrames
from mrl_demo.ui.components.page import footer, header
from mrl_demo.ui.curves import tab as curves
from mrl_demo.ui.data import tab as own_data
from mrl_demo.ui.decide import tab as decide
from mrl_demo.ui.funnel import tab as funnel
from mrl_demo.ui.head import TITLE, OwnHead
from mrl_demo.ui.ids import Id
from mrl_demo.ui.learn import tab as learn
from mrl_demo.ui.listening import listening_problem, patient_with_gradio
from mrl_demo.ui.map import tab as collection_map
from mrl_demo.ui.share.desk import CardDesk
from mrl_demo.ui.share.menu import share_menu
from mrl_demo.ui.share.serving import ServeCards
from mrl_demo.ui.shared.address_bar import Parameter
from mrl_demo.ui.shared.crowding import LimitCrowding, count_waiting
from mrl_demo.ui.shared.doors import GuardDoors
from mrl_demo.ui.shared.fairness import FairTurns
from mrl_demo.ui.shared.health import PageMetrics, ServeHealth
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.links import Page, TabName
from mrl_demo.ui.shared.listeners import CountListeners, waiting_sessions
from mrl_demo.ui.shared.own_menus import OwnMenus
from mrl_demo.ui.shared.password import AskPassword
from mrl_demo.ui.shared.queues import MOST_BOXES, MOST_SESSIONS, MOST_WAITING
from mrl_demo.ui.shared.refusing import RefusingBlocks
from mrl_demo.ui.shared.scripts import STATIC, read_script, read_scripts
from mrl_demo.ui.shared.served import wire_served
from mrl_demo.ui.shared.sessions import keep_lean_states, limit_boxes
from mrl_demo.ui.shared.uploads import LimitUploads
from mrl_demo.ui.shared.visit import visit_state
from mrl_demo.ui.shared.widgets import static_html
from mrl_demo.ui.theme import theme
from mrl_demo.ui.train import tab as train

#: Bytes of a request beside the file that it brings.
_AROUND_A_FILE = 10_000_000
#: Uploads are looked through every hour, and go after a day.
_DELETE_CACHE = (3_600, 86_400)
#: With this sign Gradio begins to announce its MCP server.
_MCP_NEWS = "\N{HAMMER}"


def build_app(lab: LabProtocol, corpus: str | None = None, arm: str | None = None) -> gr.Blocks:
    """Build the page over a lab, its first results already in it.

    It opens on `corpus` (the lab's first if None), with the first arm and `arm` (the best contender if None).
    """
    with RefusingBlocks(title=TITLE, analytics_enabled=False, fill_width=False, delete_cache=_DELETE_CACHE) as blocks:
        static_html(header(), Id.PAGE_HEADER, read_script("keyboard.js"))
        static_html(share_menu(), Id.SHARE, read_script("share.js"))
        most, turns = 60.0 * lab.settings.task_minutes, FairTurns()
        desk = ApiDesk(
            lab,
            HeavyLine("builds", most_seconds=most, turns=turns),
            HeavyLine("measurements", most_seconds=most, turns=turns),
        )
        add_endpoints(desk)  # First: their names are theirs, whatever functions of tabs are called.
        visit = visit_state(lab)
        with gr.Tabs(selected=TabName.COMPARE, elem_id=Id.PAGE_TABS) as tabs:
            first = corpus or lab.corpora()[0].name
            page = Page(lab, first, blocks, tabs, desk.builds, desk.measurements, visit, arm)
            door = compare.build(page)
            learn.build(page, door)
            redraw_curves = curves.build(page, door)
            decide.build(page)
            funnel.build(page)
            collection_map.build(page, door)
            own_data.build(page, door, redraw_curves)
            train.build(page, door)
        wire_served(OwnMenus.of(lab, first, blocks), blocks, visit)
        tab_parameter = Parameter("tab", OneOf(lambda: list(TabName)), tabs, pushes=True, is_shared=True)
        page.address.add("page", [tab_parameter], update=page.open)
        page.address.wire()
        static_html(
            footer(),
            Id.PAGE_FOOTER,
            f"{read_scripts('glossary.js', 'tables.js')}\n{{\n{read_script('code.js', placeholder=HERE)}\n}}",
        )
    blocks.metrics = PageMetrics((desk.builds, desk.measurements))
    return limit_boxes(blocks.queue(max_size=MOST_WAITING), MOST_BOXES)


def launch_options(
    settings: Settings,
    root_path: str = "",
    desk: CardDesk | None = None,
    metrics: PageMetrics | None = None,
    *,
    is_known: Callable[[str], bool] = lambda _session: True,
    waiting: Callable[[str], int] = lambda _address: 0,
) -> dict[str, Any]:
    """Arguments for `launch` that make the page look right and stay within this server; `desk` has the lab of links.

    What stands before Gradio follows from the settings: whose word on a visitor's address is taken, hosts, password,
    uploads. `is_known` tells whether events wait for a session, `waiting` how many do for an address.
    """
    most_mb = max(settings.upload_mb, settings.upload_vectors_mb)
    middleware = [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=trusted_proxies(settings.proxies)),
        Middleware(
            GuardDoors, hosts=trusted_hosts(settings, root_path), most_bytes=most_mb * 1_000_000 + _AROUND_A_FILE
        ),
        Middleware(ServeHealth, metrics=metrics or PageMetrics()),
        *([Middleware(AskPassword, password=settings.password)] if settings.password else []),
        Middleware(LimitCrowding, waiting=waiting),
        Middleware(
            LimitUploads,
            are_taken=settings.uploads_enabled or settings.training_enabled,
            folder=Path(get_upload_folder()) if "GRADIO_TEMP_DIR" in os.environ else None,  # Else it is not ours alone.
            most_bytes=settings.upload_disk_mb * 1_000_000,
        ),
        Middleware(CountListeners, is_known=is_known),
        Middleware(RefuseWrongNames),
        Middleware(OwnHead, root_path=root_path, has_cards=desk is not None),
    ]
    if desk:
        middleware.append(Middleware(ServeCards, desk=desk, root_path=root_path))
        middleware.append(Middleware(ServeFrames, lab=desk.lab))
    return {
        "theme": theme(),
        "css_paths": [STATIC / "style.css", MAP_STYLE],
        "favicon_path": STATIC / "favicon.png",
        "head": '<meta name="color-scheme" content="light dark">',
        "footer_links": [],
        "allowed_paths": [],
        "ssr_mode": False,
        "show_error": False,
        "max_file_size": f"{most_mb}mb",
        "mcp_server": True,
        "state_session_capacity": MOST_SESSIONS,
        "run_history": False,
        "app_kwargs": {"middleware": middleware},
    }


def trusted_hosts(settings: Settings, root_path: str = "") -> frozenset[str]:
    """Names under which the page may be asked for: this machine's alone if it is served for this machine alone.

    `settings.hosts` are allowed too; empty, which allows any, for a page that is reached from outside and names none.
    """
    named = frozenset(name.strip().lower() for name in settings.hosts.split(",") if name.strip())
    is_local = settings.host in LOOPBACK_NAMES and not settings.share and not root_path
    return named | LOOPBACK_NAMES if is_local or named else frozenset()


def trusted_proxies(named: str) -> list[str]:
    """Addresses and networks of proxies that are believed on whom they ask for; raises `LabError` for what is none.

    >>> trusted_proxies("10.0.0.0/8, 172.17.0.1")
    ['10.0.0.0/8', '172.17.0.1']
    """
    proxies = [name.strip() for name in named.split(",") if name.strip()]
    for name in proxies:
        try:
            ip_network(name)
        except ValueError as error:
            raise LabError(f"MRL_PROXIES names {name!r}: give addresses or networks, as in 10.0.0.0/8.") from error
    return proxies


def launch(page: gr.Blocks, settings: Settings, desk: CardDesk | None = None) -> str:
    """Serve the page in the background, and the pictures of links if there is a `desk`; returns its address.

    Raises `LabError` if the port was taken meanwhile, or if the page does not answer for a minute.
    """
    root_path = settings.root_path or os.environ.get("GRADIO_ROOT_PATH", "")
    said = io.StringIO()  # Gradio announces its MCP server even if it is to be quiet.
    try:
        with redirect_stdout(said), patient_with_gradio():
            _, local, public = page.launch(
                server_name=settings.host,
                server_port=settings.port,
                share=settings.share,
                root_path=settings.root_path or None,  # None: what GRADIO_ROOT_PATH says.
                prevent_thread_lock=True,
                quiet=True,
                **launch_options(
                    settings,
                    root_path,
                    desk,
                    getattr(page, "metrics", None),
                    is_known=waiting_sessions(page),
                    waiting=count_waiting(page),
                ),
            )
    except OSError as error:
        raise listening_problem(settings.host, settings.port, error) from error
    serve_agents(page, settings.password)
    keep_lean_states(page)
    if settings.share and not public:
        print(without_public_link(local, said.getvalue()), flush=True)
    return public or local


def without_public_link(local: str, reason: str) -> str:
    """What the owner reads if `--share` gave no link: where the page is, and what Gradio said of it.

    >>> without_public_link("http://127.0.0.1:7860/", "* Could not create share link.")
    'Note: there is no public link, the page is at http://127.0.0.1:7860/ only. * Could not create share link.'
    """
    told = " ".join(reason.partition(_MCP_NEWS)[0].split()) or "Its tunnel needs a network."
    return f"Note: there is no public link, the page is at {local} only. {told}"
