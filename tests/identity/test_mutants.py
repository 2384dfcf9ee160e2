"""Planted faults: each weakens one rule of identity in a copy of the source, and a test that names the rule turns red.

A fault that nobody notices would mean that the rule stands on paper only.
"""

import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
PARTITION, GATE, ATTACKS = "tests/identity/test_partition.py", "tests/identity/test_gate.py", "tests/test_attacks.py"
EXPIRY, MEMBERS = "tests/identity/test_expiry.py", "tests/channels/test_slack_members.py"
FORGETTING, HANDS = "tests/test_forgetting.py", "tests/test_changing_hands.py"
RAN = 100  # added to it by our own process, which fails with 1 before it has come to pytest
SIDE_BY_SIDE = 2
OURS = {"bots", "channels", "core", "identity", "tests"}
VENDORS = [
    "pytest",
    "numpy",
    "sqlalchemy",
    "alembic.command",
    "aiohttp",
    "pydantic_settings",
]
PATIENCE = 40  # seconds for one test, on a busy machine
FOUND = 1  # pytest's exit code for tests that failed; a test that cannot be collected has another


@dataclass(frozen=True)
class Mutant:
    """A line of `file` changed from `old` to `new`; `test` has to notice."""

    file: str
    old: str
    new: str
    test: str


MUTANTS = [
    Mutant(
        "identity/partition.py",
        "if len(holders) > 1)",
        "if len(holders) > 2)",
        f"{PARTITION}::test_a_key_of_two_people_links_nobody",
    ),
    Mutant(
        "identity/partition.py",
        "if len(edge) > 1} - evidence.cuts",
        "if len(edge) > 1}",
        f"{PARTITION}::test_a_cut_is_never_joined_directly_again",
    ),
    Mutant(
        "identity/partition.py",
        "if len(named) < 2:",
        "if named:",
        f"{PARTITION}::test_two_directory_people_meet_only_by_two_operators",
    ),
    Mutant(
        "identity/partition.py",
        'if owned.node in nodes and owned.key.startswith("web:"):',
        'if owned.node in nodes and owned.key.startswith("none:"):',
        f"{PARTITION}::test_two_logins_are_two_people",
    ),
    Mutant(
        "identity/partition.py",
        "vouched.at <= owned.silent_from",
        "vouched.at < vouched.at",
        f"{PARTITION}::test_what_was_vouched_for_before_the_silence_says_nothing_after_it",
    ),
    Mutant(
        "identity/partition.py",
        "vouched.recorded_at >= owned.closed_at",
        "vouched.at >= owned.closed_at",
        f"{PARTITION}::test_who_gets_a_key_gets_nothing_of_who_had_it",
    ),
    Mutant(
        "identity/partition.py",
        "and a.proven and b.proven",
        "",
        f"{PARTITION}::test_one_number_on_sms_and_voice_is_one_once_both_are_proven",
    ),
    Mutant(
        "identity/partition.py",
        "self.heard_at is None or now - self.heard_at <= SILENCE",
        "now >= self.recorded_at",
        f"{EXPIRY}::test_a_voucher_joins_for_45_days_after_it_was_last_heard",
    ),
    Mutant(
        "identity/partition.py",
        "for vouched in (*evidence.vouched, *evidence.lapsed):",
        "for vouched in evidence.vouched:",
        f"{EXPIRY}::test_a_household_phone_does_not_become_the_last_one_s",
    ),
    Mutant(
        "core/backends/ledger/people.py",
        ".values(heard_at=message.received_at)",
        ".values(heard_at=message.received_at, at=message.received_at)",
        f"{EXPIRY}::test_an_old_word_that_is_repeated_does_not_speak_for_a_number_s_next_owner",
    ),
    Mutant(
        "channels/_slack/members.py",
        "not (is_guest or self.is_bot",
        "not (self.is_bot",
        f"{MEMBERS}::test_everybody_else_s_email_is_worth_nothing",
    ),
    Mutant(
        "channels/_slack/members.py",
        "if home not in await self._our_home():",
        "if not home:",
        f"{MEMBERS}::test_a_handle_of_another_workspace_is_never_asked_about",
    ),
    Mutant(
        "channels/_slack/reading.py",
        "is_ours = bool(is_told) and place",
        "is_ours = place",
        f"{MEMBERS}::test_a_stranger_with_a_member_s_email_or_id_gets_nothing_and_is_not_asked_about",
    ),
    Mutant(
        "identity/gate.py",
        "row.drawn_from <= self.handles",
        "row.drawn_from & self.handles",
        f"{GATE}::test_no_row_of_another_handle_is_admitted_nor_one_that_repeats_it",
    ),
    Mutant(
        "identity/gate.py",
        "nodes = grant.nodes if grant else standing.nodes",
        "nodes = standing.nodes | (grant.nodes if grant else standing.nodes)",
        f"{GATE}::test_a_code_opens_the_customer_who_showed_it_and_nothing_of_who_entered_it",
    ),
    Mutant(
        "identity/gate.py",
        "return self.grant.proof if self.grant else self.proof",
        "return self.proof",
        f"{GATE}::test_a_code_shown_by_a_claimed_conversation_carries_that_conversation_alone",
    ),
    Mutant(
        "identity/policy.py",
        "(Leave.CONVERSATION, Leave.HANDLE,",
        "(Leave.CONVERSATION, Leave.MASKED,",
        f"{ATTACKS}::test_a_plausible_mail_learns_nothing_of_linked_handles",
    ),
    Mutant(
        "identity/proof.py",
        "if shared or (must_be_known and not known):",
        "if must_be_known and not known:",
        f"{GATE}::test_a_number_has_to_be_known",
    ),
    Mutant(
        "identity/handles.py", "timedelta(days=45)", "timedelta(days=450)", f"{ATTACKS}::test_recycled_sms_and_voice"
    ),
    Mutant("identity/codes.py", "not code.used and ", "", f"{ATTACKS}::test_reused_code"),
    Mutant(
        "identity/codes.py", "LIFE = timedelta(minutes=10)", "LIFE = timedelta(days=1)", f"{ATTACKS}::test_expired_code"
    ),
    Mutant(
        "identity/codes.py",
        "GRANT_LIFE = timedelta(minutes=15)",
        "GRANT_LIFE = timedelta(days=1)",
        f"{ATTACKS}::test_grant_ends_for_cases",
    ),
    Mutant(
        "core/linking.py",
        "return desk.may_last and apart",
        "return apart",
        f"{ATTACKS}::test_a_household_phone_is_never_linked_for_good",
    ),
    Mutant(
        "core/engine.py",
        "known.about_a_known_case(await",
        "(await",
        f"{ATTACKS}::test_a_writer_cannot_touch_a_case_that_it_was_not_given",
    ),
    Mutant(
        "core/composing.py",
        "drawn_from=t.known.drawn_from,",
        "",
        f"{ATTACKS}::test_unlinking_restores_recall_also_of_what_was_said_in_between",
    ),
    Mutant(
        "core/ledger.py",
        'return f"~{message.conversation}" if message.proof is Proof.CLAIMED else message.handle.address',
        "return message.handle.address",
        "tests/test_recognition.py::test_a_forged_message_lives_on_a_handle_of_its_own",
    ),
    Mutant(
        "core/backends/ledger/linking.py",
        'grants.c.conversation == bindparam("conversation"),',
        'bindparam("conversation").is_not(None),',
        f"{ATTACKS}::test_grant_is_of_its_conversation",
    ),
    Mutant(
        "core/backends/ledger/linking.py",
        "tx.execute(grants.delete().where(grants.c.handle_id.in_(pair), grants.c.shown_by.in_(pair)))",
        "",
        f"{ATTACKS}::test_undo_ends_the_grant_too",
    ),
    Mutant(
        "core/backends/ledger/people.py",
        ".values(closed_at=now)",
        ".values(closed_at=None)",
        f"{ATTACKS}::test_a_key_that_moves_to_another_person_takes_no_memory_along",
    ),
    Mutant(
        "core/backends/ledger/tombstones.py",
        'if not _erased_at(tx, secret, "person", row)',
        "if row",
        f"{FORGETTING}::test_the_directory_takes_them_in_again_only_when_it_is_told_to",
    ),
    Mutant(
        "core/backends/ledger/tombstones.py",
        'key=digest(secret, "key", message.handle.key),',
        'key="",',
        f"{FORGETTING}::test_neither_a_redelivery_nor_an_older_message_brings_them_back",
    ),
    Mutant(
        "core/backends/ledger/tombstones.py",
        'itself=digest(secret, "message", f"{message.channel}:{message.external_id}"),',
        'itself="",',
        f"{FORGETTING}::test_neither_a_redelivery_nor_an_older_message_brings_them_back",
    ),
    Mutant(
        "core/backends/ledger/erasing.py",
        "[_draws_on(gone.handles), outbox.c.id.in_(gone.called), ",
        "[outbox.c.id.in_(gone.called), ",
        f"{FORGETTING}::test_what_was_said_of_them_in_somebody_elses_own_case_goes",
    ),
    Mutant(
        "core/backends/ledger/erasing.py",
        "found = handles_of(nodes) | _shared(persons, around) | _former(tx, persons)",
        "found = handles_of(nodes)",
        f"{FORGETTING}::test_a_phone_that_the_directory_took_away_and_one_that_two_share_are_erased",
    ),
    Mutant(
        "core/backends/ledger/erasing.py",
        "    tx.execute(leases.delete().where(leases.c.customer.in_(gone.nodes)))",
        "    pass",
        f"{FORGETTING}::test_a_turn_in_flight_is_fenced_off_and_writes_nothing",
    ),
    Mutant(
        "core/backends/ledger/merging.py",
        "    parting.give_back_cases(tx, one, other)",
        "    pass",
        "tests/test_merging.py::test_what_was_told_in_the_other_ones_case_stays_with_who_told_it",
    ),
    Mutant(
        "identity/partition.py",
        "vouched.recorded_at - owned.heard_at > SILENCE",
        "vouched.recorded_at < owned.heard_at",
        f"{HANDS}::test_a_new_customer_with_a_reissued_number_gets_nothing_of_its_old_owner",
    ),
    Mutant(
        "core/backends/ledger/people.py",
        "return epoch + 1, silent_from",
        "return epoch + 1, None",
        f"{HANDS}::test_a_number_that_changed_hands_is_not_its_former_owners_again_when_the_directory_takes_it_from_the_new_one",
    ),
    Mutant(
        "core/backends/ledger/erasing.py",
        " | partition.customer(node, partition.as_of(now, around))",
        "",
        f"{FORGETTING}::test_what_lapsed_and_would_part_them_keeps_nothing_of_what_is_theirs_now",
    ),
    Mutant(
        "core/backends/ledger/erasing.py",
        "[_draws_on(gone.handles), outbox.c.id.in_(gone.called), ",
        "[_draws_on(gone.handles), ",
        f"{FORGETTING}::test_no_reply_calls_them_by_their_name_on_a_handle_that_was_theirs_once",
    ),
    Mutant(
        "core/recollection.py",
        "return handles | {DIRECTORY} if rows.profile else handles",
        "return handles",
        f"{HANDS}::test_our_own_lines_do_not_carry_the_directory_into_a_merely_plausible_turn",
    ),
]


nursery = multiprocessing.get_context("forkserver")
nursery.set_forkserver_preload(VENDORS)


def overlay(mutant: Mutant, folder: Path) -> Path:
    """A tree that leads to the checkout in everything but the one mutated file."""
    wanted = Path(mutant.file)
    here, there = folder, CHECKOUT
    for part in wanted.parts:
        here.mkdir()
        for entry in there.iterdir():
            if entry.name != part and entry.name not in {"var", ".git", ".venv"}:
                (here / entry.name).symlink_to(entry)
        here, there = here / part, there / part
    source = there.read_text(encoding="utf-8")
    assert source.count(mutant.old) == 1, f"{mutant.file} holds no single {mutant.old!r} any more; change the table"
    here.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
    return folder


def outcome(test: str, folder: Path) -> tuple[int, str]:
    """The exit code of a test that is run on a tree, in a process that has loaded the vendors and nothing of ours."""
    process = nursery.Process(target=run, args=(test, folder))
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode - RAN, (folder / "said").read_text()


def run(test: str, folder: Path) -> None:
    """Ends its process with RAN and pytest's exit code; nothing is written into the tree but what it said."""
    for module in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[module]
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if Path(path or ".").resolve() != CHECKOUT)]
    sys.dont_write_bytecode = True
    with Path("said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        os._exit(RAN + pytest.main(["-x", "-p", "no:cacheprovider", *test.split()]))


@pytest.mark.timeout(180)
def test_every_planted_fault_is_caught(tmp_path: Path) -> None:
    def missed(number: int) -> str:
        mutant = MUTANTS[number]
        code, said = outcome(mutant.test, overlay(mutant, tmp_path / str(number)))
        return "" if code == FOUND else f"{mutant.file}: {mutant.old!r} -> {mutant.new!r}: exit {code}\n{said[-900:]}"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        report = [one for one in pool.map(missed, range(len(MUTANTS))) if one]
    assert not report, "\n".join(report)


def test_without_a_fault_the_same_tests_are_green(tmp_path: Path) -> None:
    untouched = Mutant("identity/gate.py", '"""The one gate', '"""The one gate', "")
    code, said = outcome(" ".join(sorted({mutant.test for mutant in MUTANTS})), overlay(untouched, tmp_path / "tree"))
    assert code == 0, said[-2000:]
