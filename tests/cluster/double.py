"""A test double of the API server, on kmock's HTTP: what our client uses of it, with the faults of the real one.

Objects have resource versions, watches go on from one, lists have pages, applying is server-side, a dry run stores
nothing. `Server.faults` answer before anything else. The Job controller is in :mod:`tests.cluster.controller`.

One thread runs the event loop; `state` is held for every look at and change of the objects.
"""

import asyncio
import itertools
import json
import threading
from collections import deque
from contextlib import contextmanager

import aiohttp.test_utils
import aiohttp.web
import kmock

KINDS = {"jobs": "Job", "configmaps": "ConfigMap", "cronjobs": "CronJob", "pods": "Pod", "events": "Event"}
STAMP = "2026-01-01T00:00:00Z"


class Refusal(Exception):
    """A Status."""

    def __init__(self, code, message, reason="", headers=None, details=None):
        super().__init__(message)
        self.code, self.message, self.reason, self.headers = code, message, reason, headers or {}
        self.details = details or {}

    def response(self):
        body = {
            "kind": "Status",
            "status": "Failure",
            "code": self.code,
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
        }
        return aiohttp.web.json_response(body, status=self.code, headers=self.headers)


class Server(kmock.RawHandler):
    """The API server; `asked` is what was asked of it, as ``VERB path?query``."""

    def __init__(self, version="36"):
        super().__init__()
        self.version = version
        self.faults = []
        self.asked = []
        self.refused = 0
        self.token = None
        self.warnings = []
        self.log_lines = {}
        self.cut_after = deque()
        self.cut_logs = deque()
        self.state = threading.RLock()
        self.objects = {}
        self.history = []
        self.oldest = 0
        self.loop = None
        self.wakers = set()
        self.reactions = []
        self._versions = itertools.count(100)

    # What tests and the controller do.

    def put(self, plural, obj, kind="MODIFIED"):
        """Store an object, and tell the watches."""
        with self.state:
            meta = obj["metadata"]
            meta["resourceVersion"] = str(next(self._versions))
            key = (plural, meta["name"])
            if kind == "DELETED":
                self.objects.pop(key, None)
            else:
                self.objects[key] = obj
            self.history.append((int(meta["resourceVersion"]), kind, plural, json.dumps(obj)))
        self.wake()

    def find(self, plural):
        """The objects of a kind."""
        with self.state:
            return [obj for (of, _), obj in self.objects.items() if of == plural]

    def forget(self):
        """Compact: watches can no longer go on from what was."""
        with self.state:
            self.oldest = next(self._versions)

    def wake(self):
        """Have watches look for what is new."""
        with self.state:
            wakers = list(self.wakers)
        for waker in wakers:
            self.loop.call_soon_threadsafe(waker.set)

    def plain_requests(self, verb=None):
        """What was asked, watches left out."""
        return [each for each in self.asked if "watch=true" not in each and (verb is None or each.startswith(verb))]

    # HTTP.

    async def _handle(self, request):
        self.asked.append(f"{request.method.value.upper()} {request.url.path_qs}")
        raw = request._raw_request
        try:
            self._check_token(request)
            for fault in list(self.faults):
                fault(self, request)
            if request.url.path == "/version":
                return aiohttp.web.json_response({"major": "1", "minor": self.version})
            return await self._object(request, raw)
        except Refusal as refusal:
            return refusal.response()

    def _check_token(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self.token and (scheme.lower(), token) != ("bearer", self.token):
            raise Refusal(401, "Unauthorized", "Unauthorized")

    async def _object(self, request, raw):
        plural, name, query = request.resource.plural, request.name, request.params
        if request.subresource == "log":
            return await self._log(name, query, raw)
        if query.get("watch") == "true":
            return await self._watch(plural, query, raw)
        if request.method.value.upper() == "PATCH":
            return self._patch(plural, name, request)
        with self.state:
            if name is None:
                return self._list(plural, query)
            found = self.objects.get((plural, name))
            if found is None:
                raise Refusal(404, f'{plural} "{name}" not found', "NotFound")
            if request.method.value.upper() == "DELETE":
                self.put(plural, found, "DELETED")
                self.collect_garbage(found["metadata"]["uid"])
            return aiohttp.web.json_response(found)

    def collect_garbage(self, owner):
        """Delete what an object owned."""
        for (plural, _), obj in list(self.objects.items()):
            if any(each["uid"] == owner for each in obj["metadata"].get("ownerReferences", [])):
                self.put(plural, obj, "DELETED")

    def _patch(self, plural, name, request):
        change = json.loads(request.body)
        with self.state:
            before = self.objects.get((plural, name))
            if "apply-patch" in request.headers["Content-Type"]:
                dry = request.params.get("dryRun") == "All"
                made = self._applied(plural, name, change, before)
                if not dry:
                    self.put(plural, made, "MODIFIED" if before else "ADDED")
                headers = [("Warning", f'299 - "{text}"') for text in self.warnings] if plural == "jobs" else []
                response = aiohttp.web.json_response(made, status=200 if before else 201)
                response.headers.extend(headers)
                return response
            if before is None:
                raise Refusal(404, f'{plural} "{name}" not found', "NotFound")
            self.put(plural, merged(before, change))
            return aiohttp.web.json_response(self.objects[plural, name])

    def _applied(self, plural, name, change, before):
        assert change["kind"] == KINDS[plural]
        fresh = {"uid": f"uid-{plural}-{name}", "creationTimestamp": STAMP, "namespace": "work"}
        meta = {**(before["metadata"] if before else fresh), **change["metadata"]}
        return {**(before or {"status": {}}), **change, "metadata": meta}

    def _list(self, plural, query):
        found = [obj for (of, _), obj in sorted(self.objects.items()) if of == plural and selected(obj, query)]
        start, limit = int(query.get("continue", "0")), int(query.get("limit", "0")) or len(found) or 1
        page = found[start : start + limit]
        meta = {"resourceVersion": str(next(self._versions))}
        if start + limit < len(found):
            meta["continue"] = str(start + limit)
        return aiohttp.web.json_response({"metadata": meta, "items": page})

    async def _log(self, name, query, raw):
        """A pod's lines; followed, those to come until it has ended. Of `sinceTime` it knows whole seconds."""
        response, waker, at = aiohttp.web.StreamResponse(), asyncio.Event(), 0
        with self.state:
            self.wakers.add(waker)
        await response.prepare(raw)
        left = self.cut_logs.popleft() if self.cut_logs else None
        try:
            while True:
                waker.clear()
                with self.state:
                    pod = self.objects.get(("pods", name))
                    over = pod is None or pod["status"].get("phase") in {"Succeeded", "Failed"}
                    lines = list(self.log_lines.get(name, self.log_lines.get("*", [])))
                for number, line in list(enumerate(lines))[at:]:
                    stamp = f"2026-01-01T00:00:00.{number + 1:09}Z " if query.get("timestamps") == "true" else ""
                    await response.write(f"{stamp}{line}\n".encode())
                    if left is not None and (left := left - 1) <= 0:
                        raw.transport.abort()
                        return response
                at = len(lines)
                if over or query.get("follow") != "true":
                    return response
                await waker.wait()
        finally:
            with self.state:
                self.wakers.discard(waker)

    def print_line(self, pod, line):
        """Have a pod print a line."""
        with self.state:
            self.log_lines.setdefault(pod, []).append(line)
        self.wake()

    async def _watch(self, plural, query, raw):
        waker = asyncio.Event()
        with self.state:
            self.wakers.add(waker)
            since = int(query.get("resourceVersion") or 0)
            backlog = []
            if since == 0:
                backlog = [("ADDED", json.dumps(obj)) for (of, _), obj in self.objects.items() if of == plural]
                since = self.history[-1][0] if self.history else 0
            elif since < self.oldest:
                self.wakers.discard(waker)
                raise Refusal(410, "too old resource version", "Expired")
            at = len(self.history) if not since else next_index(self.history, since)
        response = aiohttp.web.StreamResponse()
        await response.prepare(raw)
        left = self.cut_after.popleft() if self.cut_after else None
        try:
            while True:
                with self.state:
                    backlog += [(kind, obj) for _, kind, of, obj in self.history[at:] if of == plural]
                    at = len(self.history)
                    waker.clear()
                for kind, text in backlog:
                    if not selected(json.loads(text), query):
                        continue
                    await response.write(f'{{"type":"{kind}","object":{text}}}\n'.encode())
                    if left is not None and (left := left - 1) <= 0:
                        raw.transport.abort()
                        return response
                backlog = []
                await waker.wait()
        finally:
            with self.state:
                self.wakers.discard(waker)


def next_index(history, since):
    """Where in the history what is newer than a version begins."""
    return next((at for at, (version, *_) in enumerate(history) if version > since), len(history))


def merged(obj, change):
    """A JSON merge patch (RFC 7386)."""
    result = dict(obj)
    for key, value in change.items():
        result[key] = merged(result.get(key) or {}, value) if isinstance(value, dict) else value
    return result


def selected(obj, query):
    """Whether an object is one that label and field selectors want."""
    meta = obj["metadata"]
    for part in filter(None, query.get("labelSelector", "").split(",")):
        key, _, value = part.partition("=")
        if meta.get("labels", {}).get(key) != value:
            return False
    for part in filter(None, query.get("fieldSelector", "").split(",")):
        key, _, value = part.partition("=")
        if key == "metadata.name" and meta["name"] != value:
            return False
        if key == "involvedObject.name" and obj.get("involvedObject", {}).get("name") != value:
            return False
    return True


def _behind(context):
    """A server of aiohttp's that speaks TLS, where there is a context for it."""

    class Behind(aiohttp.test_utils.RawTestServer):
        async def start_server(self, **options):
            await super().start_server(**options, **({"ssl": context} if context else {}))

    return Behind


@contextmanager
def serving(server, tls=None):
    """Serve in a thread, with TLS if a context is given; its URL."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    told = {}

    async def serve():
        stop = told["stop"] = asyncio.Event()
        server.loop = loop
        async with server, kmock.Server(server, server_cls=_behind(tls)) as served:
            told["url"] = str(served.url).rstrip("/")
            ready.set()
            await stop.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        # Clients keep connections, and with TLS each side would wait for the other's goodbye.
        for transport in list(loop._transports.values()):
            transport.abort()
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield told["url"]
    finally:
        loop.call_soon_threadsafe(told["stop"].set)
        thread.join(30)
        loop.close()


def once(match, code, message="", headers=None, *, times=1):
    """A fault: the first requests that match (a part of ``VERB path?query``) are refused."""
    hits = itertools.count()

    def fault(server, _request):
        if match in server.asked[-1] and next(hits) < times:
            server.refused += 1
            raise Refusal(code, message, headers=headers)

    return fault
