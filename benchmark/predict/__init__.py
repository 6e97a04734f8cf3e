"""A fitted model at work on new images.

Enters: a saved model and image files, neither of which is trusted. Leaves: predictions with probabilities, and what was
done to an image to make it like those of the data set.

Reading order: ``saved`` (which model, and whether it may predict), ``images`` (preparing them), ``classify``,
``sheet`` (as a picture).
"""
