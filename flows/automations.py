"""What Prefect's server does by itself: it marks runs that fell silent, and tells a webhook what went wrong."""

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import BlockDocumentCreate, BlockDocumentUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.children import ServeError

SILENT = "sawtooth: crash flow runs that fell silent"
DROPPED = "sawtooth: tell of a drop in quality"
FAILED = "sawtooth: tell of a run that failed"
WEBHOOK = "sawtooth-notify"
SILENCE = timedelta(minutes=5)
"""Ten heartbeats of prefect.yaml's deployments, and more than one of Prefect's default (180 s)."""

_ENDS = {f"prefect.flow-run.{end}" for end in ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended")}
_TEXTS = {
    DROPPED: "Quality dropped: {{ event.payload.source }}, {{ event.payload.size }}: {{ event.payload.metric }} on test"
    " is {{ event.payload.test_hr }}, the median of the nights before {{ event.payload.median_hr }}"
    " (run {{ event.payload.run_id }}).",
    FAILED: "Flow run {{ event.resource['prefect.resource.name'] }}: {{ event.resource['prefect.state-name'] }}."
    " {{ event.resource['prefect.state-message'] }}",
}


def install_automations(client: SyncPrefectClient, notify_url: str | None) -> None:
    """Make what is missing and bring up to date what is there, by name.

    One that the user paused stays paused. Without an address, notifications stay as they were.
    """
    _install(client, silent_runs(SILENCE))
    if notify_url:
        webhook = _webhook(client, notify_url)
        _install(client, notification(DROPPED, {"sawtooth.quality.dropped"}, webhook))
        _install(client, notification(FAILED, {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}, webhook))


def silent_runs(silence: timedelta) -> AutomationCore:
    """Return the automation that marks a run as crashed when its heartbeats stop: its machine is gone, or stuck."""
    heartbeat = "prefect.flow-run.heartbeat"
    return AutomationCore(
        name=SILENT,
        description=f"A run that was heard of and then not for {silence} is marked as crashed.",
        enabled=True,
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={heartbeat},
            expect={heartbeat, *_ENDS},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[
            ChangeFlowRunState(state=StateType.CRASHED, message=f"No heartbeat for {silence}: its machine is gone.")
        ],
    )


def notification(name: str, events: set[str], webhook: UUID) -> AutomationCore:
    """Return an automation that posts a sentence on an event, as `{"text": ...}`: what chat services take."""
    payload = "{% set text %}" + _TEXTS[name] + "{% endset %}" + '{"text": {{ text | string | tojson }}}'
    return AutomationCore(
        name=name,
        description=f"Posts to the address in the block {WEBHOOK}.",
        enabled=True,
        trigger=EventTrigger(posture=Posture.Reactive, expect=events, threshold=1),
        actions=[CallWebhook(block_document_id=webhook, payload=payload)],
    )


def _install(client: SyncPrefectClient, automation: AutomationCore) -> None:
    found = client.read_automations_by_name(automation.name)
    if not found:
        client.create_automation(automation)
    for old in found[:1]:
        client.update_automation(old.id, automation.model_copy(update={"enabled": old.enabled}))


def _webhook(client: SyncPrefectClient, url: str) -> UUID:
    """Keep the address, which may hold a secret, in a block: the server encrypts it and shows stars."""
    data = {"url": url, "method": "POST", "headers": {"Content-Type": "application/json"}}
    block_type = client.read_block_type_by_slug("webhook")
    schema = client.get_most_recent_block_schema_for_block_type(block_type.id)
    if schema is None:
        message = "the Prefect server has no webhook block: unset SAWTOOTH_NOTIFY_URL, or repair the installation"
        raise ServeError(message)
    try:
        known = client.read_block_document_by_name(WEBHOOK, "webhook")
        client.update_block_document(known.id, BlockDocumentUpdate(block_schema_id=schema.id, data=data))
    except ObjectNotFound:
        known = client.create_block_document(
            BlockDocumentCreate(name=WEBHOOK, data=data, block_schema_id=schema.id, block_type_id=block_type.id)
        )
    return known.id
