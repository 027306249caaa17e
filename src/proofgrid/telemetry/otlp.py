"""Steps of traces, sent on by OpenTelemetry over OTLP; nothing of it is imported before somebody asks for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import proofgrid
from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry.traces import WHOLE_PERMILLE, Context, Step, send_steps

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


@contextmanager
def sent_to(endpoint: str, *, service: str, permille: int = WHOLE_PERMILLE) -> Iterator[None]:
    """Send the steps of this process to a collector while the context lasts; to nobody where `endpoint` is empty.

    `endpoint`: such as http://127.0.0.1:4318; `permille`: so many tasks of a thousand. What cannot be sent is dropped:
    nobody waits for it. Raises InvalidField without the packages of the extra `traces`, or for an address that is none.
    """
    if not endpoint:
        yield
        return
    if not endpoint.startswith(("http://", "https://")):
        raise InvalidField(f"{endpoint!r} is no address", field="traces", hint="like http://127.0.0.1:4318")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise InvalidField(
            "traces need packages that are not installed", field="traces", hint="pip install 'proofgrid[traces]'"
        ) from None
    resource = Resource.create({"service.name": service, "service.version": proofgrid.__version__})
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5))
    send_steps(lambda step: processor.on_end(_span_of(step, resource)), permille=permille)
    try:
        yield
    finally:
        send_steps(None)
        processor.shutdown()  # type: ignore[no-untyped-call]  # what waits is sent


def _span_of(step: Step, resource: object) -> ReadableSpan:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

    def context(span_id: str) -> SpanContext:
        return spelled(Context(step.trace_id, span_id))

    def spelled(one: Context) -> SpanContext:
        sampled = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(one.trace_id, 16), int(one.span_id, 16), is_remote=False, trace_flags=sampled)

    assert isinstance(resource, Resource)  # noqa: S101 - for the type checker
    return ReadableSpan(
        name=step.name,
        context=context(step.span_id),
        parent=context(step.parent_id) if step.parent_id else None,
        resource=resource,
        attributes=dict(step.attributes),
        links=[Link(spelled(step.link))] if step.link is not None else [],
        kind=SpanKind.INTERNAL,
        start_time=step.started_ns,
        end_time=step.ended_ns,
    )
