"""A fitted model at work on new images.

Enters: a saved model and image files, neither of which is trusted. Leaves: predictions with probabilities, what was
done to an image to make it like those of the data set, and whether it is like any of them.

Reading order: ``saved`` (which model, and whether it may predict), ``likeness``, ``classify``, ``sheet`` (as a
picture).
"""
