"""How `serve` brings stream and page together: the stream is followed here, the page beside it."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.cli.live import follow
from can_train.cli.options import roots_of
from can_train.cli.sources import STDIN, Source, source_of, tell
from can_train.cli.trained import detector_path
from can_train.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from can_train.detectors.frame_scorer import FrameScorer
    from can_train.serving.access import Access
    from can_train.serving.address import PageAddress
    from can_train.serving.app import Offer
    from can_train.serving.feed import LiveFeed

_LOOK_S: Final = 0.2
"""How soon the end is noticed."""


def serve(args: argparse.Namespace) -> int:
    """Serves until the user stops it; gives the exit code.

    Raises:
        PreflightError: No such run, the port is taken, or the bus can't be opened.
        DataError: The recording can't be read, or can't be calibrated on.
        ArtifactError: The detector is damaged.
    """
    from can_train.serving.address import listening, new_token, token_of

    token = None if args.token_file is None else token_of(args.token_file)
    path = None if args.name is None else detector_path(args, "serve")
    address, source = listening(args.host, args.port), None
    try:
        if token is None and not address.local:
            token = new_token()
        detector = None if path is None else _loaded(args, path)
        feed = _feed(args)
        if feed is not None:
            source = source_of(args, args.replay, args.speed or 1.0, _noted(feed))
        with _served(_offer(args, path, feed), address, _access(address, token)):
            _say_where(args, address, token)
            if feed is not None and detector is not None and source is not None:
                code = _follow(args, detector, source, feed)
                if code:
                    return code
            return _wait()
    finally:
        if source is not None:
            source.stop()
        address.listener.close()


def _say_where(args: argparse.Namespace, address: PageAddress, token: str | None) -> None:
    """What to open; a token that was given in a file isn't shown."""
    shown = token if args.token_file is None else None
    sys.stdout.write(f"open: {address.url(shown)} (Ctrl-C ends)\n")
    if shown is None and token is not None:
        sys.stdout.write(f"the token is that of {args.token_file}: add ?token=TOKEN\n")
    sys.stdout.flush()


def _loaded(args: argparse.Namespace, path: Path) -> FrameScorer:
    from can_train.detectors.loading import load_detector

    detector = load_detector(path, experiment_root=vars(args).get("experiment_root"))
    detector.limit_threads()
    return detector


def _feed(args: argparse.Namespace) -> LiveFeed | None:
    from can_train.serving.feed import LiveFeed

    if args.replay == STDIN:
        return LiveFeed("standard input", "input")
    if args.replay is not None:
        return LiveFeed(Path(args.replay).name, "replay")
    return None if args.bus is None else LiveFeed(args.bus, "bus")


def _offer(args: argparse.Namespace, path: Path | None, feed: LiveFeed | None) -> Offer:
    from can_train.cli.commands.serve import USUAL_UPLOAD_MB
    from can_train.serving.app import Offer
    from can_train.serving.listing import RunList
    from can_train.serving.uploads import ScoringJob, Uploads

    root, uploads = roots_of(args).experiments, None
    if path is not None:
        job = ScoringJob(detector=path, experiment_root=root)
        uploads = Uploads(job, 1_000_000 * (args.upload_limit or USUAL_UPLOAD_MB))
    return Offer(
        feed=feed,
        uploads=uploads,
        runs=RunList(root) if args.runs else None,
        title="runs" if path is None else path.name,
    )


def _access(address: PageAddress, token: str | None) -> Access:
    from can_train.serving.access import Access

    return Access(host=address.host, port=address.port, local=address.local, token=token)


@contextmanager
def _served(offer: Offer, address: PageAddress, access: Access) -> Iterator[None]:
    """Serves while the block lasts; whatever ends the server otherwise ends the block.

    Raises:
        BaseException: That.
    """
    from can_train.serving.app import PageApp
    from can_train.serving.server import PageServer, cut

    server = PageServer(PageApp(offer, access, cut), address)
    server.start()
    try:
        yield
    except KeyboardInterrupt:
        if server.error is None:
            raise
    finally:
        server.stop()
    if server.error is not None:
        raise server.error


def _noted(feed: LiveFeed) -> Callable[[str], None]:
    """Says something about the source here and on the page."""

    def note(line: str) -> None:
        tell(line)
        feed.note(line)

    return note


def _follow(args: argparse.Namespace, detector: FrameScorer, source: Source, feed: LiveFeed) -> int:
    """Follows the stream to its end; gives the exit code."""
    if args.calibrate is not None:
        feed.calibrate(args.calibrate)
    code = follow(args, detector, source, feed)
    if code == 0:
        sys.stdout.write("the stream is over; the page stays until Ctrl-C\n")
        sys.stdout.flush()
    return code


def _wait() -> int:
    """Until the user ends it; whichever thread the signal reaches, this one notices it."""
    try:
        while True:
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
