"""What was written when the doctor was done, by somebody who had not seen its dictionary.

At the first look it named the equation of 59 of the 64 single faults, called none of them right and
none of the 24 right functions wrong. It was improved with the five that it did not name.
"""
