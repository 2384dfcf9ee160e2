"""What customers say while the process dies."""

CHARGED = "I was charged $99 but I downgraded to the $49 plan last week. I already checked the invoice."
HUMAN = "The order is W4829137, and I want to talk to a human"
REFUND = "I was charged $99 instead of $49 for order W4829137, for the third time. Please refund me."
THANKS = "Thank you, that is all"
DATE = "It was on the first of the month."
