"""Support bundles: a folder that holds all that a diagnosis needs, read into the same Snapshot as a live cluster, and written from one."""
