"""RepeatBench: does the customer have to repeat anything, and does anybody hear what is not theirs?"""
