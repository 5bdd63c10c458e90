"""The scene: a city and its results as meshes, images and palettes, with no window and no VTK.

Every picture and page reads the same scene (`twin.scene.build`), so that they show the same
ground, the same colours and the same limits.
"""
