"""The grammar of TwiML that all calls in tests are held to refuses what Twilio would refuse."""

import pytest

from channels._voice.connecting import connect, dial, hang_up
from tests.twins.twiml import BadTwiml, checked


def relay(more: str = "") -> str:
    return f'<ConversationRelay url="wss://a.test/x" {more}/>'


@pytest.mark.parametrize(
    "inner",
    [
        "<Speak>x</Speak>",
        "<Say>x</Say>words between",
        '<Say tongue="en-US">x</Say>',
        '<Say language="english">x</Say>',
        "<Say/>",
        f"<Say>{'x' * 4_097}</Say>",
        "<Gather><Dial>+15550100</Dial></Gather>",
        '<Gather numDigits="0"/>',
        '<Gather action="/relative"/>',
        "<Redirect>/relative</Redirect>",
        '<Redirect method="PUT">https://a.test/</Redirect>',
        "<Hangup>now</Hangup>",
        "<Hangup/><Say>x</Say>",
        "<Dial>+15550100</Dial><Say>x</Say>",
        "<Dial>5550100</Dial>",
        "<Dial/>",
        f"<Connect>{relay()}{relay()}</Connect>",
        "<Connect><ConversationRelay/></Connect>",
        '<Connect><ConversationRelay url="https://a.test/x"/></Connect>',
        "<Connect>" + relay('interruptible="sometimes"') + "</Connect>",
        "<Connect>" + relay('dtmfDetection="yes"') + "</Connect>",
        "<Connect>" + relay('ttsProvider="Acme"') + "</Connect>",
        '<Connect><ConversationRelay url="wss://a.test/x"><Language/></ConversationRelay></Connect>',
        '<Connect><ConversationRelay url="wss://a.test/x"><Parameter name="a"/></ConversationRelay></Connect>',
        "<ConversationRelay url='wss://a.test/x'/>",
    ],
)
def test_what_is_not_in_the_grammar_is_refused(inner: str) -> None:
    with pytest.raises(BadTwiml):
        checked(f"<Response>{inner}</Response>")


@pytest.mark.parametrize("body", ["", "<Response>", "<Twiml/>", "words"])
def test_what_is_no_document_is_refused(body: str) -> None:
    with pytest.raises(BadTwiml):
        checked(body)


def test_what_we_hand_calls_on_with_is_in_the_grammar() -> None:
    after = "https://support.acme.test/twilio/voice?after=relay&step=1"
    told = checked(connect("wss://a.test/r", after=after, languages=("de", "en", "de-AT"), parameters={"a": '<&">'}))
    [noun] = told[0]
    assert noun.attrib == {
        "url": "wss://a.test/r",
        "language": "de-DE",
        "interruptible": "any",
        "reportInputDuringAgentSpeech": "any",
        "dtmfDetection": "true",
    }
    assert [(one.tag, *one.attrib.values()) for one in noun] == [
        ("Language", "de-DE"),
        ("Language", "en-US"),
        ("Parameter", "a", '<&">'),
    ]
    checked(dial("+15550177", after=after))
    checked(hang_up("Good bye & <thanks>", "de"))
    checked(hang_up())
