"""Support bundles: a folder of standard forms, read as the Snapshot that a live cluster would have given, and written from one.

Everything in a bundle is somebody else's: any file may be missing, cut off, enormous or nonsense. What can be read is read, what cannot
is a gap with its reason, and all that is kept has a bound (`limits`).
"""
