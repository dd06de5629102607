"""`reconcile`: a store that was lost or put back from an old copy."""

import shlex

import click
from rich.markup import escape

from ..keys import PublicKeys
from ..lane_office import utc_now
from ..people import begin_people, people_to_begin_with
from ..reconcile import read_claims
from ..store import Store
from .progress import waiting_for
from .shared import answer, as_person, host_of, json_option, person_option, say


@click.command()
@click.option("--now", "do_it", is_flag=True, help="Do it; without this it is only shown.")
@person_option
@json_option
@click.pass_context
def reconcile(context: click.Context, do_it: bool, person: str, as_json: bool) -> None:
    """Bring a store that was lost or put back in line with the lanes.

    Put the newest store back instead, wherever there is one. What the lanes say of themselves is
    taken as far as it tightens; the ledger goes on and names the head that was lost.
    """
    host, by = host_of(context), as_person(person)
    with waiting_for("Asking the lanes", quiet=as_json):
        claims = read_claims(host, PublicKeys.load(host))
    store = Store.open(host.store_url, host.head_file)
    context.call_on_close(store.close)
    if do_it:
        # What is wrong in the files is said before anything is done.
        people_to_begin_with(host, store, utc_now())
    found = store.reconcile(claims, by=by, now=utc_now(), look_only=not do_it)
    if do_it:
        begin_people(host, store, utc_now())
    if as_json:
        answer({"done": do_it, "problem": found.problem, "taken": list(found.taken)})
        return
    say(
        escape(
            f"The store is not the newest one: {found.problem}."
            if found.problem
            else "The store is the newest one."
        )
    )
    for sentence in found.taken:
        say(escape(f"  {sentence}"))
    if not found.problem and not found.taken:
        say("There is nothing to take.")
    else:
        then = f"Then: lane-authority reconcile --now --as {shlex.quote(person)}"
        say("Done." if do_it else escape(then))
