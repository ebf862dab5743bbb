"""Whether a server keeps the protocol, found out from outside: ``python -m headway.testing.conformance URL``.

What can be said in requests and answers is data, in ``conformance/http`` of the repository: anybody can run it in any
language. What takes a stream is in ``streams``: resuming on every transport and across them, order, modes, the end;
``conversations`` has what is said on a WebSocket, ``event_streams`` what is particular to Server-Sent Events, and
``signs`` what comes though nothing happens. The limits are those that a server has unless it was set otherwise.
Every case makes runs of its own, and leaves them there.
"""

from headway.testing.conformance.case import Case, Outcome, load_cases
from headway.testing.conformance.runner import check_server

__all__ = ["Case", "Outcome", "check_server", "load_cases"]
