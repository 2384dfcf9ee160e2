"""What text messages need: their alphabet and cost, Twilio's REST interface, what was missed, files, errors."""
