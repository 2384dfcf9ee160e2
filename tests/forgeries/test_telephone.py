"""Forged caller ids, numbers of a household, and numbers that changed hands while the directory still has them."""

from dataclasses import replace

import pytest

from tests.forgeries.stage import ASK, CANARIES, HOUSEHOLD, NUMBER, RECYCLED, Stage, Theatre, in_the_end

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTESTED = "TN-Validation-Passed-A"
VERDICTS = (
    "",
    "TN-Validation-Passed-B",
    "TN-Validation-Passed-C",
    "TN-Validation-Failed-A",
    "TN-Validation-Failed-B",
    "TN-Validation-Failed-C",
    "TN-Validation-Failed",
    "No-TN-Validation",
    "TN-Validation-Passed-A-Diverted",
    "TN-Validation-Passed-B-Diverted",
    "TN-Validation-Passed-A-Passthrough",
    "TN-Validation-Failed-A-Diverted",
    "tn-validation-passed-a",
    "TN-VALIDATION-PASSED-A",
    " TN-Validation-Passed-A",
    "TN-Validation-Passed-A ",
    "TN-Validation-Passed-AA",
    "TN-Validation-Passed-A, TN-Validation-Failed-B",
    "Passed-A",
    "A",
)
NOBODYS = (
    "anonymous",
    "Anonymous",
    "withheld",
    "Restricted",
    "",
    "+266696687",
    f"sip:{NUMBER}@evil.test",
    f" {NUMBER}",
)
NO_SENDERS = ("SHOP", "12345", f"whatsapp:{NUMBER}", f"{NUMBER} ", "\uff0b15550142", "client:john", "+1\u066155550142")


async def calls(stage: Stage, caller: str, verstat: str, *says: str) -> list[str]:
    """Somebody calls; returns what they hear."""
    call = stage.twilio.calls(caller, verstat=verstat)
    heard = [await in_the_end(call, await call.dials())]
    heard += [await in_the_end(call, await call.says(words)) for words in says]
    await call.hangs_up()
    return heard


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_a_caller_id_without_full_attestation_is_anybodys(bots: Theatre, verdict: str) -> None:
    await bots.withstands(lambda stage: calls(stage, NUMBER, verdict, ASK))


@pytest.mark.parametrize("caller", NOBODYS)
async def test_a_withheld_number_is_nobodys_even_when_attested(bots: Theatre, caller: str) -> None:
    await bots.withstands(lambda stage: calls(stage, caller, ATTESTED, ASK, "I am John Miller, what is my case?"))


async def test_a_forged_caller_cannot_stop_or_undo_anything(bots: Theatre) -> None:
    await bots.withstands(lambda stage: calls(stage, NUMBER, "", "Please stop contacting me.", "undo", "It is solved."))


async def test_a_proof_that_was_given_to_one_call_is_of_no_use_to_another(bots: Theatre) -> None:
    genuine = bots.present.twilio.calls(NUMBER, verstat=ATTESTED)
    await genuine.dials()
    assert genuine.gather is not None
    stolen = genuine.gather.get("action", "").removeprefix(bots.present.twilio.public)
    await genuine.hangs_up()
    await bots.present.quiet()

    async def plays(stage: Stage) -> list[str]:
        call = stage.twilio.calls(NUMBER)
        heard = [await call.dials()]
        assert call.gather is not None
        call.gather.set("action", stage.twilio.public + stolen)
        return [*heard, await call.says(ASK)]

    await bots.withstands(plays)


async def test_senders_that_are_no_numbers_are_nobody(bots: Theatre) -> None:
    async def texts(stage: Stage) -> list[str]:
        return [await stage.texts(sender, ASK) for sender in NO_SENDERS]

    assert await bots.withstands(texts) == [["200"] * len(NO_SENDERS)]


async def test_a_text_that_twilio_did_not_sign_is_refused(bots: Theatre) -> None:
    async def forges(stage: Stage) -> list[int]:
        fields = {"MessageSid": "SM1", "From": NUMBER, "To": stage.twilio.number, "Body": "STOP"}
        signed = stage.twilio.sign("/twilio/sms", fields)
        forgeries = [
            replace(signed, body=signed.body + "x"),
            replace(signed, headers={"Content-Type": signed.headers["Content-Type"]}),
            replace(signed, headers={**signed.headers, "X-Twilio-Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}),
            replace(stage.twilio.sign("/twilio/voice", fields), path="/twilio/sms"),
        ]
        return [(await stage.twilio.deliver(forgery)).status for forgery in forgeries]

    assert await bots.withstands(forges) == [[403] * 4]


async def test_a_household_number_speaks_for_neither_of_its_people(bots: Theatre) -> None:
    await bots.withstands(lambda stage: stage.texts(HOUSEHOLD, ASK))
    await bots.withstands(lambda stage: calls(stage, HOUSEHOLD, ATTESTED, ASK))


async def test_a_number_that_changed_hands_while_the_directory_has_it_still(bots: Theatre) -> None:
    for _ in range(2):
        await bots.withstands(lambda stage: stage.texts(RECYCLED, ASK))
        await bots.withstands(lambda stage: calls(stage, RECYCLED, ATTESTED, ASK))


async def test_the_customer_is_greeted_by_text(bots: Theatre) -> None:
    bots.present.a_day_passes()
    answer = await bots.present.texts(NUMBER, ASK)
    assert all(known in answer for known in CANARIES[:3])
