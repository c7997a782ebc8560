"""What was written after `test_a`, again by somebody who had not seen the dictionary.

At the first look the doctor named the equation of 59 of the 60 single faults, 56 of them exactly,
and both faults of 26 of the 30 pairs; it called none of them right, and none of the 30 right
functions wrong. The faults that it lacked were then added.
"""
